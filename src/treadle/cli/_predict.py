"""``treadle predict``: a file's rows through a servable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._data_argument import reading_option
from treadle.cli._engine_option import engine_named, engine_option
from treadle.cli._output import emit_json, json_option, note
from treadle.cli._predict_tables import BATCH_ROWS, engine_batches, in_file, table_batches
from treadle.errors import (
    CorruptFileError,
    DataFileNotFoundError,
    EmptyFileError,
    InputColumnError,
    InputValueError,
    UsageError,
)

if TYPE_CHECKING:
    from treadle.cli._predict_tables import Predicted
    from treadle.engine import Engine
    from treadle.servable import Servable

_JSON_LINES = {".jsonl", ".ndjson", ".json"}
_SHOWN = 1000


@click.command(name="predict")
@click.argument("servable_path", metavar="SERVABLE", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write here: .parquet, .csv or .jsonl; printed if left out."
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the model.")
@reading_option
@engine_option
@json_option
def command(
    servable_path: Path,
    file: Path,
    output: Path | None,
    threads: int,
    engine_name: str | None,
    *,
    options: dict[str, Any],
    as_json: bool,
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
    with (
        engine_named(engine_name) as engine,
        open_sink(output, quiet=as_json, produced_by=servable.digest) as sink,
    ):
        for keys, predictions in _predictions(servable, servable_path, file, options, engine, threads):
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


def _predictions(
    servable: Servable, servable_path: Path, file: Path, options: dict[str, Any], engine: Engine | None, threads: int
) -> Iterator[Predicted]:
    """Key column (if any) and predictions, in the order of the rows."""
    from treadle.ingest import scan

    if not options and file.suffix.lower() in _JSON_LINES and engine is None:
        batches = _json_batches(servable, file)
    elif engine is None:
        batches = table_batches(servable, scan(file, servable.schema, options=options))
    else:
        source = scan(file, servable.schema, options=options)
        batches = engine_batches(engine, servable_path, servable, source, threads=threads)
    start = 0
    while True:
        try:
            keys, predictions = next(batches)
        except StopIteration:
            return
        except (InputValueError, InputColumnError) as error:
            raise in_file(error, 0 if engine is not None else start, file=file) from error
        yield keys, predictions
        start += len(predictions)


def _json_batches(servable: Servable, file: Path) -> Iterator[Predicted]:
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
            if len(rows) == BATCH_ROWS:
                yield rows
                rows = []
    if is_empty:
        raise EmptyFileError("The file is empty.", where={"file": file}, hint="Fetch or write it again.")
    if rows:
        yield rows
