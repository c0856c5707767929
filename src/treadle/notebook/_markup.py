"""HTML for notebooks: no scripts, no network, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

COLORS = {
    "ran": "#2e8b57",
    "cached": "#2b8a9e",
    "failed": "#c0392b",
    "skipped": "#a0821a",
    "running": "#2f6fd0",
    "retrying": "#c96a1b",
    "waiting": "#8a5fbf",
    "passed": "#2e8b57",
    "succeeded": "#2e8b57",
    "not_evaluated": "#a0821a",
    "not_applicable": "#7f8790",
    "error": "#c0392b",
    "warning": "#a0821a",
}
_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: Any) -> str:
    """A value as HTML text."""
    if isinstance(value, Raw):
        return value
    if value is None:
        return '<span style="opacity:.5">none</span>'
    if isinstance(value, float):
        return escape(f"{value:.6g}")
    return escape(str(value))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Raw:
    """A table, flush left."""
    head = "".join(f'<th style="{_CELL};font-weight:600">{text(heading)}</th>' for heading in headings)
    body = "".join("<tr>" + "".join(f'<td style="{_CELL}">{text(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    return Raw(
        f'<table style="border-collapse:collapse;font-size:13px"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def state(word: str) -> Raw:
    """A state, in its color."""
    color = COLORS.get(word, "#7f8790")
    return Raw(f'<span style="color:{color};font-weight:600">{escape(word.replace("_", " "))}</span>')


def fold(title: str, inside: str, *, is_open: bool = False) -> Raw:
    """Something that opens when it is clicked."""
    return Raw(f"<details{' open' if is_open else ''}><summary>{title}</summary>{inside}</details>")


def pre(lines: str) -> Raw:
    """Text as it was printed."""
    style = "max-height:14em;overflow:auto;margin:4px 0;padding:6px;font-size:12px;border-left:3px solid #8888"
    return Raw(f'<pre style="{style}">{escape(lines)}</pre>')


def frame(page: str, height: int) -> Raw:
    """A whole page of its own, so that its styles and scripts touch nothing else."""
    style = f"width:100%;height:{height}px;border:1px solid #8886;background:#fff"
    return Raw(f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(page, quote=True)}"></iframe>')
