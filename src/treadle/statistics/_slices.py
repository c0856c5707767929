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
    groups = [(each,) if isinstance(each, str) else tuple(each) for each in by]
    slices: dict[str, Statistics] = {}
    overall = Statistics(schema)
    for batch in source.batches() if is_column_source(source) else batches_of(source):
        overall.add(batch)
        for columns in groups:
            for name, rows in _split(batch, columns):
                if name not in slices:
                    if len(slices) == limit:
                        raise StatisticsError(
                            f"The rows fall into more than {limit} slices.",
                            where={"column": ", ".join(columns)},
                            hint="Slice by columns of fewer values, or raise the limit.",
                        )
                    slices[name] = Statistics(schema)
                slices[name].add(batch.take(rows))
    return {OVERALL: overall, **{name: slices[name] for name in sorted(slices)}}


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
