"""What columns have to do with each other: covariance, correlation, lift, and how much one tells about another.

A second reading, after statistics: numbers are cut at the deciles that were measured, and columns of few values are
counted against each other. All counts merge; covariances too, to the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError, UsageError
from treadle.statistics._coding import Coding, coding
from treadle.statistics._comoments import Comoments
from treadle.statistics._frames import batches_of
from treadle.statistics._generate import is_column_source
from treadle.statistics._keys import Floats, Ints
from treadle.statistics._statistics import Statistics
from treadle.statistics._weights import UNIT, check_total, sums, units_of

_MOST_VALUES = 100
_MOST_PAIRS = 2000


@dataclass(frozen=True, slots=True)
class Lift:
    """How much more often ``y`` occurs where ``x`` is: P(y given x) / P(y), over rows (or weight) with both."""

    x: str
    y: str
    lift: float
    rows: float


@dataclass(frozen=True, slots=True)
class Association:
    """Mutual information of two columns in bits.

    Attributes:
        bits: As the counts say; never quite 0 for few rows.
        adjusted: Less what independent columns of as many values would show on average, (r - 1)(c - 1) / (2 n ln 2)
            (Miller 1955). About 0 or below means: nothing to be seen.
        rows: Rows in which both have a value, or their weight: a row of weight 2 counts as two.
    """

    bits: float
    adjusted: float
    rows: float


class Relations:
    """Pairs of columns. Made by :func:`relate`."""

    def __init__(
        self, numeric: Sequence[str], codings: Mapping[str, Coding], label: str | None, weight: str | None = None
    ) -> None:
        self.label = label
        self.weight = weight
        """The column by which rows count; counts are then in units of 2**-24."""
        self._rows = 0
        self.numeric = list(numeric)
        """Columns with covariances."""
        self.codings: dict[str, Coding] = dict(codings)
        """How columns were cut into values; columns of more than 100 strings are not among them."""
        self.comoments = Comoments(len(self.numeric))
        self.tables: dict[tuple[str, str], Ints] = {
            pair: np.zeros([len(self.codings[name].labels) for name in pair], np.int64)
            for pair in combinations(self.codings, 2)
            if label is None or label in pair
        }

    @classmethod
    def of(
        cls, statistics: Statistics, columns: Sequence[str], label: str | None, weight: str | None = None
    ) -> Relations:
        """Relations of nothing yet, between columns that are cut as their statistics say."""
        features = statistics.features
        numeric = [name for name in columns if features[name].type in ("int", "float") and features[name].count]
        found = {name: coding(features[name], _MOST_VALUES) for name in columns}
        return cls(numeric, {name: each for name, each in found.items() if each}, label, weight)

    def like(self) -> Relations:
        """Relations of nothing yet, cut as these are, so that the two add up."""
        return Relations(self.numeric, self.codings, self.label, self.weight)

    def read(self, source: Any) -> None:
        """Count all rows of a source."""
        self._rows = getattr(source, "first_row", 0)  # a part of a scan begins where it does: errors say the row
        used = list(dict.fromkeys([*self.numeric, *self.codings, *([self.weight] if self.weight else [])]))
        for batch in source.batches(used) if is_column_source(source) else batches_of(source):
            self.add(batch)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch; errors of weights as of ``generate_weighted``."""
        units = None if self.weight is None else units_of(batch, self.weight, self._rows)
        self._rows += batch.num_rows
        if self.numeric:
            columns = [pc.cast(batch.column(name), pa.float64(), safe=False) for name in self.numeric]
            values = np.column_stack([each.to_numpy(zero_copy_only=False) for each in columns])
            self.comoments.add(values, None if units is None else units / UNIT)
        codes = {name: each.codes(batch.column(name)) for name, each in self.codings.items()}
        for (x, y), table in self.tables.items():
            both = (codes[x] >= 0) & (codes[y] >= 0)
            cells = codes[x][both] * table.shape[1] + codes[y][both]
            counts = np.bincount(cells, minlength=table.size) if units is None else sums(cells, units[both], table.size)
            self.tables[x, y] = table + counts.reshape(table.shape)
            check_total(float(self.tables[x, y].sum(dtype=np.float64)), self.weight)

    def merge(self, other: Relations) -> None:
        """Take in the rows behind other relations, which were made with the same statistics.

        Raises:
            StatisticsError: They were not, or the weights are too large together.
        """
        mine, theirs = (
            (each.numeric, each.weight, {name: coding.labels for name, coding in each.codings.items()})
            for each in (self, other)
        )
        if mine != theirs:
            raise StatisticsError("These relations were cut in different ways, so their counts do not add up.")
        for pair, table in other.tables.items():  # as floats, which do not overflow, and before anything is added
            check_total(float(self.tables[pair].sum(dtype=np.float64) + table.sum(dtype=np.float64)), self.weight)
        self.comoments.merge(other.comoments)
        for pair, table in other.tables.items():
            self.tables[pair] += table

    def covariance(self, x: str, y: str) -> float | None:
        """The covariance of two numeric columns (of the population), over rows where both have finite values."""
        return self.comoments.covariance(self._place(x), self._place(y))

    def correlation(self, x: str, y: str) -> float | None:
        """Pearson's correlation of two numeric columns; ``None`` where one does not vary."""
        return self.comoments.correlation(self._place(x), self._place(y))

    def lift(self, x: str, y: str, *, min_rows: float = 0) -> list[Lift]:
        """The lift of every pair of values that occurs, in at least ``min_rows`` rows (or weight), largest first."""
        table = self._table(x, y)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = table.sum(axis=1, keepdims=True) * (table.sum(axis=0, keepdims=True) / table.sum())
            lifts = table / expected
        names = self.codings[x].labels, self.codings[y].labels
        found = [
            Lift(names[0][i], names[1][j], float(lifts[i, j]), table[i, j].item())
            for i, j in np.argwhere((table >= min_rows) & (table > 0)).tolist()
        ]
        return sorted(found, key=lambda each: (-each.lift, each.x, each.y))

    def association(self, x: str, y: str) -> Association | None:
        """How much one column tells about another; ``None`` without rows in which both have a value."""
        table = self._table(x, y)
        rows = table.sum().item()
        if not rows:
            return None
        share: Floats = table / rows
        apart = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
        used = table > 0
        bits = max(float((share[used] * np.log2(share[used] / apart[used])).sum()), 0.0)
        values = (np.count_nonzero(table.sum(axis=1)) - 1) * (np.count_nonzero(table.sum(axis=0)) - 1)
        return Association(bits, bits - values / (2 * rows * math.log(2)), rows)

    def associations(self, label: str | None = None) -> dict[str, Association]:
        """Every other column's association with the label, the strongest first."""
        label = label or self.label
        if label is None:
            raise UsageError("There is no label to associate with.")
        found = {name: self.association(name, label) for name in self.codings if name != label}
        known = [(name, each) for name, each in found.items() if each]
        return dict(sorted(known, key=lambda item: (-item[1].adjusted, item[0])))

    def to_json(self) -> dict[str, Any]:
        """``{"covariance", "correlation", "association"}``, each a list of ``[x, y, ...]``."""
        pairs = list(combinations(self.numeric, 2))
        told = [(x, y, self.association(x, y)) for x, y in self.tables]
        return {
            "label": self.label,
            **({"weight": self.weight} if self.weight else {}),
            "covariance": [[x, y, self.covariance(x, y)] for x, y in pairs],
            "correlation": [[x, y, self.correlation(x, y)] for x, y in pairs],
            "association": [[x, y, each.bits, each.adjusted, each.rows] for x, y, each in told if each],
        }

    def _place(self, name: str) -> int:
        if name not in self.numeric:
            raise UsageError(f"{name!r} is no numeric column here.", where={"column": name})
        return self.numeric.index(name)

    def _table(self, x: str, y: str) -> Ints | Floats:
        if (x, y) in self.tables:
            return self.tables[x, y] / UNIT if self.weight else self.tables[x, y]
        if (y, x) in self.tables:
            return self._table(y, x).T
        raise UsageError(
            f"{x!r} and {y!r} were not counted against each other.",
            hint="Columns of more than 100 strings are not, and with a label only pairs with it are.",
        )


