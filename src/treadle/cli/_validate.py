"""``treadle validate``: data files against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option

if TYPE_CHECKING:
    from treadle.validation import AnomalyReport


@click.command(name="validate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--schema", "schema_file", type=click.Path(path_type=Path), required=True, help="The schema (TOML).")
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Data, or saved statistics (.json), to measure drift from."
)
@click.option("--environment", help="Where the data comes from: features not in it are not asked for.")
@json_option
def command(
    files: tuple[Path, ...], schema_file: Path, baseline: Path | None, environment: str | None, *, as_json: bool
) -> int:
    """Check Parquet, CSV or TSV files, taken together as one table, against a schema.

    Exit code 1 if there are anomalies of severity error. The schema's "severity" sets the severity of each reason.
    """
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.statistics import Statistics, generate
    from treadle.validation import validate

    schema = Schema.load(schema_file)
    source = scan(files, schema)
    before = None
    if baseline is not None:
        saved = baseline.suffix == ".json"
        before = Statistics.load(baseline) if saved else generate(scan(baseline, schema), schema)
    report = validate(generate(source, schema), schema, baseline=before, environment=environment, absent=source.absent)
    if as_json:
        emit_json(report.to_json())
    else:
        _show(report)
    return 1 if report.has_errors else 0


def _show(report: AnomalyReport) -> None:
    for anomaly in report.anomalies:
        severity = click.style(f"{anomaly.severity:<7}", fg="red" if anomaly.severity == "error" else "yellow")
        click.echo(f"{severity}  {anomaly.feature or '(all)'}: {anomaly.message} [{anomaly.reason}]")
    click.echo(f"{report.num_rows:,} rows: {len(report.errors)} errors, {len(report.warnings)} warnings.")
