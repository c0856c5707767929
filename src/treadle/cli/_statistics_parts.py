"""Slices, weighted statistics and relations on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from treadle.cli._table import print_line, print_table

if TYPE_CHECKING:
    from treadle.statistics import Profile

_MOST_SLICES = 50
_MOST_PAIRS = 20
_MOST_MEANS = 5


def show_parts(profile: Profile) -> None:
    """A table for each part that the profile has."""
    if profile.slices is not None:
        _slices(profile)
    if profile.weighted is not None:
        _weighted(profile)
    if profile.relations is not None:
        _relations(profile)


def _slices(profile: Profile) -> None:
    assert profile.slices is not None
    features = profile.statistics.features
    numeric = [name for name, feature in features.items() if feature.type in ("int", "float")][:_MOST_MEANS]
    rows = []
    parts = profile.slices.parts
    for name, part in list(parts.items())[:_MOST_SLICES]:
        means = [_short(part.features[column].mean) if column in part.features else "" for column in numeric]
        rows.append([name, f"{part.num_rows:,}", *means])
    print_line()
    print_table(["slice", "rows", *(f"mean {column}" for column in numeric)], rows)
    if len(parts) > _MOST_SLICES:
        click.echo(f"and {len(parts) - _MOST_SLICES:,} more slices; --json has all")


def _weighted(profile: Profile) -> None:
    assert profile.weighted is not None
    rows = []
    for name, feature in profile.weighted.paths.items():
        numbers = (feature.count, feature.missing, feature.zeros, feature.mean, feature.std_dev, feature.median)
        rows.append([name, feature.type, *map(_short, numbers)])
    print_line()
    headings = [f"by {profile.weighted.weight}", "type", "weight", "missing", "zeros", "mean", "std dev", "median"]
    print_table(headings, rows, left=(0, 1))


def _relations(profile: Profile) -> None:
    relations = profile.relations
    assert relations is not None
    by = f", by {relations.weight}" if relations.weight else ""
    if relations.label is not None:
        rows = [[name, _short(each.adjusted), _short(each.bits)] for name, each in relations.associations().items()]
        print_line()
        print_table([f"tells {relations.label}{by}", "bits, adjusted", "bits"], rows)
    pairs = [
        (found, x, y)
        for place, x in enumerate(relations.numeric)
        for y in relations.numeric[place + 1 :]
        if (found := relations.correlation(x, y)) is not None
    ]
    pairs.sort(key=lambda pair: (-abs(pair[0]), pair[1], pair[2]))
    if pairs:
        print_line()
        rows = [[x, y, f"{found:.4f}"] for found, x, y in pairs[:_MOST_PAIRS]]
        print_table([f"correlation{by}", "", "strongest first"], rows, left=(0, 1))


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:,.5g}" if abs(value) < 1e6 else f"{value:.5g}"
