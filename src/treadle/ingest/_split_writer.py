"""One split's Parquet file, written in row groups of equal size whatever the files were."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 131072


class SplitWriter:
    """Writes the rows of one split."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        folder.mkdir(parents=True)
        self.rows = 0
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._writer = pq.ParquetWriter(str(folder / "part-00000.parquet"), schema, compression="zstd")

    def add(self, table: pa.Table) -> None:
        """Take rows; they are written when there are enough for a row group."""
        self.rows += table.num_rows
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows >= GROUP_ROWS:
            self._flush(GROUP_ROWS)

    def close(self) -> None:
        """Write what is left, and end the file."""
        self._flush(1)
        self._writer.close()

    def _flush(self, least: int) -> None:
        while self._waiting_rows >= least:
            table = pa.concat_tables(self._waiting)
            self._writer.write_table(table.slice(0, GROUP_ROWS), row_group_size=GROUP_ROWS)
            self._waiting = [table.slice(GROUP_ROWS)]
            self._waiting_rows = self._waiting[0].num_rows
