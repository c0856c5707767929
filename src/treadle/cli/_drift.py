"""``treadle drift``: how far two data sets are from each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.statistics import Statistics
    from treadle.validation import Distance

_MEASURES = ("l_infinity", "jensen_shannon", "missing")
_share = click.FloatRange(0, 1)


@click.command(name="drift")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
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
@json_option
def command(
    base: Path,
    new: Path,
    schema_file: Path | None,
    *,
    histogram: Literal["equal_mass", "standard"],
    as_json: bool,
    **limits: float | None,
) -> int:
    """Distances between the data in BASE (before) and NEW (now), feature by feature.

    BASE and NEW are Parquet, CSV or TSV files, or statistics that Treadle saved (.json). A distance that is not defined
    is null, with a note that says why. Exit code 1 if a threshold is exceeded, 0 if none is, or none is given.
    """
    from treadle.schema import Schema
    from treadle.validation import drift

    schema = Schema.load(schema_file) if schema_file else None
    distances = drift(_statistics(base, schema), _statistics(new, schema), histogram=histogram)
    drifted = {
        name: measures
        for name, distance in distances.items()
        if (measures := _exceeded(name, distance, schema, limits))
    }
    if as_json:
        features = {name: distance.to_json() for name, distance in distances.items()}
        emit_json({"features": features, "drifted": drifted})
    else:
        _show(distances, drifted)
    return 1 if drifted else 0


def _statistics(path: Path, schema: Schema | None) -> Statistics:
    from treadle.ingest import scan
    from treadle.statistics import Statistics, generate

    return Statistics.load(path) if path.suffix == ".json" else generate(scan(path, schema), schema)


def _exceeded(name: str, distance: Distance, schema: Schema | None, limits: dict[str, float | None]) -> list[str]:
    feature = schema.features.get(name) if schema else None
    exceeded = []
    for measure in _MEASURES:
        found = getattr(distance, measure)
        thresholds = (limits[measure], getattr(feature, measure, None))
        if found is not None and any(limit is not None and found > limit for limit in thresholds):
            exceeded.append(measure)
    return exceeded


def _show(distances: dict[str, Distance], drifted: dict[str, list[str]]) -> None:
    rows = []
    for name, distance in distances.items():
        cells = [_cell(getattr(distance, measure), measure in drifted.get(name, ())) for measure in _MEASURES]
        rows.append([name, *cells, "" if distance.comparable else distance.note])
    print_table(("feature", "L-infinity", "Jensen-Shannon", "missing", ""), rows, left=(0, 4))


def _cell(value: float | None, exceeded: bool) -> str:
    if value is None:
        return "-  "
    return f"{value:.4f} {'!' if exceeded else ' '}"
