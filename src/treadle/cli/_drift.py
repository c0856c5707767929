"""``treadle drift``: how far two data sets are from each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from treadle.cli._data_argument import DATA, Data, is_saved, reading_option
from treadle.cli._engine_option import engine_named, engine_option
from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table

if TYPE_CHECKING:
    from treadle.engine import Engine
    from treadle.schema import Schema
    from treadle.statistics import Statistics
    from treadle.validation import Distance

_share = Number(0, 1)
_number = Number(min=0)
_FIRST = ("l_infinity", "jensen_shannon", "missing")
_HEADINGS = {
    "l_infinity": "L-infinity",
    "jensen_shannon": "Jensen-Shannon",
    "missing": "missing",
    "psi": "PSI",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein",
    "cramers_v": "Cramér's V",
}


@click.command(name="drift")
@click.argument("base", type=DATA)
@click.argument("new", type=DATA)
@click.option("--schema", "schema_file", type=click.Path(path_type=Path), help="A schema with drift thresholds.")
@click.option(
    "--histogram",
    type=click.Choice(["equal_mass", "standard"]),
    default="equal_mass",
    show_default=True,
    help="Groups of numbers for Jensen-Shannon: ten of equal mass, or ten of equal width on each side.",
)
@click.option("--l-infinity", type=_share, help="A threshold for all features.")
@click.option("--jensen-shannon", type=_share, help="A threshold for all features.")
@click.option("--missing", type=_share, help="A threshold for all features: difference of the missing shares.")
@click.option("--psi", type=_number, help="A threshold for all features: population stability index.")
@click.option("--kolmogorov-smirnov", type=_share, help="A threshold for all numbers.")
@click.option("--wasserstein", type=_number, help="A threshold for all numbers, in standard deviations of BASE.")
@click.option("--cramers-v", type=_share, help="A threshold for all features: effect of the chi-squared test.")
@click.option("--p-value", type=_share, help="Count a distance above its threshold only if its p-value is below this.")
@click.option("--all", "show_all", is_flag=True, help="Show every measure.")
@reading_option
@engine_option
@json_option
def command(
    base: Data,
    new: Data,
    schema_file: Path | None,
    engine_name: str | None,
    *,
    options: dict[str, Any],
    histogram: Literal["equal_mass", "standard"],
    p_value: float | None,
    show_all: bool,
    as_json: bool,
    **limits: float | None,
) -> int:
    """Distances between the data in BASE (before) and NEW (now), feature by feature.

    BASE and NEW are data files, URLs of files, tables or queries, or statistics that Treadle saved (.json). A distance
    that is not defined is null, with a note that says why. Exit code 1 if a threshold is exceeded, else 0.
    """
    from treadle.schema import Schema
    from treadle.validation import drift

    schema = Schema.load(schema_file) if schema_file else None
    with engine_named(engine_name) as engine:
        before, after = (_statistics(data, schema, options, engine) for data in (base, new))
    distances = drift(before, after, histogram=histogram)
    drifted = {
        name: measures
        for name, distance in distances.items()
        if (measures := _exceeded(name, distance, schema, limits, p_value))
    }
    if as_json:
        features = {name: distance.to_json() for name, distance in distances.items()}
        emit_json({"features": features, "drifted": drifted})
    else:
        _show(distances, drifted, show_all=show_all)
    return 1 if drifted else 0


def _statistics(data: Data, schema: Schema | None, options: dict[str, Any], engine: Engine | None) -> Statistics:
    from treadle.ingest import scan
    from treadle.statistics import Statistics, generate

    if is_saved(data):
        return Statistics.load(data)
    return generate(scan(data, schema, options=options), schema, engine=engine)


def _exceeded(
    name: str, distance: Distance, schema: Schema | None, limits: dict[str, float | None], p_value: float | None
) -> list[str]:
    from treadle.validation import MEASURES, exceeded

    feature = schema.paths.get(name) if schema else None
    found = set(exceeded(distance, limits, p_value))
    if feature is not None:
        own = {measure: getattr(feature, measure) for measure in MEASURES}
        found |= set(exceeded(distance, own, feature.p_value if feature.p_value is not None else p_value))
    return [measure for measure in MEASURES if measure in found]


def _show(distances: dict[str, Distance], drifted: dict[str, list[str]], *, show_all: bool) -> None:
    from treadle.validation import MEASURES

    seen = {measure for measures in drifted.values() for measure in measures}
    shown = [measure for measure in MEASURES if show_all or measure in (*_FIRST, *seen)]
    rows = []
    for name, distance in distances.items():
        cells = [_cell(getattr(distance, measure), measure in drifted.get(name, ())) for measure in shown]
        if show_all:
            cells.append("-" if distance.p_value is None else f"{distance.p_value:.2g}")
        rows.append([name, *cells, "" if distance.comparable else distance.note])
    headings = ["feature", *(_HEADINGS[measure] for measure in shown), *(["p-value"] if show_all else []), ""]
    print_table(headings, rows, left=(0, len(headings) - 1))


def _cell(value: float | None, exceeded: bool) -> str:
    if value is None:
        return "-  "
    return f"{value:.4f} {'!' if exceeded else ' '}"
