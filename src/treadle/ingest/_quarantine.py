"""Rows that cannot be read, set aside with their reasons, so that no row is lost in silence."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import ColumnTypeError, QuarantineError
from treadle.ingest._inputs import Input
from treadle.ingest._places import PathLike
from treadle.ingest._scan import missing_column
from treadle.ingest.sources import Refused, convert_values, parquet_errors, shown
from treadle.schema import Feature, Schema, to_feature

QUARANTINE = "quarantine.parquet"

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("column", pa.string()),
        ("text", pa.string()),
    ]
)
# where not one of so many rows can be read, the column is of another type: no matter of single rows
_ENOUGH = 100


class Quarantine:
    """Gathers the rows set aside and holds them against the share that is allowed."""

    def __init__(self, folder: Path, share: float | None) -> None:
        self._folder = folder
        self._share = share
        self._rows: list[tuple[str, Refused]] = []

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> number of rows."""
        return dict(Counter(row.reason for _, row in self._rows))

    def add(self, source: str, rows: Sequence[Refused]) -> None:
        """Set rows of a file aside."""
        self._rows += [(source, row) for row in rows]

    def check(self, source: Input) -> None:
        """Hold a file's share against the one that is allowed.

        Raises:
            QuarantineError: It is larger.
        """
        if self._share is None or source.rows_quarantined <= self._share * source.rows_read:
            return
        first = next(row for digest, row in self._rows if digest == source.digest)
        raise QuarantineError(
            f"{source.rows_quarantined:,} of {source.rows_read:,} rows cannot be read; {self._share:.2%} may be set"
            " aside.",
            where={"file": source.shown, "row": first.row, "column": first.column, "reason": first.reason},
            hint=f"The first of them holds {first.text!r}.",
        )

    def write(self) -> None:
        """Write the rows set aside, if there are any."""
        if self._rows:
            rows = [
                {"source": source, "row": row.row, "reason": row.reason, "column": row.column, "text": row.text}
                for source, row in self._rows
            ]
            pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), str(self._folder / QUARANTINE), compression="zstd")


def read_quarantine(path: str | os.PathLike[str]) -> pa.Table:
    """The rows that a build set aside: source, row, reason, column, text; none where nothing was.

    Args:
        path: The Examples directory.

    Raises:
        CorruptFileError: The file cannot be read.
    """
    file = Path(path) / QUARANTINE
    if not file.exists():
        return _SCHEMA.empty_table()
    with parquet_errors(file):
        return pq.read_table(str(file), schema=_SCHEMA)


def _as_feature(feature: Feature, part: pa.Array) -> pa.ChunkedArray:
    return to_feature(pa.chunked_array([part]), feature)


def conform_rows(
    table: pa.Table, schema: Schema, path: PathLike, first: int
) -> tuple[pa.Table, npt.NDArray[np.bool_], list[Refused]]:
    """The rows that fit the schema in its order and types, which they are, and the others.

    Args:
        table: The rows.
        schema: What they should be.
        path: The file, for errors.
        first: How many rows came before.

    Raises:
        MissingColumnError: A required column is not there.
        ColumnTypeError: A column as a whole is of another type.
    """
    bad = np.zeros(table.num_rows, dtype=bool)
    faults = []
    columns = []
    target = schema.arrow_schema()
    for feature, field in zip(schema.features.values(), target, strict=True):
        if feature.name not in table.column_names:
            if feature.required:
                raise missing_column(feature.name, table.column_names, [path])
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table.column(feature.name).combine_chunks()
        column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        try:
            values, wrong = to_feature(pa.chunked_array([column]), feature).combine_chunks(), None
        except ColumnTypeError as error:
            values, wrong = convert_values(column, partial(_as_feature, feature), field.type)
            if wrong.sum() >= min(_ENOUGH, max(2, len(wrong))) and wrong.all():
                raise ColumnTypeError(
                    error.what, where={"file": path, **error.where}, hint=error.hint
                ) from error.__cause__
        if wrong is None:
            wrong = np.zeros(table.num_rows, dtype=bool)
        reason = "wrong-type"
        if feature.name == schema.key:
            wrong, reason = wrong | values.is_null().to_numpy(zero_copy_only=False), "no-key"
        for index in np.flatnonzero(wrong & ~bad):
            faults.append(Refused(first + int(index) + 1, reason, feature.name, shown(column[int(index)].as_py())))
        bad |= wrong
        columns.append(values)
    faults.sort(key=lambda fault: fault.row)
    return pa.table(columns, schema=target).filter(pa.array(~bad)), ~bad, faults
