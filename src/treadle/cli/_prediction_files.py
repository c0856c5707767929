"""Where predictions go: a file by its suffix, whole or not at all, or standard output."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from treadle.errors import UsageError
from treadle.files import whole_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PREDICTION = "prediction"


class Sink(Protocol):
    """Takes predictions batch by batch, with the key column or ``None``."""

    def write(self, keys: pa.Table | None, predictions: npt.NDArray[np.float32]) -> None:
        """Write a batch."""


@contextmanager
def open_sink(path: Path | None, *, quiet: bool, produced_by: str = "") -> Iterator[Sink]:
    """A sink for ``path``, which appears only once all is written; for ``None`` standard output unless ``quiet``.

    Parquet files say of the predictions which model made them: ``produced_by``.

    Raises:
        UsageError: The suffix is not one we write.
        FileWriteError: The folder is not there, the disk is full, ...
    """
    if path is None:
        yield _Nothing() if quiet else _Lines(sys.stdout)
        return
    kinds = {".parquet": _arrow_sink, ".csv": _arrow_sink, ".jsonl": _lines_sink, ".json": _lines_sink}
    open_kind = kinds.get(path.suffix.lower())
    if open_kind is None:
        raise UsageError("The output's format is not known.", where={"file": path}, hint=f"Use {', '.join(kinds)}.")
    with whole_file(path) as part, open_kind(part, path.suffix.lower(), produced_by) as sink:
        yield sink


class _Nothing:
    def write(self, keys: pa.Table | None, predictions: npt.NDArray[np.float32]) -> None:
        pass


class _Lines:
    """One JSON object a line; NaN becomes null."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, keys: pa.Table | None, predictions: npt.NDArray[np.float32]) -> None:
        rows = keys.to_pylist() if keys is not None else [{}] * len(predictions)
        for row, value in zip(rows, predictions.tolist(), strict=True):
            shown = {**row, PREDICTION: value if math.isfinite(value) else None}
            self._stream.write(json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=str) + "\n")


@contextmanager
def _lines_sink(path: Path, _: str, __: str) -> Iterator[Sink]:
    with path.open("w", encoding="utf-8") as stream:
        yield _Lines(stream)


class _Arrow:
    def __init__(self, path: Path, suffix: str, produced_by: str) -> None:
        self._path, self._suffix, self._produced_by = path, suffix, produced_by
        self._writer: Any = None

    def write(self, keys: pa.Table | None, predictions: npt.NDArray[np.float32]) -> None:
        import pyarrow as pa

        columns = {} if keys is None else {name: keys.column(name) for name in keys.column_names}
        table = self._marked(pa.table({**columns, PREDICTION: pa.array(predictions)}))
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        import pyarrow as pa

        if self._writer is None:  # no rows: still a file with its column
            self._writer = self._open(self._marked(pa.schema([(PREDICTION, pa.float32())]).empty_table()).schema)
        self._writer.close()

    def _marked(self, table: pa.Table) -> pa.Table:
        from treadle.validation import mark_lineage

        return mark_lineage(table, {PREDICTION: self._produced_by}) if self._produced_by else table

    def _open(self, schema: pa.Schema) -> Any:
        if self._suffix == ".csv":
            from pyarrow import csv

            return csv.CSVWriter(self._path, schema)
        from pyarrow import parquet

        return parquet.ParquetWriter(self._path, schema, compression="zstd")


@contextmanager
def _arrow_sink(path: Path, suffix: str, produced_by: str) -> Iterator[Sink]:
    sink = _Arrow(path, suffix, produced_by)
    yield sink
    sink.close()
