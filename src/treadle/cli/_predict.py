"""``treadle predict``: a file's rows through a servable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from treadle.cli._data_argument import reading_option
from treadle.cli._output import emit_json, json_option, note
from treadle.errors import (
    CorruptFileError,
    DataFileNotFoundError,
    EmptyFileError,
    InputColumnError,
    InputValueError,
    UsageError,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from treadle.servable import Servable

    _Batch: TypeAlias = tuple[pa.Table | None, npt.NDArray[np.float32]]

_JSON_LINES = {".jsonl", ".ndjson", ".json"}
_BATCH_ROWS = 16384
_SHOWN = 1000


@click.command(name="predict")
@click.argument("servable_path", metavar="SERVABLE", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write here: .parquet, .csv or .jsonl; printed if left out."
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the model.")
@reading_option
@json_option
def command(
    servable_path: Path, file: Path, output: Path | None, threads: int, *, options: dict[str, Any], as_json: bool
) -> int:
    """Predict the rows of a Parquet, CSV or TSV file, or of a file of JSON lines (.jsonl), with a servable.

    One prediction a row, in the order of the file: of a binary model the probability of the positive label. The
    schema's key column, if it has one and the file too, is written beside it. A Parquet output says which servable made
    the column ("produced_by"), for whoever validates data made of it. With --json and without -o, up to 1000
    predictions are in the printed object.
    """
    from treadle.cli._prediction_files import open_sink
    from treadle.servable import Servable

    if output is not None and output.resolve() == file.resolve():
        raise UsageError("The output would replace the input.", where={"file": output}, hint="Give -o another name.")
    servable = Servable.load(servable_path, threads=threads)
    shown: list[float | None] = []
    rows, total = 0, 0.0
    with open_sink(output, quiet=as_json, produced_by=servable.digest) as sink:
        for keys, predictions in _predictions(servable, file, options):
            sink.write(keys, predictions)
            shown += predictions[: _SHOWN - len(shown)].tolist()
            rows += len(predictions)
            total += float(predictions.sum(dtype="float64"))
    mean = total / rows if rows else None
    if as_json:
        result: dict[str, Any] = {"rows": rows, "mean": mean, "digest": servable.digest}
        emit_json(result | ({"predictions": shown} if output is None else {"output": str(output)}))
    elif output is not None:
        note(f"{rows:,} rows, mean prediction {mean:.4f} -> {output}" if rows else f"no rows -> {output}")
    return 0


def _predictions(servable: Servable, file: Path, options: dict[str, Any]) -> Iterator[_Batch]:
    """Key column (if any) and predictions, a batch in memory at a time."""
    start = 0
    if not options and file.suffix.lower() in _JSON_LINES:
        batches = _json_batches(servable, file)
    else:
        batches = _table_batches(servable, file, options)
    while True:
        try:
            keys, predictions = next(batches)
        except StopIteration:
            return
        except (InputValueError, InputColumnError) as error:
            row = error.where.get("row")
            place = {**error.where, "row": start + row} if isinstance(row, int) else error.where
            raise type(error)(error.what, where={"file": file, **place}, hint=error.hint) from error
        yield keys, predictions
        start += len(predictions)


def _table_batches(servable: Servable, file: Path, options: dict[str, Any]) -> Iterator[_Batch]:
    import pyarrow as pa

    from treadle.ingest import scan

    source = scan(file, servable.schema, options=options)
    key = servable.schema.key
    wanted = dict.fromkeys([*(spec.name for spec in servable.inputs), *([key] if key else [])])
    present = [name for name in wanted if name in source.schema.names]
    for batch in source.batches(present, batch_rows=_BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        yield (table.select([key]) if key in present else None), servable.predict_table(table)
    if source.num_rows == 0:
        yield None, servable.predict_table(source.table(present))


def _json_batches(servable: Servable, file: Path) -> Iterator[_Batch]:
    import pyarrow as pa

    key = servable.schema.key
    for rows in _json_rows(file):
        keys = pa.table({key: [row.get(key) for row in rows]}) if key and key in rows[0] else None
        yield keys, servable.predict_rows(rows)


def _json_rows(file: Path) -> Iterator[list[dict[str, Any]]]:
    """The objects of a file of JSON lines; a bare NaN or Infinity is no JSON and is refused."""
    import msgspec

    decoder = msgspec.json.Decoder(dict[str, Any])
    try:
        stream = file.open("rb")
    except OSError as error:
        raise DataFileNotFoundError("The file cannot be read.", where={"file": file}) from error
    rows: list[dict[str, Any]] = []
    is_empty = True
    with stream:
        for number, line in enumerate(stream, start=1):
            is_empty = False
            if not line.strip():
                continue
            try:
                rows.append(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise CorruptFileError(
                    f"The line is not one JSON object: {error}.",
                    where={"file": file, "line": number},
                    hint='Write one row a line: {"fare_amount": 12.5, ...}; a missing value is null.',
                ) from error
            if len(rows) == _BATCH_ROWS:
                yield rows
                rows = []
    if is_empty:
        raise EmptyFileError("The file is empty.", where={"file": file}, hint="Fetch or write it again.")
    if rows:
        yield rows
