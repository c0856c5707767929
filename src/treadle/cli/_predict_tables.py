"""Predictions of the rows of tables, here or where an engine runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from treadle.errors import InputColumnError, InputValueError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from treadle.engine import Engine
    from treadle.ingest import Scan
    from treadle.servable import Servable

    Predicted: TypeAlias = tuple[pa.Table | None, npt.NDArray[np.float32]]
    """The key column, if there is one, and the predictions."""

BATCH_ROWS = 16384


def table_batches(servable: Servable, source: Scan) -> Iterator[Predicted]:
    """The predictions of a source, a batch in memory at a time."""
    names = _present(servable, source)
    for batch in source.batches(names, batch_rows=BATCH_ROWS):
        yield _predicted(servable, batch)
    if source.num_rows == 0:
        yield None, servable.predict_table(source.table(names))


def engine_batches(
    engine: Engine, servable_path: Path, servable: Servable, source: Scan, *, threads: int = 1
) -> Iterator[Predicted]:
    """The same, part by part where the engine runs: it loads the servable from its path. In the order of the rows.

    Args:
        engine: Where.
        servable_path: The servable's folder, which must be there too.
        servable: The same, loaded here.
        source: The rows.
        threads: Threads of the model, in each process of the engine.

    Raises:
        InputValueError: A value cannot be an input; its row is counted from the source's first.
    """
    if source.num_rows == 0:
        yield from table_batches(servable, source)
    _loaded.cache_clear()  # the folder may hold another servable than at the last call in this process
    names = _present(servable, source)
    predict = partial(_predict_part, path=servable_path.resolve(), threads=threads, names=names)
    for found in engine.map(predict, source.parts()):
        yield from found


def in_file(
    error: InputValueError | InputColumnError, start: int, **where: object
) -> InputValueError | InputColumnError:
    """The error with its row counted from the beginning of what is read."""
    row = error.where.get("row")
    place = {**error.where, "row": start + row} if isinstance(row, int) else error.where
    return type(error)(error.what, where={**where, **place}, hint=error.hint)


@lru_cache(maxsize=1)
def _loaded(path: Path, threads: int) -> Servable:
    """The servable, once a process and not once a part: loading checks the digest of every file."""
    from treadle.servable import Servable

    return Servable.load(path, threads=threads)


def _predict_part(part: Any, path: Path, threads: int, names: Sequence[str]) -> list[Predicted]:
    servable, found, start = _loaded(path, threads), [], part.first_row
    for batch in part.batches(list(names), batch_rows=BATCH_ROWS):
        try:
            found.append(_predicted(servable, batch))
        except (InputValueError, InputColumnError) as error:
            raise in_file(error, start) from error
        start += batch.num_rows
    return found


def _present(servable: Servable, source: Scan) -> list[str]:
    key = servable.schema.key
    wanted = dict.fromkeys([*(spec.name for spec in servable.inputs), *([key] if key else [])])
    return [name for name in wanted if name in source.schema.names]


def _predicted(servable: Servable, batch: pa.RecordBatch) -> Predicted:
    import pyarrow as pa

    table, key = pa.Table.from_batches([batch]), servable.schema.key
    return (table.select([key]) if key in table.column_names else None), servable.predict_table(table)
