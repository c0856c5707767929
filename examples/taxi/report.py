"""The demo's report: one self-contained HTML file with plots drawn as SVG, and no network."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

LIVE, FROZEN, ALARM = "#1f6feb", "#9a6700", "#cf222e"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1040, 230, 56, 150, 16, 34

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --soft: #656d76; --line: #d8dee4; --page: #ffffff; --card: #f6f8fa;
        --live: #1f6feb; --frozen: #9a6700; --alarm: #cf222e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #8d96a0; --line: #30363d; --page: #0d1117;
        --card: #161b22; --live: #58a6ff; --frozen: #d29922; --alarm: #ff7b72; --good: #3fb950; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 1080px;
       margin: 32px auto; padding: 0 20px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 4px; } p { margin: 4px 0 12px; }
.soft { color: var(--soft); } svg { display: block; width: 100%; height: auto; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; flex: 1 1 120px; }
.card b { display: block; font-size: 22px; } .card span { color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: 5px 8px; border-bottom: 1px solid var(--line);
     vertical-align: top; } td:first-child { white-space: nowrap; } td.n, th.n { text-align: right; } td.promoted { color: var(--good); font-weight: 600; }
td.refused, td.failed { color: var(--alarm); font-weight: 600; } .scroll { overflow-x: auto; }
"""


