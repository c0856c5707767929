"""Delete files as Spark and Flink write them, put into an Iceberg table by hand: pyiceberg itself writes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def delete_rows(table: Any, file: Path, positions: list[tuple[str, int]]) -> None:
    """Delete rows by the data file they lie in and their number there."""
    from pyiceberg.manifest import DataFileContent

    rows = {"file_path": [path for path, _ in positions], "pos": pa.array([row for _, row in positions], pa.int64())}
    _commit(table, file, pa.table(rows), content=DataFileContent.POSITION_DELETES)


def delete_values(table: Any, file: Path, column: str, values: list[int]) -> None:
    """Delete rows by the value of a column."""
    from pyiceberg.manifest import DataFileContent

    field = table.schema().find_field(column).field_id
    rows = pa.table({column: pa.array(values, pa.int64())})
    _commit(table, file, rows, content=DataFileContent.EQUALITY_DELETES, equality_ids=[field])


def _commit(table: Any, file: Path, rows: pa.Table, **facts: Any) -> None:
    from pyiceberg.manifest import DataFile, FileFormat, ManifestContent, ManifestWriterV2
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _FastAppendFiles
    from pyiceberg.typedef import Record

    class DeletesWriter(ManifestWriterV2):
        def content(self) -> ManifestContent:
            return ManifestContent.DELETES

        @property
        def _meta(self) -> dict[str, str]:
            return {**super()._meta, "content": "deletes"}

    class RowDelta(_FastAppendFiles):
        def new_manifest_writer(self, spec: Any) -> DeletesWriter:
            schema, output = self._transaction.table_metadata.schema(), self.new_manifest_output()
            return DeletesWriter(spec, schema, output, self._snapshot_id, self._compression)

    pq.write_table(rows, file)
    written = DataFile.from_args(
        file_path=f"file://{file}",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=rows.num_rows,
        file_size_in_bytes=file.stat().st_size,
        _table_format_version=2,
        **facts,
    )
    written.spec_id = 0
    with table.transaction() as transaction:
        delta = RowDelta(Operation.DELETE, transaction, table.io)
        delta.append_data_file(written)
        delta.commit()
