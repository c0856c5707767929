"""What ``preprocess`` can do with text, row by row, in the graph itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, describe, text
from treadle.transform._location import user_line
from treadle.transform.functions._numbers import _category, _checked


def lower(x: Column) -> Column:
    """Text with ``A`` to ``Z`` in lower case; other alphabets stay as they are, and missing stays missing."""
    return Column(t.AsciiCase(False, _text_column(x)))


def upper(x: Column) -> Column:
    """Text with ``a`` to ``z`` in upper case; other alphabets stay as they are, and missing stays missing."""
    return Column(t.AsciiCase(True, _text_column(x)))


def matches(x: Column, pattern: str) -> Column:
    """Whether a regular expression matches the whole text; a missing text does not.

    Args:
        x: A column of text.
        pattern: In RE2's syntax: no look-around, no back references, and time linear in the text. ``.`` is no line
            break unless ``(?s)`` says so.
    """
    check_pattern(pattern)
    return Column(t.Match(pattern, _text_column(x)))


def check_pattern(pattern: object) -> None:
    """Refuse what RE2 cannot match, with the user's line."""
    if not isinstance(pattern, str):
        raise TransformError(f"A pattern is text, and this is {pattern!r}.", where=user_line())
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)  # Arrow reads patterns with RE2 too
    except pa.ArrowInvalid as error:
        raise TransformError(
            f"{pattern!r} is no regular expression: {str(error).removeprefix('Invalid regular expression: ')}.",
            where=user_line(),
            hint="Patterns are RE2's: no look-around and no back references.",
        ) from None


def contains(x: Column, part: str) -> Column:
    """Whether a text has ``part`` in it, letter by letter; a missing text does not."""
    return _around(x, "(?s).*", part, ".*")


def starts_with(x: Column, part: str) -> Column:
    """Whether a text begins with ``part``; a missing text does not."""
    return _around(x, "(?s)", part, ".*")


def ends_with(x: Column, part: str) -> Column:
    """Whether a text ends with ``part``; a missing text does not."""
    return _around(x, "(?s).*", part, "")


def concat(*parts: Column | str) -> Column:
    """Texts behind each other; missing when any of them is."""
    if len(parts) < 2 or not any(isinstance(part, Column) for part in parts):
        raise TransformError("concat needs two texts or more, one of them a column.", where=user_line())
    joined = text(parts[0])
    for part in parts[1:]:
        other = text(part)
        both_constant = isinstance(joined, n.Text) and isinstance(other, n.Text)
        joined = n.Text(joined.value + other.value) if both_constant else t.Joined(joined, other)  # type: ignore[attr-defined]
    return Column(joined)


def is_in(x: Column, values: Sequence[str] | Sequence[int]) -> Column:
    """Whether a text or an integer is one of ``values``; a missing one is not."""
    found = n.Lookup(_category(x), n.Tokens(_checked(x, values)), has_oov=False)
    return Column(n.Comparison("greater_equal", n.ToNumber(found), n.Number(0.0)))


def _text_column(x: Column) -> n.Node:
    if isinstance(x, Column):
        return text(x)
    raise TransformError(f"Here a column of text is needed, and this is {describe(x)}.", where=user_line())


def _around(x: Column, before: str, part: str, behind: str) -> Column:
    if not isinstance(part, str):
        raise TransformError(f"What to look for is text, and this is {part!r}.", where=user_line())
    return Column(t.Match(before + "".join(map(_literal, part)) + behind, _text_column(x)))


def _literal(character: str) -> str:
    """One character as RE2 reads it; by its number where it may mean something else."""
    return character if re.fullmatch(r"[A-Za-z0-9 ]", character) else f"\\x{{{ord(character):x}}}"
