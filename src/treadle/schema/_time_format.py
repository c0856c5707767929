"""How a time in a string is written: the directives that columns and requests read alike."""

from __future__ import annotations

import re

# Columns are read by Arrow (and so by the C library), single values by Python; each knows some that the other does not.
_BOTH = frozenset("aAbBdHIjmMpSyYz%")
_LONG = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M", "e": "%d"}


def unread(form: str) -> tuple[str, str] | None:
    """The first directive that is not read everywhere, and what to do; ``None`` if there is none."""
    seen: set[str] = set()
    for letter in re.findall("%(.?)", form, re.DOTALL):
        if letter in seen:
            return f"%{letter}", f"name %{letter} once"
        if letter not in _BOTH:
            return f"%{letter}", f"write {_LONG[letter]} for it" if letter in _LONG else "use %Y, %m, %d, %H, %M, %S"
        if letter != "%":
            seen.add(letter)
    return None
