"""Target encoding: the mean of a target per category, of the other folds where the row itself was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, number
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, Coded, Counts, Values
from treadle.transform.functions._numbers import _category

ROW_ID = "__row_id__"


def target_encode(x: Column, target: Column, *, smoothing: float = 10.0, folds: int = 5) -> Column:
    """The mean of ``target`` over the training rows of a category, drawn to the mean of all rows.

    ``(sum + smoothing * mean) / (count + smoothing)``; for a category that was not seen, and a missing one, the mean.

    A row of the training data would find its own target in it. So the rows that are analyzed get it from the others:
    they are divided into folds by a hash of their row id, and a fold's sums, counts and mean are those of all other
    folds. Everything else, requests too, gets it from all rows.

    Args:
        x: A column of integers or text.
        target: A column of numbers or a comparison; a request need not have it. Rows where it is missing or infinite
            are left out.
        smoothing: How many rows of the overall mean each category is given.
        folds: Into how many parts; at least 2.
    """
    if isinstance(smoothing, bool) or not isinstance(smoothing, int | float) or not 0 <= smoothing < float("inf"):
        raise TransformError(f"smoothing must be a number of at least 0, not {smoothing!r}.", where=user_line())
    if type(folds) is not int or not 2 <= folds <= 1000:
        raise TransformError(f"folds must be a whole number from 2 to 1000, not {folds!r}.", where=user_line())
    column = _category(x)
    analyzer = TargetMeansOf(float(smoothing), folds)
    also = (number(target), fold_of_row(folds))
    tokens, table = (
        Analysis(analyzer, field, kind, column, also)
        for field, kind in (("tokens", n.Kind.TOKENS), ("table", n.Kind.TABLE))
    )
    return Column(t.OutOfFold(n.Lookup(column, tokens, has_oov=True), table, folds))


def fold_of_row(folds: int) -> n.Node:
    """The fold of a row, by its id."""
    row = n.Input(ROW_ID, "string", n.Kind.TEXT)
    return t.HashBucket(folds, t.Prepared(row, (("hash", "treadle.folds"),), n.Kind.KEY))


@dataclass(frozen=True, slots=True)
class TargetMeansOf:
    """``tokens``: the categories; ``table``: for each a row of the mean of all, and of all but each fold."""

    smoothing: float
    folds: int

    def create(self) -> _TargetState:
        return _TargetState(self)


class _TargetState:
    """Sums and counts of the target by fold, of each category; ``None`` is all rows."""

    def __init__(self, of: TargetMeansOf) -> None:
        self._of = of
        self._sums: dict[str | int | None, Values] = {}

    def add(self, values: Values, counts: Counts | None = None) -> None:
        raise NotImplementedError("a target is a column beside the values")

    def add_columns(self, columns: Sequence[Any]) -> None:
        """Take in categories, targets and folds."""
        coded, target, fold = columns
        assert isinstance(coded, Coded)
        used = np.isfinite(target) & (fold.codes >= 0)
        folds = np.array(fold.values, dtype=np.int64)[fold.codes[used]]
        targets, size = target[used], (len(coded.values) + 1) * self._of.folds
        cells = (coded.codes[used] + 1) * self._of.folds + folds
        found = np.stack([np.bincount(cells, targets, size), np.bincount(cells, minlength=size)])
        found = found.reshape(2, -1, self._of.folds)
        self._add_one(None, found.sum(axis=1))
        values: list[str | int] = [*coded.values]
        for position, value in enumerate(values, 1):
            if found[1, position].any():
                self._add_one(value, found[:, position])

    def merge(self, other: _TargetState) -> None:
        for value, sums in other._sums.items():
            self._add_one(value, sums)

    def state(self) -> list[Any]:
        return [[value, sums.tolist()] for value, sums in sorted(self._sums.items(), key=repr)]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        """What :meth:`state` gave, in the place of what was seen."""
        self._sums = {value: np.array(sums) for value, sums in state}

    def result(self) -> Mapping[str, n.Node]:
        whole = self._without_each(self._sums.get(None, np.zeros((2, self._of.folds))))
        mean = np.divide(whole[0], whole[1], out=np.zeros_like(whole[0]), where=whole[1] > 0)
        values = sorted(value for value in self._sums if value is not None)
        rows = []
        for value in values:
            total, count = self._without_each(self._sums[value])
            weight = count + self._of.smoothing
            drawn = total + self._of.smoothing * mean
            rows.append(tuple(np.divide(drawn, weight, out=mean.copy(), where=(weight > 0) & (count > 0)).tolist()))
        table = n.Table((*rows, tuple(mean.tolist())))
        return {"tokens": n.Tokens(tuple(values)), "table": table}  # type: ignore[arg-type]

    def _add_one(self, value: str | int | None, sums: Values) -> None:
        self._sums[value] = self._sums[value] + sums if value in self._sums else sums

    def _without_each(self, sums: Values) -> Values:
        """Sums and counts of all folds, then of all but each: ``[2, 1 + folds]``.

        The others are added up, not this one taken off: what is left of a rounding would tell of it.
        """
        others = sums @ (1.0 - np.eye(self._of.folds))
        return np.concatenate([sums.sum(axis=1, keepdims=True), others], axis=1)
