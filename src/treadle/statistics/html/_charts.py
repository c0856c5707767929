"""Charts of one column as SVG: histograms, frequent values, quantiles; each in a linear and a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise

import numpy as np

from treadle.statistics._distribution import Distribution
from treadle.statistics._keys import Floats
from treadle.statistics._quantiles import count_up_to, quantiles

WIDTH, HEIGHT = 340, 120
_BUCKETS = 20
_ROW = 17
_EPOCH = datetime(1970, 1, 1)


def histogram(sides: Sequence[Distribution | None], *, moments: bool = False) -> str:
    """Bars over buckets of equal width that both sides share; height is the share of the side's values.

    Whole numbers have buckets of whole width, so that none holds one number more than its neighbours.

    Args:
        sides: A distribution for each data set; ``None`` where the column is not there.
        moments: Whether the values are microseconds.
    """
    bounds = _bounds(sides)
    if bounds is None:
        return ""
    low, high = bounds
    whole = not moments and not any(side.floats for side in sides if side)
    edges, titles = _whole_buckets(int(low), int(high)) if whole else _buckets(low, high, moments)
    bars = _bars([_counts(side, edges) for side in sides], titles)
    if len(titles) == 1:
        ends = [(WIDTH / 2, "middle", low)]
    else:
        half = _step(len(titles)) * len(titles) / 2
        ends = [(WIDTH / 2 - half, "start", low), (WIDTH / 2 + half, "end", high)]
    axis = "".join(
        f'<text x="{x:.0f}" y="{HEIGHT + 12}" text-anchor="{anchor}">'
        f"{escape(label(int(value) if whole else value, moments))}</text>"
        for x, anchor, value in ends
    )
    return _svg(bars + axis, HEIGHT + 16, "histogram of equal widths")


def frequent(sides: Sequence[dict[str, float]], names: Sequence[str]) -> str:
    """Horizontal bars: the shares of values, in the order of ``names``."""
    most = max((side.get(name, 0.0) for side in sides for name in names), default=0.0)
    if not most:
        return ""
    parts, thick = [], 11 / len(sides)
    for row, name in enumerate(names):
        y = row * _ROW
        parts.append(f'<text x="108" y="{y + 11}" text-anchor="end">{escape(_cut(name))}</text>')
        for number, side in enumerate(sides):
            share = side.get(name, 0.0)
            title = f"<title>{escape(name)}: {share:.2%}</title>"
            for scale, part in (("lin", share / most), ("log", _log(share, most))):
                parts.append(
                    f'<rect class="side{number} {scale}" x="114" y="{y + 2 + number * thick:.1f}" '
                    f'width="{max(part * (WIDTH - 162), 0.5 if share else 0):.1f}" height="{thick:.1f}">{title}</rect>'
                )
        parts.append(f'<text x="{WIDTH}" y="{y + 11}" text-anchor="end">{_share(sides[0].get(name, 0.0))}</text>')
    return _svg("".join(parts), len(names) * _ROW + 4, "shares of the most frequent values")


def decile_bars(sides: Sequence[Distribution | None], *, moments: bool = False) -> str:
    """A line for each side, from its least to its largest value, with a mark at every tenth of its values."""
    bounds = _bounds(sides)
    if bounds is None:
        return ""
    low, high = bounds
    parts = []
    for number, side in enumerate(sides):
        y = 22 + number * 44
        found = quantiles(side, [part / 10 for part in range(11)]) if side else []
        places = [((value - low) / (high - low) if high > low else 0.5) * (WIDTH - 4) + 2 for value in found]
        if not places:
            continue
        parts.append(
            f'<rect class="side{number} pale" x="{places[1]:.1f}" y="{y - 9}" height="18" '
            f'width="{max(places[9] - places[1], 1):.1f}"><title>from the first to the ninth decile</title></rect>'
            f'<rect class="side{number}" x="{places[0]:.1f}" y="{y - 1}" height="2" '
            f'width="{max(places[10] - places[0], 1):.1f}"></rect>'
        )
        for tenth, (place, value) in enumerate(zip(places, found, strict=True)):
            tall = 14 if tenth == 5 else 9
            parts.append(
                f'<rect class="side{number}" x="{place - 0.75:.1f}" y="{y - tall}" width="1.5" height="{2 * tall}">'
                f"<title>{tenth * 10} % are at most {escape(label(value, moments))}</title></rect>"
            )
        parts.append(
            f'<text x="{min(max(places[5], 30), WIDTH - 30):.0f}" y="{y + 26}" text-anchor="middle">'
            f"median {escape(label(found[5], moments))}</text>"
        )
    return _svg("".join(parts), 10 + 44 * len(sides), "deciles")


def label(value: object, moments: bool = False) -> str:
    """A value as it stands at an axis or in a table."""
    if moments and isinstance(value, int | float):
        value = _EPOCH + timedelta(microseconds=round(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    if isinstance(value, float):
        return f"{value:,.4g}" if 1e-4 <= abs(value) < 1e5 or not value else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _bars(counts: list[list[float]], titles: list[str]) -> str:
    shares = [[count / (sum(side) or 1) for count in side] for side in counts]
    most = max(max(side) for side in shares) or 1.0
    step = _step(len(titles))
    left = (WIDTH - step * len(titles)) / 2
    thick = max(step - 1.5, 1) / len(counts)
    parts = []
    for number, side in enumerate(shares):
        for place, share in enumerate(side):
            if not share:
                continue
            title = f"<title>{escape(titles[place])}: {round(counts[number][place]):,} ({share:.2%})</title>"
            for scale, part in (("lin", share / most), ("log", _log(share, most))):
                tall = max(part * HEIGHT, 0.75)
                parts.append(
                    f'<rect class="side{number} {scale}" x="{left + place * step + number * thick:.1f}" '
                    f'y="{HEIGHT - tall:.1f}" width="{thick:.1f}" height="{tall:.1f}">{title}</rect>'
                )
    return "".join(parts) + f'<path d="M0 {HEIGHT}.5H{WIDTH}" class="axis"/>'


def _log(share: float, most: float) -> float:
    """The height on a logarithmic scale that begins at a millionth."""
    return max(0.02, math.log10(share / 1e-6) / math.log10(most / 1e-6)) if share > 1e-6 else 0.02 * bool(share)


def _bounds(sides: Sequence[Distribution | None]) -> tuple[float, float] | None:
    found = [side.extremes() for side in sides if side is not None and side.low is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _counts(side: Distribution | None, edges: Floats) -> list[float]:
    buckets = len(edges) - 1
    if side is None or side.low is None:
        return [0.0] * buckets
    cumulated = count_up_to(side, edges)
    cumulated[0], cumulated[-1] = 0.0, side.total
    found: list[float] = np.diff(cumulated).tolist()
    return found


def _step(buckets: int) -> float:
    return min(WIDTH / buckets, 60.0)


def _buckets(low: float, high: float, moments: bool) -> tuple[Floats, list[str]]:
    if low == high:
        return np.array([low, high]), [label(low, moments)]
    edges = np.linspace(low, high, _BUCKETS + 1)
    names = [label(edge, moments) for edge in edges.tolist()]
    return edges, [f"{first} to {last}" for first, last in pairwise(names)]


def _whole_buckets(low: int, high: int) -> tuple[Floats, list[str]]:
    width = 1 if high - low < 2 * _BUCKETS else -(-(high - low + 1) // _BUCKETS)
    starts = range(low, high + 1, width)
    edges = np.array([*(float(start) - 0.5 for start in starts), float(starts[-1] + width) - 0.5])
    return edges, [f"{s:,}" if width == 1 else f"{s:,} to {min(s + width - 1, high):,}" for s in starts]


def _share(share: float) -> str:
    return "&lt;0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def _cut(text: str) -> str:
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= 17 else text[:16] + "…"


def _svg(content: str, height: int, what: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{what}">{content}</svg>'
