"""``treadle validate``: data files against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._data_argument import DATA, Data, is_saved, reading_option
from treadle.cli._engine_option import engine_named, engine_option
from treadle.cli._environment import say_if_unknown
from treadle.cli._output import emit_json, json_option, note

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.validation import AnomalyReport, RowFindings

_COLORS = {"error": "red", "warning": "yellow", "quarantine": "magenta"}
_path = click.Path(path_type=Path)


@click.command(name="validate")
@click.argument("files", nargs=-1, required=True, type=DATA, metavar="FILE...")
@click.option("--schema", "schema_file", type=_path, required=True, help="The schema (TOML).")
@click.option("--baseline", type=DATA, help="Data, or saved statistics (.json), to measure drift from.")
@click.option("--environment", help="Where the data comes from: features not in it are not asked for.")
@click.option("--rows", "rows_file", type=_path, help="Write a Parquet file of every wrong row: id, feature, reason.")
@click.option(
    "--quarantine", type=_path, help="Write kept.parquet and aside.parquet into this directory, by the policy."
)
@click.option("--advice", is_flag=True, help="Say also what deserves a look. Advice never stops.")
@reading_option
@engine_option
@json_option
def command(
    files: tuple[Data, ...],
    schema_file: Path,
    baseline: Data | None,
    environment: str | None,
    rows_file: Path | None,
    quarantine: Path | None,
    engine_name: str | None,
    *,
    options: dict[str, Any],
    advice: bool,
    as_json: bool,
) -> int:
    """Check data files, taken together as one table, against a schema.

    Exit code 1 if there are anomalies of severity error. The schema's "severity" sets the severity of each reason; what
    it sets aside stops, unless --quarantine gives the rows a place. Rows are named by the schema's key, or by number.
    """
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.statistics import Statistics, generate
    from treadle.validation import advise, check_rows, lineage_of_files, validate

    schema = Schema.load(schema_file)
    say_if_unknown(schema, environment)
    source = scan(files, schema, options=options)
    with engine_named(engine_name) as engine:
        before = None
        if baseline is not None:
            before = (
                Statistics.load(baseline)
                if is_saved(baseline)
                else generate(scan(baseline, schema, options=options), schema, engine=engine)
            )
        statistics = generate(source, schema, engine=engine)
        asked: dict[str, Any] = {"baseline": before, "environment": environment, "absent": source.absent}
        if any(feature.produced_by for feature in schema.features.values()):
            asked["lineage"] = lineage_of_files(file for file in files if isinstance(file, Path))
        report = validate(statistics, schema, **asked)
        if rows_file is not None or quarantine is not None or _rows_can_say_more(report):
            limit = None if rows_file is not None or quarantine is not None else 5
            findings = check_rows(source, schema, environment=environment, limit=limit, engine=engine)
            report = validate(statistics, schema, rows=findings, quarantine=quarantine is not None, **asked)
            if rows_file is not None:
                _write(findings.table, rows_file)
            if quarantine is not None:
                _part(source.table(), findings, schema, environment, quarantine)
    hints = advise(statistics, rows=source.table(), label=schema.label) if advice else ()
    if as_json:
        said = {"advice": [hint.to_json() for hint in hints]} if advice else {}
        emit_json({**report.to_json(), **said})
    else:
        _show(report)
        for hint in hints:
            click.echo(f"advice   {hint.feature or '(all)'}: {hint.message} [{hint.hunch}]")
    return 1 if report.has_errors else 0


def _rows_can_say_more(report: AnomalyReport) -> bool:
    from treadle.validation import ROW_REASONS, Reason

    return any(anomaly.reason in ROW_REASONS or anomaly.reason is Reason.NOT_MEASURED for anomaly in report.anomalies)


def _part(table: Any, findings: RowFindings, schema: Schema, environment: str | None, folder: Path) -> None:
    from treadle.validation import set_aside

    parted = set_aside(table, findings, schema, environment=environment)
    folder.mkdir(parents=True, exist_ok=True)
    _write(parted.aside, folder / "aside.parquet")
    _write(parted.kept, folder / "kept.parquet")
    note(f"{table.num_rows:,} rows: {parted.kept.num_rows:,} kept, {parted.aside.num_rows:,} set aside in {folder}.")


def _write(table: Any, file: Path) -> None:
    import pyarrow.parquet as pq

    from treadle.files import whole_file

    with whole_file(file) as part:
        pq.write_table(table, part)


def _show(report: AnomalyReport) -> None:
    for anomaly in report.anomalies:
        severity = click.style(f"{anomaly.severity:<7}", fg=_COLORS[anomaly.severity])
        ids = anomaly.details.get("row_ids")
        example = f" (row {', '.join(ids[:3])})" if ids else ""
        click.echo(f"{severity}  {anomaly.feature or '(all)'}: {anomaly.message}{example} [{anomaly.reason}]")
    aside = f", {len(report.quarantines)} set aside" if report.quarantines else ""
    click.echo(f"{report.num_rows:,} rows: {len(report.errors)} errors, {len(report.warnings)} warnings{aside}.")
