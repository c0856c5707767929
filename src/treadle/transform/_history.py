"""The rows of the past, for windows and lags: made for many rows at once, and carried on to the next span.

For each row the list of what a column was in the rows before it, of the same key: strictly earlier, so that rows at
the same time do not see each other, whatever their order. Only the latest rows that any window asks for are listed
and kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import InputColumnError, ModelFormatError, TransformError
from treadle.graph import list_nodes as lists
from treadle.graph import nodes as n
from treadle.graph import walk

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.transform._trace import Preprocess

FORMAT = "treadle.history/1"
_MANIFEST = "history.json"
_Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows of one key in order of time, and what of them is wanted."""

    by: tuple[str, ...]
    order: str
    of: tuple[str, ...]
    rows: int
    """How many rows of the past at most."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of a row."""
        return tuple(dict.fromkeys((*self.by, self.order, *self.of)))

    def name_of(self, column: str) -> str:
        """What the list of a column's past is called."""
        return f"{column}@{'+'.join(self.by)}"


class History:
    """What windows and lags need of the past: adds it to rows, and keeps what later rows need.

    Args:
        timelines: As of :meth:`of`, which reads them off ``preprocess``.

    Examples:
        >>> history = History.of(preprocess, schema)  # doctest: +SKIP
        >>> may = history.add(may)  # doctest: +SKIP
        >>> june = history.add(june)  # doctest: +SKIP
    """

    def __init__(self, timelines: Sequence[Timeline]) -> None:
        self.timelines = tuple(timelines)
        self._kept: list[pa.Table | None] = [None] * len(self.timelines)

    @classmethod
    def of(cls, preprocess: Preprocess, schema: Schema) -> History:
        """The history that the windows and lags of ``preprocess`` need, of no rows yet.

        Raises:
            TransformError: As of :func:`analyze`; or one key is to have two orders of time.
        """
        from treadle.transform._trace import trace

        return cls(timelines_of([output.node for output in trace(preprocess, schema).values()]))

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that are read."""
        return tuple(dict.fromkeys(name for line in self.timelines for name in line.columns))

    @property
    def added(self) -> tuple[str, ...]:
        """The columns of lists that rows get."""
        return tuple(line.name_of(name) for line in self.timelines for name in line.of)

    def add(self, table: pa.Table) -> pa.Table:
        """The rows with a column of lists for each column of the past that is wanted; what they bring is kept.

        A row sees rows of this table and of those added before that have its key and an earlier time. Add tables in
        the order of time: of older rows only so many are kept as the windows hold.

        Raises:
            InputColumnError: A column is not there.
            TransformError: The columns of an earlier table were of other types.
        """
        made = table
        for index, line in enumerate(self.timelines):
            for name, past in self._lists(index, line, table).items():
                made = made.append_column(name, past)
        return made

    def kept(self, line: Timeline) -> pa.Table | None:
        """The rows that later rows may see, by key and time; ``None`` where no row was added."""
        return self._kept[self.timelines.index(line)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what is kept into an existing directory: ``history.json`` and ``timeline-0.parquet``, ..."""
        root = Path(path)
        lines = [
            {"by": line.by, "order": line.order, "of": line.of, "rows": line.rows, "kept": kept is not None}
            for line, kept in zip(self.timelines, self._kept, strict=True)
        ]
        for index, kept in enumerate(self._kept):
            if kept is not None:
                pq.write_table(kept, root / f"timeline-{index}.parquet", compression="zstd")
        document = {"format": FORMAT, "timelines": lines}
        (root / _MANIFEST).write_text(json.dumps(document, sort_keys=True, separators=(",", ":")), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what :meth:`save` wrote.

        Raises:
            ModelFormatError: It is not there, not whole, or of a format this version does not know.
        """
        file = Path(path) / _MANIFEST
        try:
            document: dict[str, Any] = json.loads(file.read_bytes())
            found = document["format"]
            if found == FORMAT:
                lines = document["timelines"]
                history = cls([Timeline(tuple(e["by"]), e["order"], tuple(e["of"]), e["rows"]) for e in lines])
                for index, entry in enumerate(lines):
                    if entry["kept"]:
                        history._kept[index] = pq.read_table(file.parent / f"timeline-{index}.parquet")
                return history
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise ModelFormatError(
                f"There is no history here: {type(error).__name__}.", where={"file": str(file)}
            ) from error
        raise ModelFormatError(
            f"The history is of format {found!r}; this version of Treadle reads {FORMAT!r}.", where={"file": str(file)}
        )

    def continued(self, earlier: History) -> History:
        """This history with the rows that an earlier one kept; a timeline that it did not have begins anew."""
        found = {(line.by, line.order): kept for line, kept in zip(earlier.timelines, earlier._kept, strict=True)}
        following = History(self.timelines)
        for index, line in enumerate(self.timelines):
            kept = found.get((line.by, line.order))
            if kept is not None and set(line.columns) <= set(kept.column_names):
                following._kept[index] = kept.select(line.columns)
        return following

    def _lists(self, index: int, line: Timeline, table: pa.Table) -> dict[str, pa.Array]:
        """The lists for the rows of a table, which are then kept."""
        absent = [name for name in line.columns if name not in table.column_names]
        if absent:
            raise InputColumnError.missing(absent[0])
        rows, before = table.select(line.columns), self._kept[index]
        if before is not None:
            try:
                rows = pa.concat_tables([before, rows])
            except pa.ArrowInvalid as error:
                raise TransformError(
                    f"The rows are of other types than those before: {error}.", hint="Read all spans with one schema."
                ) from error
        known = 0 if before is None else before.num_rows
        places = _Places.of(rows, line)
        starts, ends = places.past(line.rows)
        offsets, chosen = _ranges(starts[known:], ends[known:])
        nowhere = pa.array(places.outside[known:])
        taken = pa.array(places.order[chosen])
        lists_ = {
            line.name_of(name): pa.LargeListArray.from_arrays(
                pa.array(offsets), _combined(rows.column(name)).take(taken), mask=nowhere
            )
            for name in line.of
        }
        self._kept[index] = rows.take(pa.array(places.latest(line.rows)))
        return lists_


@dataclass(frozen=True, slots=True)
class _Places:
    """Where rows stand among those of their key."""

    order: _Positions
    """``[N]``: the rows by key and time; those of the same time in the order in which they came."""
    at: _Positions
    """``[N]``: each row's position in that order."""
    group: _Positions
    """``[N]``, by position: where the key begins."""
    ties: _Positions
    """``[N]``, by position: where the rows of the same key and time begin."""
    outside: npt.NDArray[np.bool_]
    """``[N]``: rows without a key or a time. They have no past and are nobody's."""

    @classmethod
    def of(cls, rows: pa.Table, line: Timeline) -> _Places:
        keys, times = _codes([rows.column(name) for name in line.by]), _times(rows.column(line.order))
        outside = (keys < 0) | ~times[1]
        keys = np.where(outside, np.iinfo(np.int64).max, keys)
        order = np.lexsort((times[0], keys))
        sorted_keys, sorted_times = keys[order], times[0][order]
        positions = np.arange(len(order))
        new_key = np.ones(len(order), dtype=np.bool_)
        new_key[1:] = sorted_keys[1:] != sorted_keys[:-1]
        new_time = new_key.copy()
        new_time[1:] |= sorted_times[1:] != sorted_times[:-1]
        at = np.empty(len(order), dtype=np.int64)
        at[order] = positions
        group = np.maximum.accumulate(np.where(new_key, positions, 0))
        ties = np.maximum.accumulate(np.where(new_time, positions, 0))
        return cls(order, at, group, ties, outside)

    def past(self, count: int) -> tuple[_Positions, _Positions]:
        """For each row from which position to which its past goes, at most ``count`` rows long."""
        ends = self.ties[self.at]
        starts = np.maximum(self.group[self.at], ends - count)
        return np.where(self.outside, ends, starts), ends

    def latest(self, count: int) -> _Positions:
        """Rows that later rows may see: the last of each key, all of its last moment and ``count`` before it."""
        if not len(self.order):
            return self.order
        starts = self.group == np.arange(len(self.order))
        number = np.cumsum(starts) - 1
        ends = np.append(np.flatnonzero(starts)[1:], len(self.order))
        least = self.ties[ends - 1] - count
        kept: npt.NDArray[np.bool_] = (np.arange(len(self.order)) >= least[number]) & ~self.outside[self.order]
        found: _Positions = self.order[kept]
        return found


def add_past(history: History, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The columns of the past for rows in several tables, as the splits of some examples; all see each other."""
    whole = history.add(pa.concat_tables(tables.values())).select(history.added) if tables else pa.table({})
    found, start = {}, 0
    for name, table in tables.items():
        found[name] = whole.slice(start, table.num_rows)
        start += table.num_rows
    return found


def timelines_of(outputs: Sequence[n.Node]) -> tuple[Timeline, ...]:
    """What the windows and lags of some outputs need.

    Raises:
        TransformError: The same key is to have two orders of time.
    """
    rows: dict[tuple[str, ...], int] = {}
    orders: dict[tuple[str, ...], str] = {}
    wanted: dict[tuple[str, ...], list[str]] = {}
    for node in walk(outputs):
        if isinstance(node, lists.Padded) and isinstance(node.x, lists.Past):
            past = node.x
            if orders.setdefault(past.by, past.order) != past.order:
                raise TransformError(
                    f"Rows of {'+'.join(past.by)} are to be in order of {orders[past.by]!r} and of {past.order!r}.",
                    hint="Take one order for all windows of a key.",
                )
            count = next(int(str(step[1])) for step in node.steps if step[0] == "latest")
            rows[past.by] = max(rows.get(past.by, 0), count)
            wanted.setdefault(past.by, []).append(past.of)
    return tuple(Timeline(by, orders[by], tuple(sorted(set(of))), rows[by]) for by, of in sorted(wanted.items()))


def with_past(schema: Schema, wanted: Sequence[lists.Past]) -> Schema:
    """A schema with further features: the lists of what was before a row, which a request must bring."""
    from treadle.schema import Feature

    said = "What {0.of} was in the rows before this one with the same {1}, in order of {0.order}, the oldest first."
    more = {
        past.name: Feature(
            name=past.name,
            type=past.type,  # type: ignore[arg-type]
            list=True,
            description=said.format(past, " and ".join(past.by)),
        )
        for past in wanted
    }
    return replace(schema, features={**schema.features, **more})


def _ranges(starts: _Positions, ends: _Positions) -> tuple[_Positions, _Positions]:
    """Offsets, and the positions of all ranges behind each other."""
    lengths = ends - starts
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return offsets, np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def _codes(columns: Sequence[pa.ChunkedArray]) -> _Positions:
    """A number for each combination of values; -1 where any is missing."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    missing = np.zeros(len(columns[0]), dtype=np.bool_)
    for column in columns:
        encoded = _combined(column).dictionary_encode()
        own = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        missing |= own < 0
        both = np.stack([codes, own], axis=1)
        codes = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1) if len(columns) > 1 else own
    found: _Positions = np.where(missing, -1, codes)
    return found


def _times(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """What rows are ordered by, and where there is one."""
    import pyarrow.compute as pc

    array = _combined(column)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    there = pc.is_valid(array).to_numpy(zero_copy_only=False)
    values = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f":
        there &= ~np.isnan(values)
        values = np.where(there, values, 0.0)
    return values, there


def _combined(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
