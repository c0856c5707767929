"""``treadle stats``: what is in data files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table

_HEADINGS = (
    "type",
    "count",
    "missing",
    "zeros",
    "mean",
    "std dev",
    "min",
    "median",
    "max",
    "unique",
    "most frequent",
)


@click.command(name="stats")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--schema", "schema_file", type=click.Path(path_type=Path), help="Types for columns without a value.")
@json_option
def command(files: tuple[Path, ...], schema_file: Path | None, *, as_json: bool) -> int:
    """Statistics of Parquet, CSV or TSV files, taken together as one table.

    Columns with at most 16,384 distinct values are counted exactly; beyond that quantiles, the number of distinct
    values and the most frequent strings are estimates ("exact": false).
    """
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.statistics import generate

    schema = Schema.load(schema_file) if schema_file else None
    statistics = generate(scan(files, schema), schema).to_json()
    if as_json:
        emit_json(statistics)
    else:
        _show(statistics)
    return 0


def _show(statistics: dict[str, Any]) -> None:
    rows = []
    for name, fields in statistics["features"].items():
        about = "" if fields.get("exact", True) else "~"
        top = ", ".join(f"{value} ({count:,})" for value, count in fields.get("top_values", [])[:3])
        numbers = [_short(fields.get(key)) for key in ("zeros", "mean", "std_dev", "min", "median", "max")]
        unique = about + _short(fields.get("unique"))
        rows.append([name, fields["type"], f"{fields['count']:,}", f"{fields['missing']:,}", *numbers, unique, top])
    print_table([f"{statistics['num_rows']:,} rows", *_HEADINGS], rows, left=(0, 1, 11))


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.5g}" if abs(value) < 1e6 else f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) else str(value).split(".")[0]
