"""Labels that arrive after the predictions: a folder of files, in the order of their arrival.

A row says ``prediction_id, label, event_time``. A label may be corrected: of several rows with one id the last
to arrive wins.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from treadle.errors import LabelError
from treadle.files import whole_file
from treadle.monitoring._last import last_of_each

SCHEMA = pa.schema([("prediction_id", pa.string()), ("label", pa.float64()), ("event_time", pa.timestamp("us"))])
"""The columns of a label file; ``label`` is 0 or 1 for a binary task."""


class LabelStore:
    """Labels in ``directory``, one Parquet file per delivery, named by order of arrival.

    One process writes at a time; readers may read meanwhile, and see whole deliveries only.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, labels: pa.Table) -> Path:
        """Store one delivery and return its file.

        Raises:
            LabelError: A column is missing or of another type, or an id or label is null.
        """
        table = _checked(labels)
        self.directory.mkdir(parents=True, exist_ok=True)
        numbers = [int(match[1]) for path in self._files() if (match := re.search(r"(\d+)", path.name))]
        target = self.directory / f"labels-{max(numbers, default=0) + 1:08d}.parquet"
        with whole_file(target) as staged:
            pq.write_table(table, staged, compression="zstd")
        return target

    def read(self) -> pa.Table:
        """All labels, one row per prediction id: the last that arrived.

        Raises:
            LabelError: A file cannot be read.
        """
        tables = [self._read_one(path) for path in self._files()]
        table = pa.concat_tables(tables).combine_chunks() if tables else SCHEMA.empty_table()
        return last_of_each(table, "prediction_id")

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("labels-*.parquet"))

    def _read_one(self, path: Path) -> pa.Table:
        try:
            return _checked(pq.read_table(path))
        except (pa.ArrowInvalid, OSError) as error:
            raise LabelError(
                "A label file cannot be read",
                where={"file": path, "because": str(error).splitlines()[0]},
                hint="Remove the file from the folder and deliver its labels again.",
            ) from error


def join_labels(predictions: pa.Table, labels: pa.Table, *, key: str) -> pa.Array:
    """The label of each prediction, null where none has arrived.

    Args:
        predictions: Any table with the column ``key`` of prediction ids.
        labels: What ``LabelStore.read`` gives: one row per id.
        key: The column of prediction ids.

    Returns:
        [N] float64.
    """
    ids = predictions[key].combine_chunks()
    if not labels.num_rows:
        return pa.nulls(len(ids), pa.float64())
    positions = pc.index_in(ids, value_set=labels["prediction_id"].combine_chunks())
    return pc.take(labels["label"].combine_chunks(), positions)


def _checked(table: pa.Table) -> pa.Table:
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise LabelError(
            f"Labels lack the column {missing[0]!r}",
            where={"columns": ", ".join(table.column_names)},
            hint=f"A label row has {', '.join(SCHEMA.names)}.",
        )
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LabelError(
            "A label column has the wrong type", where={"because": str(error)}, hint=f"Write labels as {SCHEMA}."
        ) from error
    for name in ("prediction_id", "label"):
        column = table[name]
        if column.null_count:
            row = pc.index(pc.is_null(column), True).as_py()
            raise LabelError(
                f"A label row has no {name}", where={"row": row}, hint="Leave rows out until their label is known."
            )
    return table
