"""The whole page, and the part of it that a notebook shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from treadle.statistics.html._card import card
from treadle.statistics.html._parts import parts

if TYPE_CHECKING:
    from treadle.statistics._profile import Profile
    from treadle.statistics._statistics import Statistics

_MOST_IN_A_NOTEBOOK = 50


def page(
    datasets: Mapping[str, Statistics],
    distances: Mapping[str, float | None] | None = None,
    *,
    profile: Profile | None = None,
) -> str:
    """One HTML document, the same bytes for the same statistics.

    Args:
        datasets: One or two data sets by the names they are shown under.
        distances: How far the data sets are apart, by column; sorts and is shown.
        profile: Of the first data set: its slices, weights and relations stand below the columns.
    """
    names = list(datasets)
    kinds = Counter(feature.type for statistics in datasets.values() for feature in statistics.paths.values())
    options = "".join(f'<option value="{kind}">{kind}</option>' for kind in sorted(kinds))
    far = '<option value="distance">distance</option>' if distances else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Statistics: {escape(', '.join(names))}</title><style>{_text('page.css')}</style></head><body>"
        f'<div class="top"><h1>Statistics</h1>{_summary(datasets)}</div>'
        '<form class="bar" onsubmit="return false">'
        '<input id="name" type="search" placeholder="Find a column" aria-label="Find a column">'
        f'<select id="type" aria-label="Type"><option value="">all types</option>{options}</select>'
        '<select id="sort" aria-label="Order"><option value="">order of the file</option>'
        f'<option value="name">name</option><option value="missing">missing</option>{far}</select>'
        '<label><input id="log" type="checkbox"> log scale</label>'
        '<label><input id="deciles" type="checkbox"> quantiles</label>'
        '<span id="shown"></span></form>'
        f"<main>{_cards(datasets, distances or {})}</main>{parts(profile) if profile else ''}"
        f"<script>{_text('page.js')}</script></body></html>\n"
    )


def fragment(statistics: Statistics, *, profile: Profile | None = None) -> str:
    """What a notebook shows: the cards without the controls; the first columns of very many."""
    shown = list(statistics.paths)[:_MOST_IN_A_NOTEBOOK]
    left_out = len(statistics.paths) - len(shown)
    more = f"<p>and {left_out:,} more columns</p>" if left_out else ""
    measures = statistics.measures
    cards = "".join(card(path, [statistics.paths[path]], [""], None, [measures.get(path, {})]) for path in shown)
    return (
        f'<div class="treadle-statistics"><style>{_scoped()}</style>'
        f"<p><b>{statistics.num_rows:,} rows, {len(statistics.features):,} columns</b></p>"
        f"<main>{cards}</main>{more}{parts(profile) if profile else ''}</div>"
    )


def _cards(datasets: Mapping[str, Statistics], distances: Mapping[str, float | None]) -> str:
    sides = [statistics.paths for statistics in datasets.values()]
    paths = dict.fromkeys(path for side in sides for path in side)
    measures = [statistics.measures for statistics in datasets.values()]
    return "".join(
        card(
            path,
            [side.get(path) for side in sides],
            list(datasets),
            distances.get(path),
            [side.get(path, {}) for side in measures],
        )
        for path in paths
    )


def _summary(datasets: Mapping[str, Statistics]) -> str:
    rows = []
    for number, (name, statistics) in enumerate(datasets.items()):
        features = statistics.features.values()
        missing = sum(1 for feature in features if feature.missing)
        rows.append(
            f'<p><i class="key side{number}"></i><b>{escape(name)}</b> {statistics.num_rows:,} rows, '
            f"{len(statistics.features):,} columns, {missing:,} with missing values</p>"
        )
    return "".join(rows)


def _scoped() -> str:
    return f".treadle-statistics{{{_text('page.css').replace('body', '&')}}}"


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
