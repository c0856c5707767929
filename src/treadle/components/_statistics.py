"""statistics: Examples -> Statistics."""

from __future__ import annotations

from treadle.artifact import Examples, File, Output, StatisticsArtifact
from treadle.pipeline import component


@component
def statistics(examples: Examples, *, schema: File, statistics: Output[StatisticsArtifact]) -> None:
    """Measure every column of every split; one file ``<split>.json`` a split.

    The engine that ``TREADLE_ENGINE`` names does the work; the bytes do not depend on it.

    Args:
        examples: The rows.
        schema: The TOML schema: which columns, of which types.
        statistics: What was measured.
    """
    from treadle.engine import open_engine
    from treadle.ingest import read_examples
    from treadle.schema import Schema
    from treadle.statistics import generate

    reader = read_examples(examples.path)
    described = Schema.load(schema)
    with open_engine() as engine:
        for split in reader.splits:
            measured = generate(reader.scan(split), schema=described, engine=engine)
            measured.save(statistics.path / f"{split}.json")
            statistics.properties[split] = measured.num_rows
