"""Which row goes into which split, as one promise for every way of splitting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.errors import DataError, UsageError
from treadle.ingest._scan import missing_column
from treadle.ingest._splits import assign_by_hash, assign_by_time, cuts_of, hash_of_values, time_bounds
from treadle.schema import Schema

HASH = "__hash__"
"""The column beside the rows that holds an evenly spread number of each."""

_MOST_VALUES = 10_000
Numbers = npt.NDArray[np.intp]


class SplitRule(Protocol):
    """Says the split of every row."""

    def assign(self, table: pa.Table, split: str | None) -> Numbers:
        """The number of each row's split; ``split`` is the one its file is for, if files say it."""


@runtime_checkable
class FromAllRows(SplitRule, Protocol):
    """A rule that must have seen all rows before it says anything."""

    def see(self, table: pa.Table) -> None:
        """Take rows into account."""


def rule_for(split_by: str, splits: Mapping[str, float], schema: Schema) -> SplitRule:
    """The rule that ``split_by`` names.

    Raises:
        UsageError: It needs an event time, and the schema names none.
        MissingColumnError: It names a column that the schema does not have.
    """
    if split_by == "row":
        return _ByHash(splits, None)
    if split_by == "file":
        return _ByFile(splits)
    if split_by == "time":
        if schema.event_time is None:
            raise UsageError("A split by time needs event_time in the schema.", hint='Write event_time = "COLUMN".')
        return _ByTime(splits, schema.event_time)
    kind, _, column = split_by.partition(":")
    rules: dict[str, Callable[[Mapping[str, float], str], SplitRule]]
    rules = {"column": _ByHash, "stratified": _Stratified, "predefined": _Predefined}
    if not column or kind not in rules:
        kind, column = "column", split_by
    if column not in schema.features:
        raise missing_column(column, list(schema.features), [])
    return rules[kind](splits, column)


class _ByHash:
    def __init__(self, splits: Mapping[str, float], column: str | None) -> None:
        self._splits, self._column = splits, column

    def assign(self, table: pa.Table, split: str | None) -> Numbers:  # noqa: ARG002
        if self._column is None:
            return assign_by_hash(table.column(HASH).to_numpy(), self._splits)
        return assign_by_hash(hash_of_values(table.column(self._column)), self._splits)


class _ByFile:
    def __init__(self, splits: Mapping[str, float]) -> None:
        self._names = list(splits)

    def assign(self, table: pa.Table, split: str | None) -> Numbers:
        assert split is not None
        return np.full(table.num_rows, self._names.index(split), dtype=np.intp)


class _Predefined:
    def __init__(self, splits: Mapping[str, float], column: str) -> None:
        self._names, self._column = list(splits), column

    def assign(self, table: pa.Table, split: str | None) -> Numbers:  # noqa: ARG002
        chunks = table.column(self._column).cast(pa.string()).chunks
        encoded = (pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())).dictionary_encode()
        unknown = sorted(set(encoded.dictionary.to_pylist()) - set(self._names))
        if unknown or encoded.null_count:
            raise DataError(
                f"The column names {unknown[0]!r}, which is no split."
                if unknown
                else f"{encoded.null_count} rows name no split.",
                where={"column": self._column},
                hint=f"The splits are {', '.join(self._names)}: name more in splits, or exclude such rows.",
            )
        places = np.array([self._names.index(name) for name in encoded.dictionary.to_pylist()], dtype=np.intp)
        return np.asarray(places[encoded.indices.to_numpy()])


class _ByTime:
    def __init__(self, splits: Mapping[str, float], column: str) -> None:
        self._splits, self._column = splits, column
        self._times: list[pa.Array] = []
        self._bounds: npt.NDArray[np.int64] | None = None

    def see(self, table: pa.Table) -> None:
        self._times += table.column(self._column).chunks

    def assign(self, table: pa.Table, split: str | None) -> Numbers:  # noqa: ARG002
        if self._bounds is None:
            times = pa.chunked_array(self._times, pa.timestamp("us"))
            self._bounds = time_bounds(times, self._splits, self._column)
            self._times = []
        return assign_by_time(table.column(self._column), self._bounds)


class _Stratified:
    """Every value's rows, in the order of their hashes, are cut at the same shares."""

    def __init__(self, splits: Mapping[str, float], column: str) -> None:
        self._splits, self._column = splits, column
        self._seen: dict[int, list[npt.NDArray[np.uint64]]] = {}
        self._cuts: dict[int, npt.NDArray[np.uint64]] = {}

    def see(self, table: pa.Table) -> None:
        values, hashes = self._columns(table)
        for value in np.unique(values):
            self._seen.setdefault(int(value), []).append(hashes[values == value])
        if len(self._seen) > _MOST_VALUES:
            raise DataError(
                f"The column has more than {_MOST_VALUES:,} values: too many to give each its share of every split.",
                where={"column": self._column},
                hint="Split by row, or by a coarser column.",
            )

    def assign(self, table: pa.Table, split: str | None) -> Numbers:  # noqa: ARG002
        values, hashes = self._columns(table)
        numbers = np.zeros(table.num_rows, dtype=np.intp)
        for value in np.unique(values):
            rows = values == value
            numbers[rows] = np.searchsorted(self._cuts_of(int(value)), hashes[rows], side="right")
        return numbers

    def _cuts_of(self, value: int) -> npt.NDArray[np.uint64]:
        if value not in self._cuts:
            self._cuts[value] = cuts_of(np.concatenate(self._seen.pop(value)), self._splits)
        return self._cuts[value]

    def _columns(self, table: pa.Table) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        return hash_of_values(table.column(self._column)), table.column(HASH).to_numpy()
