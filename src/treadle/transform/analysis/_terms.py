"""The analysis behind tf-idf: in how many rows a token is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from treadle.graph import MISSING_INT, MISSING_TEXT
from treadle.graph import nodes as n
from treadle.transform.analysis._analyzers import Counts, Values

_MISSING = (MISSING_TEXT, MISSING_INT)


@dataclass(frozen=True, slots=True)
class TermsOf:
    """``tokens``: in most rows first, ties by token; ``idf``: a table of one row, their weights.

    ``frequencies`` and ``rarities`` are tables of a row a token, and one for an unknown token: in how many rows it is,
    and its weight. It is over sequences in which no token is twice. Over no rows there are no tokens.
    """

    top_k: int | None
    min_count: int
    smooth: bool

    def create(self) -> _TermsState:
        return _TermsState(self)


class _TermsState:
    def __init__(self, of: TermsOf) -> None:
        self._of = of
        self._rows = 0
        self._counts: Counter[str | int] = Counter()

    def add(self, values: Values, counts: Counts | None = None) -> None:
        raise NotImplementedError("rows of tokens are counted as rows")

    def add_rows(self, values: Values, counts: Counts) -> None:
        """Take in rows ``[D, size]`` of tokens, and how often each row occurs."""
        self._rows += int(counts.sum())
        for column in values.T:
            for value, count in zip(column.tolist(), counts.tolist(), strict=True):
                if value not in _MISSING and count:
                    self._counts[value] += count

    def merge(self, other: _TermsState) -> None:
        self._rows += other._rows
        self._counts.update(other._counts)

    def state(self) -> list[object]:
        return [self._rows, sorted(self._counts.items())]

    def restore(self, state: list[object]) -> None:
        """What :meth:`state` gave, in the place of what was seen."""
        rows, counts = state
        self._rows, self._counts = int(rows), Counter(dict(counts))  # type: ignore[call-overload]

    def result(self) -> Mapping[str, n.Node]:
        kept = sorted((-count, value) for value, count in self._counts.items() if count >= self._of.min_count)
        kept = kept[: self._of.top_k]
        more = 1 if self._of.smooth else 0
        idf = [1 + math.log((self._rows + more) / (more - count)) for count, _ in kept]
        unknown = 1 + math.log(self._rows + more) if more else math.nan  # as of no row
        return {
            "tokens": n.Tokens(tuple(value for _, value in kept)),  # type: ignore[arg-type]
            "idf": n.Table((tuple(idf),)),
            "frequencies": n.Table((*((float(-count),) for count, _ in kept), (0.0,))),
            "rarities": n.Table((*((weight,) for weight in idf), (unknown,))),
        }


def repeat_rows(values: Values, counts: Counts) -> tuple[Values, Counts]:
    """Rows of several columns as single values, each with its row's count."""
    return values.reshape(-1), np.repeat(counts, values.shape[1])
