"""Statistics of parts of the rows: one for each value of a column, or each pair of values of two, beside the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError, UsageError
from treadle.statistics._frames import batches_of
from treadle.statistics._generate import is_column_source
from treadle.statistics._statistics import Statistics

if TYPE_CHECKING:
    from treadle.schema import Schema

OVERALL = "overall"
_MOST = 1000


class Slices:
    """Statistics of parts of the rows; mergeable.

    Args:
        by: Columns whose values make slices, or tuples of columns whose values together do.
        schema: Gives columns that never have a value their type.
        limit: The most slices; more is an error and not a silent choice.
    """

    def __init__(self, by: Sequence[str | Sequence[str]], schema: Schema | None = None, *, limit: int = _MOST) -> None:
        self.by = tuple((each,) if isinstance(each, str) else tuple(each) for each in by)
        """The columns that make slices, a group after another."""
        self.limit = limit
        self._schema = schema
        self._parts: dict[str, Statistics] = {}

    @property
    def parts(self) -> dict[str, Statistics]:
        """``column=value`` (``a=1,b=2`` for several columns) -> its statistics, in the order of the names."""
        return {name: self._parts[name] for name in sorted(self._parts)}

    def add(self, batch: pa.RecordBatch) -> None:
        """Measure the rows of a batch.

        Raises:
            UsageError: A column is not there, or makes slices of lists.
            StatisticsError: There are more slices than ``limit``.
        """
        for columns in self.by:
            for name, rows in _split(batch, columns):
                self._part(name).add(batch.take(rows))

    def like(self) -> Slices:
        """Slices of nothing yet, by the same columns."""
        return Slices(self.by, self._schema, limit=self.limit)

    def read(self, source: object) -> None:
        """Measure all rows of a source; errors as of :meth:`add`."""
        for batch in source.batches() if is_column_source(source) else batches_of(source):
            self.add(batch)

    def merge(self, other: Slices) -> None:
        """Take in the rows behind other slices by the same columns.

        Raises:
            StatisticsError: They are by other columns, or there are too many together.
        """
        if self.by != other.by:
            raise StatisticsError("These are slices by other columns, so they do not add up.")
        for name, part in other._parts.items():
            self._part(name).merge(part)

    def restore(self, parts: dict[str, Statistics]) -> None:
        """Take on parts that were saved."""
        self._parts = dict(parts)

    def _part(self, name: str) -> Statistics:
        if name not in self._parts:
            if len(self._parts) == self.limit:
                raise StatisticsError(
                    f"The rows fall into more than {self.limit} slices.",
                    where={"column": ", ".join(part.partition("=")[0] for part in name.split(","))},
                    hint="Slice by columns of fewer values, or raise the limit.",
                )
            self._parts[name] = Statistics(self._schema)
        return self._parts[name]


def generate_slices(
    source: object, by: Sequence[str | tuple[str, ...]], schema: Schema | None = None, *, limit: int = _MOST
) -> dict[str, Statistics]:
    """Statistics of all rows and of each slice, from one reading.

    Args:
        source: As for ``generate``.
        by: Columns whose values make slices, or tuples of columns whose values together do. A missing value makes a
            slice of its own.
        schema: Gives columns that never have a value their type.
        limit: The most slices; more is an error and not a silent choice.

    Returns:
        ``overall`` first, then ``column=value`` (``a=1,b=2`` for several columns) in the order of the names.

    Raises:
        UsageError: A column is not there, or makes slices of lists.
        StatisticsError: There are more slices than ``limit``.

    Examples:
        >>> import pyarrow as pa
        >>> rides = pa.table({"city": ["Ulm", "Bonn", "Ulm"], "fare": [4.0, 6.0, 5.0]})
        >>> {name: found.features["fare"].mean for name, found in generate_slices(rides, ["city"]).items()}
        {'overall': 5.0, 'city=Bonn': 6.0, 'city=Ulm': 4.5}
    """
    slices, overall = Slices(by, schema, limit=limit), Statistics(schema)
    for batch in source.batches() if is_column_source(source) else batches_of(source):
        overall.add(batch)
        slices.add(batch)
    return {OVERALL: overall, **slices.parts}


def _split(batch: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[tuple[str, pa.Array]]:
    code, size = np.zeros(batch.num_rows, np.int64), 1
    values: list[list[str]] = []
    for name in columns:
        if name not in batch.schema.names:
            raise UsageError(f"There is no column {name!r} to slice by.", where={"column": name})
        column = batch.column(name)
        if pa.types.is_nested(column.type):
            raise UsageError("Lists and structs make no slices.", where={"column": name})
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        encoded = column.dictionary_encode(null_encoding="encode")
        values.append([_text(value) for value in encoded.dictionary.to_pylist()])
        code = code * len(encoded.dictionary) + encoded.indices.to_numpy()
        size *= len(encoded.dictionary)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if not len(rows):
            continue
        rest, parts = int(code[rows[0]]), []
        for name, texts in zip(reversed(columns), reversed(values), strict=True):
            rest, place = divmod(rest, len(texts))
            parts.append(f"{name}={texts[place]}")
        yield ",".join(reversed(parts)), pa.array(rows)


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
