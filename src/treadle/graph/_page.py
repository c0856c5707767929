"""A drawn graph: one HTML file that needs nothing else, boxes in layers from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from treadle.graph._drawing import Box

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 190, 40, 70, 14
_LETTERS = 27
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 13px system-ui, sans-serif; margin: 16px; color: #1d2530; background: #fff }}
svg {{ display: block }} rect {{ stroke: #8a97a8; rx: 5; fill: #f4f6f9 }}
.input rect {{ fill: #e2f0ff; stroke: #4b8fd6 }} .output rect {{ fill: #e2f6e6; stroke: #3c9a55 }}
path {{ fill: none; stroke: #b3bdca }} g:hover rect {{ stroke-width: 2.5 }} .detail {{ fill: #667 ; font-size: 11px }}
</style></head><body><h1>{title}</h1><p>{count}</p>
<svg width="{width}" height="{height}" role="img" aria-label="{title}">
{arrows}
{boxes}
</svg></body></html>
"""


def page_of(boxes: Sequence[Box], title: str) -> str:
    """The page; the same boxes give the same text."""
    places = _places(boxes)
    arrows = "\n".join(
        _arrow(places[source], places[box.name]) for box in boxes for source in dict.fromkeys(box.sources)
    )
    drawn = "\n".join(_box(box, *places[box.name]) for box in boxes)
    right = max((x for x, _ in places.values()), default=0) + _WIDTH + 10
    bottom = max((y for _, y in places.values()), default=0) + _HEIGHT + 10
    steps = sum(box.role == "step" for box in boxes)
    inputs = sum(box.role == "input" for box in boxes)
    count = f"{inputs} inputs, {steps} steps, {sum(box.role == 'output' for box in boxes)} outputs"
    return _PAGE.format(title=escape(title), count=count, width=right, height=bottom, arrows=arrows, boxes=drawn)


def _places(boxes: Sequence[Box]) -> dict[str, tuple[int, int]]:
    """Left upper corners: a box stands right of all it is computed from, near the middle of them."""
    layer: dict[str, int] = {}
    for box in boxes:
        layer[box.name] = 1 + max((layer[source] for source in box.sources), default=-1)
    last = max(layer.values(), default=0)
    layer |= {box.name: last for box in boxes if box.role == "output"}
    rows: dict[str, float] = {}
    places = {}
    for index in range(last + 1):
        column = [box for box in boxes if layer[box.name] == index]
        wanted = {
            box.name: sum(rows[source] for source in box.sources) / len(box.sources) if box.sources else 0.0
            for box in column
        }
        for row, box in enumerate(sorted(column, key=lambda box: wanted[box.name])):
            rows[box.name] = row
            places[box.name] = (10 + index * (_WIDTH + _GAP_X), 10 + row * (_HEIGHT + _GAP_Y))
    return places


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT // 2, end[0], end[1] + _HEIGHT // 2
    return f'<path d="M{x1} {y1} C{x1 + _GAP_X // 2} {y1} {x2 - _GAP_X // 2} {y2} {x2} {y2}"/>'


def _box(box: Box, x: int, y: int) -> str:
    whole = escape(f"{box.title}  {box.detail}".strip())
    detail = f'<text class="detail" x="{x + 8}" y="{y + 32}">{escape(_cut(box.detail))}</text>' if box.detail else ""
    return (
        f'<g class="{box.role}"><title>{whole}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<text x="{x + 8}" y="{y + 17}">{escape(_cut(box.title))}</text>{detail}</g>'
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
