"""Parts of a text, and what is read from them: texts again, numbers, times. Made where the text enters the graph."""

from __future__ import annotations

import re

from treadle.errors import TransformError
from treadle.graph import check_time_format
from treadle.graph import nodes as n
from treadle.transform._column import Column
from treadle.transform._location import user_line
from treadle.transform.functions._hashing import prepared, prepared_of
from treadle.transform.functions._tokens import Tokens, checked_pattern, tokens_of

_TEXT = ("text",)


def strip(x: Column) -> Column:
    """Text without ASCII white space at both ends; missing stays missing."""
    return _text(x, "strip")


def replace(x: Column, old: str, new: str) -> Column:
    """Text with every ``old``, letter by letter, replaced by ``new``; missing stays missing."""
    return _text(x, "replace", _some("What to replace", old), _any("What to put there", new))


def replace_pattern(x: Column, pattern: str, new: str) -> Column:
    """Text with every match of a regular expression replaced by ``new``, which is a text as it stands.

    Args:
        x: Text; missing stays missing.
        pattern: Python's and RE2's syntax in common; classes as that of word characters are ASCII only.
        new: What to put there.
    """
    return _text(x, "replace_pattern", checked_pattern(pattern), _any("What to put there", new))


def substring(x: Column, start: int, stop: int | None = None) -> Column:
    """The characters (Unicode code points) from ``start`` to before ``stop``; below 0 they count from the end.

    A text that is too short has fewer, or none; missing stays missing.
    """
    for place in (start, stop):
        if type(place) is not int and not (place is None and stop is None):
            raise TransformError(f"A place in a text is a whole number, and this is {place!r}.", where=user_line())
    return _text(x, "substring", start, stop)


def extract(x: Column, pattern: str, group: int = 0) -> Column:
    """What the first match of a regular expression holds; missing where it matches nowhere.

    Args:
        x: Text; missing stays missing.
        pattern: As in ``replace_pattern``.
        group: Which brackets; 0 is the whole match. Missing where they took no part in the match.
    """
    groups = re.compile(checked_pattern(pattern), re.ASCII).groups
    if type(group) is not int or not 0 <= group <= groups:
        raise TransformError(f"The pattern has the groups 0 to {groups}, not {group!r}.", where=user_line())
    return _text(x, "extract", pattern, group)


def index_of(x: Column, part: str) -> Column:
    """How many characters are before the first ``part``; -1 where there is none, and missing stays missing."""
    return Column(prepared(x, (("index", _any("What to look for", part)),), n.Kind.KEY))


def token_at(x: Tokens, index: int) -> Column:
    """The token at a place as text, from the end where ``index`` is below 0; missing where there is none."""
    if type(index) is not int:
        raise TransformError(f"A token's place is a whole number, and this is {index!r}.", where=user_line())
    found = tokens_of(x)
    return Column(prepared_of(found.sources, found.steps, (("item", index), _TEXT), n.Kind.TEXT))


def join(x: Tokens, separator: str = " ") -> Column:
    """All tokens of a row behind each other as text; ``""`` of none, and missing of a missing text."""
    found = tokens_of(x)
    joined = ("join", _any("A separator", separator))
    return Column(prepared_of(found.sources, found.steps, (joined, _TEXT), n.Kind.TEXT))


def parse_number(x: Column) -> Column:
    """A decimal number, as ``-12.5`` or ``1e3``, between ASCII white space; missing where a text is none.

    ``extract`` first what is between other characters. A feature that is a number in all rows is declared as one in
    the schema: then a value that is none is an error, and not missing.
    """
    return Column(prepared(x, (("number",),), n.Kind.NUMBER))


def parse_time(x: Column, format: str) -> Column:
    """A timestamp of a text in a format; missing where it is not in it, or names a day that does not exist.

    Args:
        x: Text.
        format: ``%Y %m %d %H %M %S %f`` (and ``%y``: 69 to 99 are of the last century) are digits, ``%%`` is a percent
            sign, all else is itself. Parts that it does not name are those of 1970-01-01 00:00:00.
    """
    if not isinstance(format, str) or "%" not in format:
        raise TransformError(f"A format is text as '%d.%m.%Y', and this is {format!r}.", where=user_line())
    try:
        check_time_format(format)
    except ValueError as error:
        raise TransformError(f"The format {format!r} cannot be read: {error}.", where=user_line()) from None
    return Column(prepared(x, (("time", format),), n.Kind.TIME))


def _text(x: Column, *step: object) -> Column:
    return Column(prepared(x, (step, _TEXT), n.Kind.TEXT))


def _any(what: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise TransformError(f"{what} is text, and this is {value!r}.", where=user_line())


def _some(what: str, value: object) -> str:
    if _any(what, value):
        return str(value)
    raise TransformError(f"{what} is at least one character.", where=user_line())
