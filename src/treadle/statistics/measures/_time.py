"""Points in time that are written as strings or as whole numbers: in which format, and how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError

_SHARE, _LEAST = 0.8, 100
_DAY, _MONTH, _YEAR = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])", "[12][0-9]{3}"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?"
_DATE = f"{_YEAR}-{_MONTH}-{_DAY}"
# Named as strptime names them; a day before a month is told from a month before a day only where one is above 12.
_FORMATS = {
    "%Y-%m-%d": _DATE,
    "%Y-%m-%d %H:%M:%S": f"{_DATE} {_CLOCK}",
    "%Y-%m-%dT%H:%M:%S": f"{_DATE}T{_CLOCK}",
    "%Y-%m-%dT%H:%M:%S%z": f"{_DATE}T{_CLOCK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})",
    "%Y/%m/%d": f"{_YEAR}/{_MONTH}/{_DAY}",
    "%Y%m%d": f"{_YEAR}{_MONTH}{_DAY}",
    "%d.%m.%Y": f"{_DAY}[.]{_MONTH}[.]{_YEAR}",
    "%d/%m/%Y": f"{_DAY}/{_MONTH}/{_YEAR}",
    "%m/%d/%Y": f"{_MONTH}/{_DAY}/{_YEAR}",
    "%H:%M:%S": _CLOCK,
}
_FIRST, _LAST = 631_152_000, 1_893_456_000  # 1990 and 2030 in seconds
_UNITS = {"unix days": 1 / 86_400, "unix seconds": 1, "unix ms": 10**3, "unix us": 10**6, "unix ns": 10**9}


class TimeMeasure:
    """How many values are a point in time, by format."""

    def __init__(self) -> None:
        self.values = 0
        self.formats: dict[str, int] = {}

    @property
    def format(self) -> str | None:
        """The format of at least 0.8 of the values; ``None`` without one, or for fewer than 100 values."""
        best = max(self.formats.items(), key=lambda item: (item[1], item[0]), default=None)
        return best[0] if best and self.values >= _LEAST and best[1] >= _SHARE * self.values else None

    def add(self, column: pa.Array) -> None:
        """Count a batch of strings or whole numbers."""
        self.values += len(column)
        if pa.types.is_integer(column.type):
            numbers = column.to_numpy()
            for unit, per_second in _UNITS.items():
                self._count(unit, int(((numbers >= _FIRST * per_second) & (numbers < _LAST * per_second)).sum()))
            return
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        texts = encoded.dictionary
        if not pa.types.is_string(texts.type):
            raise StatisticsError(f"Points in time are looked for in strings and whole numbers, not in {column.type}.")
        often = np.bincount(encoded.indices.to_numpy(), minlength=len(texts))
        for name, pattern in _FORMATS.items():
            fits = pc.match_substring_regex(texts, f"^{pattern}$").to_numpy(zero_copy_only=False)
            self._count(name, int(often[fits.astype(bool)].sum()))

    def merge(self, other: TimeMeasure) -> None:
        """Take in the values behind another."""
        self.values += other.values
        for name, count in other.formats.items():
            self._count(name, count)

    def to_json(self) -> dict[str, Any]:
        """The format of the column, and how many values fit each."""
        return {"format": self.format, "formats": dict(sorted(self.formats.items(), key=lambda i: (-i[1], i[0])))}

    def state(self) -> dict[str, Any]:
        """All that was counted."""
        return {"values": self.values, "formats": self.formats}

    def restore(self, state: dict[str, Any]) -> None:
        """Take on a state that was saved."""
        self.values = int(state["values"])
        self.formats = {str(name): int(count) for name, count in state["formats"].items()}

    def _count(self, name: str, count: int) -> None:
        if count:
            self.formats[name] = self.formats.get(name, 0) + count
