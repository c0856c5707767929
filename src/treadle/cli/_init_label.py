"""What ``treadle init`` makes of the label's column: two answers, or a number."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.statistics import FeatureStatistics

_FEW_NUMBERS = 10


@dataclass(frozen=True, slots=True)
class Label:
    """The label's column and, where it is one of two answers, what counts as yes."""

    column: str
    comparison: str | None
    """The rest of a Python expression behind the column: ``== ">50K"``; None where the label is a number."""
    missing: int
    """Rows without a label that can be learned from."""
    note: str = ""
    """What to know about the choice."""

    @property
    def task(self) -> str:
        """``binary`` or ``regression``."""
        return "regression" if self.comparison is None else "binary"

    @property
    def known(self) -> str:
        """The condition in SQL that a row has a label."""
        quoted = '"' + self.column.replace('"', '""') + '"'
        return f"{quoted} IS NOT NULL" if self.comparison else f"isfinite(CAST({quoted} AS DOUBLE))"

    def __str__(self) -> str:
        return self.column if self.comparison is None else f"{self.column} {self.comparison}"


def label_of(name: str, measured: FeatureStatistics, positive: str | None) -> Label:
    values = sorted((measured.value_counts() or {}) if measured.exact else {})
    if measured.type == "bool":
        return Label(name, "== False" if str(positive).lower() == "false" else "== True", measured.missing)
    if positive is not None and measured.type in ("int", "float"):
        comparison = positive.strip() if positive.strip()[:1] in "<>=!" else f"== {positive.strip()}"
        number = comparison.lstrip("<>=! ")
        try:
            float(number)
        except ValueError as error:
            raise UsageError(
                f"--positive {positive!r} is not a comparison with a number.", hint="For example: --positive '>100'."
            ) from error
        return Label(name, f"{comparison[: -len(number)].strip()} {number}", measured.missing)
    if positive is not None and measured.type == "string":
        if positive not in values:
            shown = ", ".join(map(repr, values[:10]))
            raise UsageError(f"No row has the label {positive!r}.", hint=f"The values are {shown}.")
        return Label(name, f"== {literal(positive)}", measured.missing)
    if len(values) == 2 and measured.type in ("int", "float", "string"):
        # of two values the rarer one is what people want to find; of 0 and 1 it is 1
        counts = measured.value_counts() or {}
        chosen = max(values) if measured.type != "string" else min(values, key=lambda value: (counts[value], value))
        return Label(name, f"== {literal(chosen)}", measured.missing)
    if measured.type in ("int", "float") and (measured.unique or 0) > 2:
        few = measured.type == "int" and (measured.unique or 0) <= _FEW_NUMBERS
        return Label(
            name,
            None,
            measured.missing + (measured.nan or 0) + (measured.infinite or 0),
            f"{name} has {measured.unique} values, taken as numbers; if they are names of classes, say which counts as"
            f" yes: --positive {values[0]}"
            if few
            else "",
        )
    if measured.type == "string" and (measured.unique or 0) > 2:
        raise UsageError(
            f"The label {name!r} has {measured.unique:,} classes; a model here tells two apart, or predicts a number.",
            hint=f"Say which class counts as yes, against all others: --positive {literal((values or ['VALUE'])[0])}.",
        )
    raise UsageError(
        f"The label {name!r} is of type {measured.type} and has {measured.unique} values: nothing can be learned.",
        hint="Name a column with two values, or with numbers.",
    )


def truth_of(column: pa.ChunkedArray, label: Label) -> npt.NDArray[np.float64]:
    """1 for yes, 0 for no, or the number; NaN where the label is missing."""
    import pyarrow.compute as pc

    if label.comparison is None:
        return np.asarray(pc.cast(column, "float64", safe=False).to_numpy(), dtype=np.float64)
    sign, _, value = label.comparison.partition(" ")
    compare = {
        "==": pc.equal, ">": pc.greater, ">=": pc.greater_equal, "<": pc.less, "<=": pc.less_equal, "!=": pc.not_equal,
    }[sign]  # fmt: skip
    answer = pc.cast(pc.cast(compare(column, ast.literal_eval(value)), "int8"), "float64")
    return np.asarray(answer.to_numpy(), dtype=np.float64)


def literal(value: object) -> str:
    """A value as Python source, text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
