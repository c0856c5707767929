"""Steps from a text to a text, to tokens, to a number: plain Python, one row at a time.

Nothing here depends on a locale or on a version of Unicode: white space, letters' case and classes of characters are
ASCII's. ``None`` is a missing text, and stays missing unless a step says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Function: TypeAlias = "Callable[[Any], Any]"

WHITE = " \t\n\r\f\v"
_WORD = re.compile(f"[^{WHITE}]+")


def ascii_lower(text: str) -> str:
    """``A`` to ``Z`` in lower case, and nothing else."""
    return text.lower() if text.isascii() else text.encode().lower().decode()


def ascii_upper(text: str) -> str:
    """``a`` to ``z`` in upper case, and nothing else."""
    return text.upper() if text.isascii() else text.encode().upper().decode()


def present(function: Callable[[Any], Any]) -> Function:
    """The function, but missing of what is missing."""
    return lambda value: None if value is None else function(value)


def fill(value: str) -> Function:
    """``value`` for a missing text."""
    return lambda given: value if given is None else given


def split(separator: str) -> Function:
    """Between separators; ``""`` is any run of ASCII white space, and then no token is empty."""
    if separator:
        return present(lambda text: text.split(separator))
    return present(_WORD.findall)


def find(pattern: str) -> Function:
    """All matches, left to right, none overlapping."""
    found = re.compile(pattern, re.ASCII)
    return present(lambda text: [match[0] for match in found.finditer(text)])


def ngrams(low: int, high: int, separator: str) -> Function:
    """Runs of ``low`` tokens, then of one more, up to ``high``."""

    def grams(tokens: Sequence[str]) -> list[str]:
        return [
            separator.join(tokens[start : start + length])
            for length in range(low, high + 1)
            for start in range(len(tokens) - length + 1)
        ]

    return present(grams)


def extract(pattern: str, group: int) -> Function:
    """What a group of the first match holds; missing where nothing matches, or the group took no part."""
    found = re.compile(pattern, re.ASCII)
    return present(lambda text: match[group] if (match := found.search(text)) else None)


def replace_pattern(pattern: str, new: str) -> Function:
    """Every match replaced by a fixed text."""
    found = re.compile(pattern, re.ASCII)
    return present(lambda text: found.sub(lambda match: new, text))  # noqa: ARG005 - no template


def item(index: int) -> Function:
    """The token at a place, from the end where it is below 0; missing where there is none."""

    def pick(tokens: Sequence[str]) -> str | None:
        return tokens[index] if -len(tokens) <= index < len(tokens) else None

    return present(pick)


def enclose(before: tuple[str, ...], behind: tuple[str, ...], size: int) -> Function:
    """Tokens between others, ``size`` in all: what is too long is cut off behind."""
    room = size - len(before) - len(behind)
    return present(lambda tokens: [*before, *tokens[:room], *behind])


TEXT_STEPS: dict[str, Callable[..., Function]] = {
    "lower": lambda: present(ascii_lower),
    "upper": lambda: present(ascii_upper),
    "fill": fill,
    "strip": lambda: present(lambda text: text.strip(WHITE)),
    "replace": lambda old, new: present(lambda text: text.replace(old, new)),
    "replace_pattern": replace_pattern,
    "substring": lambda start, stop: present(lambda text: text[start:stop]),
    "extract": extract,
    "split": split,
    "find": find,
    "ngrams": ngrams,
    "unique": lambda: present(lambda tokens: list(dict.fromkeys(tokens))),
    "first": lambda size: present(lambda tokens: tokens[:size]),
    "item": item,
    "join": lambda separator: present(separator.join),
    "enclose": enclose,
}
"""Steps that are followed by others."""
