"""Classes of characters, frozen: the same on every machine, whatever Unicode its Python has.

``characters.json`` is written by ``tools/build_characters.py``.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

Ranges = Sequence[Sequence[int]]
_HANGUL = (0xAC00, 0xD7A3)


def normalizer(*, lowercase: bool) -> Callable[[str], str]:
    """As BERT normalizes: no control characters, one kind of space, CJK ideographs apart.

    Args:
        lowercase: Also without case and accents.
    """
    changes = _Changes(lowercase=lowercase)
    return lambda text: text.translate(changes)


def char_class(*names: str) -> str:
    """Classes of the table as the inside of a regular expression's brackets.

    Args:
        names: ``punctuation``, ``letters``, ``numbers``, ``blanks``.
    """
    return "".join(
        f"\\U{first:08x}" if first == last else f"\\U{first:08x}-\\U{last:08x}"
        for name in names
        for first, last in table()[name]
    )


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """The table as it is stored."""
    found: dict[str, Any] = json.loads(files("treadle.graph.steps").joinpath("characters.json").read_bytes())
    return found


class _Changes(dict[int, str]):
    """What each code point becomes; found when it is first met."""

    def __init__(self, *, lowercase: bool) -> None:
        super().__init__()
        found = table()
        self._dropped: list[Ranges] = [found["dropped"], *([found["marks"]] if lowercase else [])]
        self._spaces, self._alone = found["spaces"], found["alone"]
        self._lowercase = lowercase
        if lowercase:
            self.update({ord(character): text for character, text in found["fold"].items()})

    def __missing__(self, point: int) -> str:
        self[point] = made = self._made(point)
        return made

    def _made(self, point: int) -> str:
        if any(_within(ranges, point) for ranges in self._dropped):
            return ""
        if _within(self._spaces, point):
            return " "
        if _within(self._alone, point):
            return f" {chr(point)} "
        if self._lowercase and _HANGUL[0] <= point <= _HANGUL[1]:
            return _syllable(point - _HANGUL[0])
        return chr(point)


def _within(ranges: Ranges, point: int) -> bool:
    at = bisect_right(ranges, point, key=lambda each: each[0])
    return at > 0 and point <= ranges[at - 1][1]


def _syllable(index: int) -> str:
    """The letters of a Hangul syllable (the Unicode Standard, 3.12)."""
    parts = chr(0x1100 + index // 588) + chr(0x1161 + index % 588 // 28)
    return parts + chr(0x11A7 + index % 28) if index % 28 else parts
