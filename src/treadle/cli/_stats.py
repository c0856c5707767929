"""``treadle stats``: what is in data files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._data_argument import DATA, Data, name_of, reading_option
from treadle.cli._engine_option import engine_named, engine_option
from treadle.cli._output import emit_json, json_option, note
from treadle.cli._statistics_parts import show_parts
from treadle.cli._table import print_line, print_table
from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.statistics import Profile, Statistics

_HEADINGS = ("zeros", "mean", "std dev", "min", "median", "max", "unique", "most frequent")
_WIDEST = 24
"""The most letters of a frequent value."""


@click.command(name="stats")
@click.argument("files", nargs=-1, required=True, type=DATA, metavar="FILE...")
@click.option(
    "--compare",
    "others",
    multiple=True,
    type=DATA,
    metavar="FILE",
    help="Data to stand beside, may be given more than once.",
)
@click.option(
    "--html",
    "page_file",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write one HTML page that needs no network.",
)
@click.option(
    "--measure",
    "measured",
    multiple=True,
    metavar="COLUMN=NAME",
    help="Measure a column further: text, time, image, or what a package adds.",
)
@click.option("--schema", "schema_file", type=click.Path(path_type=Path), help="Types for columns without a value.")
@click.option("--slice", "slices", multiple=True, metavar="C[,C]", help="Statistics of each value too.")
@click.option("--weight", metavar="C", help="Count each row by column C too; in relations only so.")
@click.option("--relations", is_flag=True, help="Count columns against each other: correlation, mutual information.")
@click.option("--label", metavar="C", help="How much each column tells about column C.")
@click.option("--exact", is_flag=True, help="Count all distinct values, in as much memory as that takes.")
@click.option("--save", type=click.Path(path_type=Path), metavar="OUT", help="Save the statistics (.json).")
@click.option(
    "--merge",
    "saved",
    type=click.Path(path_type=Path),
    metavar="SAVED",
    help="Add FILE to statistics that were saved, measured as they were; what they are of is not read again.",
)
@reading_option
@engine_option
@json_option
def command(
    files: tuple[Data, ...],
    others: tuple[Data, ...],
    page_file: Path | None,
    measured: tuple[str, ...],
    schema_file: Path | None,
    slices: tuple[str, ...],
    weight: str | None,
    label: str | None,
    save: Path | None,
    saved: Path | None,
    engine_name: str | None,
    *,
    options: dict[str, Any],
    relations: bool,
    exact: bool,
    as_json: bool,
) -> int:
    """Statistics of data files, taken together as one table.

    FILE may be a URL: s3://lake/rides.parquet, 'postgresql://reader:${PGPASSWORD}@db/rides?table=trips',
    'duckdb:///rides.duckdb#select * from trips', delta://..., iceberg://...

    Columns with at most 16,384 distinct values are counted exactly; beyond that quantiles, the number of distinct
    values and the most frequent strings are estimates ("exact": false, with "accuracy"), unless --exact.
    """
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.statistics import Profile, generate, profile

    schema = Schema.load(schema_file) if schema_file else None
    measures = _measures(measured)
    if saved is not None:
        by_saved = {"--slice": slices, "--weight": weight, "--relations": relations, "--label": label}
        _refuse({**by_saved, "--measure": measured, "--exact": exact})
    with engine_named(engine_name) as engine:
        if saved is not None:
            found = Profile.load(saved)
            found.merge(found.measure(scan(files, schema, options=options), schema, engine=engine))
        else:
            found = profile(
                scan(files, schema, options=options),
                schema,
                slices=[each.split(",") for each in slices],
                weight=weight,
                relations=relations,
                label=label,
                measures=measures,
                exact=exact,
                engine=engine,
            )
        compared = None
        if others:
            compared = generate(
                scan(others, schema, options=options), schema, measures=measures, exact=exact, engine=engine
            )
    if save is not None:
        found.save(save)
    if page_file:
        _write_page(page_file, files, found, others, compared)
    shown = found.to_json()
    if as_json:
        emit_json(shown if compared is None else {**shown, "compare": compared.to_json()})
        return 0
    for written in (save, page_file):
        if written:
            note(f"Written: {written}")
    if page_file:
        return 0
    if compared is not None:
        click.secho(_name(files), bold=True)
    _show(shown)
    show_parts(found)
    if compared is not None:
        print_line()
        click.secho(_name(others), bold=True)
        _show(compared.to_json())
    return 0


def _refuse(beside_merge: dict[str, object]) -> None:
    for option, value in beside_merge.items():
        if value:
            raise UsageError(f"{option} goes by what was saved.", hint="Leave it out beside --merge.")


def _write_page(
    page_file: Path,
    files: tuple[Data, ...],
    found: Profile,
    others: tuple[Data, ...],
    compared: Statistics | None,
) -> None:
    name, other = _name(files), _name(others) if others else ""
    if other == name:
        name, other = f"{name} (1)", f"{name} (2)"
    distances = None
    if compared is not None:
        from treadle.validation import drift

        distances = {path: each.jensen_shannon for path, each in drift(found.statistics, compared).items()}
    compare = {other: compared} if compared is not None else None
    found.save_html(page_file, name=name, compare=compare, distances=distances)


def _measures(measured: tuple[str, ...]) -> dict[str, list[str]]:
    measures: dict[str, list[str]] = {}
    for each in measured:
        column, found, name = each.rpartition("=")
        if not (column and found and name):
            raise UsageError(f"{each!r} is not COLUMN=NAME.", hint="For example --measure comment=text")
        if name not in measures.setdefault(column, []):
            measures[column].append(name)
    return measures


def _name(files: tuple[Data, ...]) -> str:
    return name_of(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _show(statistics: dict[str, Any]) -> None:
    features = statistics["features"]
    odd = [name for name in ("nan", "infinite") if any(fields.get(name) for fields in features.values())]
    rows = []
    for name, fields in features.items():
        about = "" if fields.get("exact", True) else "~"
        counts = [_short(fields.get(key)) for key in ("count", "missing", *odd)]
        numbers = [_short(fields.get(key)) for key in ("zeros", "mean", "std_dev", "min", "median", "max")]
        unique = about + _short(fields.get("unique"))
        rows.append([name, fields["type"], *counts, *numbers, unique, _frequent(fields)])
    headings = [f"{statistics['num_rows']:,} rows", "type", "count", "missing", *odd, *_HEADINGS]
    print_table(headings, rows, left=(0, 1, len(headings) - 1))
    _show_measures(features)


def _show_measures(features: dict[str, Any]) -> None:
    from treadle.statistics.measures import in_words

    rows = [
        [name, measure, field, text]
        for name, fields in features.items()
        for measure, found in fields.get("measures", {}).items()
        for field, text in in_words(found).items()
    ]
    if rows:
        print_line()
        print_table(["measured further", "", "", ""], rows, left=(0, 1, 2, 3))


def _frequent(fields: dict[str, Any]) -> str:
    if fields["type"] == "list" and fields["count"]:
        return f"{fields['min_length']:,} to {fields['max_length']:,} items, {_short(fields['avg_length'])} on average"
    return ", ".join(f"{_cut(value)} ({count:,})" for value, count in fields.get("top_values", [])[:3])


def _cut(value: Any) -> str:
    text = str(value) or "(empty)"
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.5g}" if abs(value) < 1e6 else f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) else str(value).split(".")[0]
