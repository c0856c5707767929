"""history: Examples -> Examples with the past that windows and lags look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.artifact import Examples, File, Output
from treadle.pipeline import component


@component
def history(
    examples: Examples,
    before: Examples | None = None,
    *,
    schema: File,
    preprocess: Callable[[Any], dict[str, Any]],
    extended: Output[Examples],
) -> None:
    """Give every row the lists of its past that the windows and lags of ``preprocess`` need.

    A row sees earlier rows of its key in all splits, as a request would: what has happened is known, whatever it is
    used for. Keys, times and the values in windows are held in memory; the other columns are not.

    Args:
        examples: The rows.
        before: What this step made of the spans before: their last rows are the past of the first rows here.
        schema: The TOML schema.
        preprocess: Whose windows and lags these are.
        extended: The same rows with a column of lists for every column of the past, and what later spans need of
            them, in ``history/``.

    Raises:
        TransformError: ``preprocess`` cannot be traced, or ``before`` is not what this step made.
    """
    from treadle.ingest import extend_examples, read_examples
    from treadle.schema import Schema
    from treadle.transform import History, add_past

    reader = read_examples(examples.path)
    past = History.of(preprocess, Schema.load(schema))
    if before is not None:
        past = past.continued(History.load(before.path / "history"))
    columns = add_past(past, {split: reader.table(split, past.columns) for split in reader.splits})
    extend_examples(reader, columns, extended.path)
    (extended.path / "history").mkdir()
    past.save(extended.path / "history")
    extended.properties.update(rows=sum(reader.manifest.splits.values()), columns=list(past.added))
