"""What a measure found, as short texts for a table; of any measure, by the shape of its JSON alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST = 5


def in_words(found: Mapping[str, Any]) -> dict[str, str]:
    """``Measure.to_json`` -> a text for each field that says something.

    Lists of numbers are ascending (deciles): the first, the middle and the last are shown. Of pairs and of objects
    (value and count) the first five are.
    """
    texts = {name.replace("_", " "): _text(value) for name, value in found.items()}
    return {name: text for name, text in texts.items() if text}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ({_text(count)})" for name, count in list(value.items())[:_MOST])
    if isinstance(value, list) and value and isinstance(value[0], list):
        return ", ".join(f"{name} ({_text(count)})" for name, count in value[:_MOST])
    if isinstance(value, list) and value:
        return " … ".join(dict.fromkeys(_text(value[place]) for place in (0, len(value) // 2, -1)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else ""
