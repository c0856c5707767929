"""``treadle coverage``: how much of new data lies outside of what was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from treadle.cli._data_argument import DATA, Data, is_saved, reading_option
from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table


@click.command(name="coverage")
@click.argument("training", type=DATA)
@click.argument("files", nargs=-1, required=True, type=DATA, metavar="FILE...")
@click.option("--schema", "schema_file", type=click.Path(path_type=Path), help="Types for columns without a value.")
@click.option("--max-share", type=Number(0, 1), default=1.0, help="Exit code 1 if more rows are outside.")
@reading_option
@json_option
def command(
    training: Data,
    files: tuple[Data, ...],
    schema_file: Path | None,
    max_share: float,
    *,
    options: dict[str, Any],
    as_json: bool,
) -> int:
    """The share of the rows in FILE that lie outside of TRAINING: data, or saved statistics (.json).

    A number is outside beyond the extremes, a category where it never occurred, a missing value where none was
    missing. A servable's baseline.json is such statistics.
    """
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.statistics import Statistics, generate
    from treadle.validation import outside_support

    schema = Schema.load(schema_file) if schema_file else None
    baseline = (
        Statistics.load(training) if is_saved(training) else generate(scan(training, schema, options=options), schema)
    )
    found = outside_support(scan(files, schema, options=options), baseline)
    if as_json:
        emit_json(found.to_json())
    else:
        counts = sorted(found.features.items(), key=lambda item: -item[1])
        rows = [[name, f"{count:,}", f"{count / max(found.rows, 1):.4%}", ""] for name, count in counts]
        rows += [[name, "", "", note] for name, note in found.notes.items()]
        print_table(["feature", "outside", "share", ""], rows, left=(0, 3))
        share = "no feature to compare" if found.share is None else f"{found.share:.4%}"
        click.echo(f"{found.outside:,} of {found.rows:,} rows are outside in at least one feature: {share}.")
    return 1 if found.share is not None and found.share > max_share else 0
