"""A selection as a page: each feature weighed, its score as a bar, what was kept and what was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.transform.selection._select import Selection

_STYLE = """
.sel{font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;max-width:900px}
.sel table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.sel th{text-align:left;font-weight:400;opacity:.7;padding:2px 10px 2px 0}
.sel td{padding:2px 10px 2px 0;overflow-wrap:anywhere}
.sel td.n{text-align:right;white-space:nowrap}
.sel td.b{width:45%}
.sel td.b i{display:block;height:11px;border-radius:2px;background:#2f6db3;min-width:1px}
.sel tr.out{opacity:.55}
.sel tr.out td.b i{background:#8a97a8}
"""


def page(selection: Selection, facts: Mapping[str, object]) -> str:
    """One HTML document that needs nothing else; the same selection gives the same bytes."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Features chosen</title>'
        "<style>:root{color-scheme:light dark}body{margin:20px 24px}h1{font-size:20px}</style></head><body>"
        f"<h1>Features chosen</h1>{fragment(selection, facts)}</body></html>\n"
    )


def fragment(selection: Selection, facts: Mapping[str, object] | None = None) -> str:
    """What a notebook shows."""
    kept = set(selection.chosen)
    left = sorted((name for name in selection.scores if name not in kept), key=lambda name: -selection.scores[name])
    dropped = [name for name in selection.weighed if name not in kept and name not in selection.scores]
    count = len({*selection.weighed, *selection.scores, *kept})
    finite = [abs(score) for score in selection.scores.values() if math.isfinite(score)]
    most = max(finite, default=0.0) or 1.0
    rows = [
        _row(place, name, selection.scores.get(name), most, kept=place is not None)
        for place, name in [*enumerate(selection.chosen, 1), *((None, name) for name in (*left, *dropped))]
    ]
    more = "".join(f" · {escape(str(name))} {escape(_shown(value))}" for name, value in (facts or {}).items())
    return (
        f'<style>{_STYLE}</style><div class="sel"><p>{escape(selection.method)}: '
        f"{len(kept)} of {count} features kept{more}"
        "</p><table><thead><tr><th>#</th><th>feature</th><th>score</th><th></th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(place: int | None, name: str, score: float | None, most: float, *, kept: bool) -> str:
    width = 0.0 if score is None else 100.0 if math.isinf(score) else 100 * abs(score) / most
    return (
        f'<tr class="{"in" if kept else "out"}"><td class="n">{place or ""}</td><td>{escape(name)}</td>'
        f'<td class="n">{"" if score is None else _shown(score)}</td>'
        f'<td class="b"><i style="width:{width:.2f}%"></i></td></tr>'
    )


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