def render(months: Sequence[dict[str, Any]], facts: Sequence[tuple[str, str]], measures: Sequence[str]) -> str:
    """The report as HTML.

    Args:
        months: The records of ``months.json``.
        facts: (figure, caption) pairs for the cards at the top.
        measures: Features that drifted at least once, most often first.
    """
    cards = "".join(
        f'<div class="card"><b>{html.escape(figure)}</b><span>{html.escape(caption)}</span></div>'
        for figure, caption in facts
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Treadle: 27 months of taxi rides</title><style>{STYLE}</style></head><body>
<h1>27 months of taxi rides</h1>
<p class="soft">Will a card-paid ride tip more than 20 % of the fare? Trained on 2018-01 to 2018-09; every ride of the months
after was served over HTTP; its label arrived a month later. The policy retrained by what it saw.</p>
<div class="cards">{cards}</div>
<h2>Calibration</h2><p class="soft">Mean prediction / base rate, ideal 1. Blue: the model in service. Brown: version 1, never
retrained, on the same rides. Vertical lines: a new version was promoted at the end of that month.</p>
{_lines(months, "calibration", "frozen_calibration", ideal=1.0)}
<h2>AUC</h2><p class="soft">Ranking alone: here both models look much alike, and a loop that watched only this would see little.</p>
{_lines(months, "auc", "frozen_auc")}
<h2>Drift against the baseline of the model in service</h2><p class="soft">A square: the feature crossed a threshold of the schema
that month; the darker, the larger the largest distance. Hover for figures.</p>
{_drift(months, measures)}
<h2>Month by month</h2><div class="scroll">{_table(months)}</div>
</body></html>
"""


def _lines(months: Sequence[dict[str, Any]], live: str, frozen: str, ideal: float | None = None) -> str:
    values = [month[key] for month in months for key in (live, frozen) if month[key] is not None]
    if not values:
        return "<p>Not measured: no labels.</p>"
    if ideal is not None:
        values.append(ideal)
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or 0.01
    low, high = low - margin, high + margin
    x = _x(len(months))

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(low, high, y), _month_axis(months, x)]
    if ideal is not None:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(ideal):.1f}" y2="{y(ideal):.1f}" '
            'stroke="var(--soft)" stroke-dasharray="2 4"/>'
        )
    for index, month in enumerate(months):
        if month["action"] == "promoted":
            parts.append(
                f'<line x1="{x(index + 0.5):.1f}" x2="{x(index + 0.5):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
                f'stroke="var(--good)" stroke-width="1.5" stroke-dasharray="4 3"><title>{html.escape(month["reason"])}'
                "</title></line>"
            )
    ends = []
    for key, color, name in ((frozen, "var(--frozen)", "version 1, frozen"), (live, "var(--live)", "in service")):
        points = [(x(index), y(month[key]), month) for index, month in enumerate(months) if month[key] is not None]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py, _ in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.2" fill="{color}"><title>{month["month"]}: {month[key]:.4f}</title></circle>'
            for px, py, month in points
        ]
        ends.append((points[-1][1], color, name))
    if abs(ends[0][0] - ends[1][0]) < 16:  # two labels on one height would overlap
        down = 0 if ends[0][0] > ends[1][0] else 1
        ends[down] = (ends[1 - down][0] + 16, *ends[down][1:])
    parts += [
        f'<text x="{WIDTH - RIGHT + 12}" y="{height + 4:.1f}" fill="{color}" font-size="13">{name}</text>'
        for height, color, name in ends
    ]
    return _svg(HEIGHT, parts)


def _grid(low: float, high: float, y: Callable[[float], float]) -> str:
    raw = (high - low) / 4
    magnitude = 10.0 ** int(f"{raw:e}".split("e")[1])
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= raw)
    ticks = []
    value = -(-low // step) * step
    while value <= high:
        ticks.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="var(--line)"/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" font-size="12" fill="var(--soft)">{value:.3g}</text>'
        )
        value += step
    return "".join(ticks)


def _month_axis(months: Sequence[dict[str, Any]], x: Callable[[float], float], height: int = HEIGHT) -> str:
    return "".join(
        f'<text x="{x(index):.1f}" y="{height - 12}" text-anchor="middle" font-size="12" fill="var(--soft)">{month["month"]}</text>'
        for index, month in enumerate(months)
        if index % 3 == 0
    )


def _drift(months: Sequence[dict[str, Any]], features: Sequence[str]) -> str:
    if not features:
        return "<p>No feature crossed a threshold.</p>"
    row, left = 22, 190
    height = row * len(features) + BOTTOM + 4
    cell = (WIDTH - left - 10) / len(months)
    parts = []
    for line, feature in enumerate(features):
        parts.append(
            f'<text x="{left - 10}" y="{line * row + 16}" text-anchor="end" font-size="13" fill="var(--text)">{html.escape(feature)}</text>'
        )
        for index, month in enumerate(months):
            crossed = month["drifted"].get(feature)
            color, opacity = "var(--line)", 0.35
            title = f"{month['month']} {feature}: within its thresholds"
            if crossed:
                color, opacity = "var(--alarm)", min(1.0, 0.3 + 1.4 * max(crossed.values()))
                title = f"{month['month']} {feature}: " + ", ".join(f"{k} {v:.3f}" for k, v in crossed.items())
            parts.append(
                f'<rect x="{left + index * cell:.1f}" y="{line * row + 2}" width="{cell - 3:.1f}" height="{row - 5}" rx="3" '
                f'fill="{color}" fill-opacity="{opacity:.2f}"><title>{html.escape(title)}</title></rect>'
            )
    parts.append(_month_axis(months, lambda index: left + (index + 0.5) * cell, height + 6))
    return _svg(height, parts)


def _table(months: Sequence[dict[str, Any]]) -> str:
    head = (
        '<tr><th>month</th><th class="n">rides</th><th class="n">failed</th><th>drifted</th><th class="n">AUC</th>'
        '<th class="n">frozen</th><th class="n">calibration</th><th class="n">frozen</th><th>action</th><th>reason</th></tr>'
    )
    rows = []
    for month in months:
        drifted = ", ".join(f"{name} {max(crossed.values()):.3f}" for name, crossed in month["drifted"].items())
        numbers = [month[key] for key in ("auc", "frozen_auc", "calibration", "frozen_calibration")]
        cells = "".join(f'<td class="n">{"–" if value is None else f"{value:.3f}"}</td>' for value in numbers)
        rows.append(
            f'<tr><td>{month["month"]}</td><td class="n">{month["rides"]:,}</td><td class="n">{month["failed"]}</td>'
            f'<td>{html.escape(drifted)}</td>{cells}<td class="{month["action"]}">{month["action"]}</td>'
            f"<td>{html.escape(month['reason'])}</td></tr>"
        )
    return f"<table>{head}{''.join(rows)}</table>"


def _x(count: int) -> Callable[[float], float]:
    return lambda index: LEFT + 12 + index * (WIDTH - LEFT - RIGHT - 24) / max(count - 1, 1)


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'