def relate(
    source: Any,
    statistics: Statistics,
    *,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    weight: str | None = None,
) -> Relations:
    """Read a source again and count its columns against each other.

    Args:
        source: As for ``generate``; rows that the statistics were made of, or others.
        statistics: They say where numbers are cut and which values there are.
        columns: Which; by default all that have few values or are numbers.
        label: Count pairs with this column only, for :meth:`Relations.associations`.
        weight: The column by which rows count; as for ``generate_weighted``.

    Raises:
        UsageError: A column is not there, or there are too many pairs.
        StatisticsError: A weight is missing, negative or not finite.
    """
    relations = between(statistics, columns, label, weight)
    relations.read(source)
    return relations


def between(
    statistics: Statistics, columns: Sequence[str] | None, label: str | None, weight: str | None = None
) -> Relations:
    """Relations of nothing yet; arguments and errors as of :func:`relate`."""
    names = list(columns if columns is not None else statistics.features)
    for name in [*names, *([label] if label else [])]:
        if name not in statistics.features:
            raise UsageError(f"There are no statistics of a column {name!r}.", where={"column": name})
    if label and label not in names:
        names.append(label)
    relations = Relations.of(statistics, names, label, weight)
    if len(relations.tables) > _MOST_PAIRS:
        raise UsageError(
            f"These are {len(relations.tables):,} pairs of columns; {_MOST_PAIRS:,} are counted at most.",
            hint="Name the columns, or a label.",
        )
    return relations
