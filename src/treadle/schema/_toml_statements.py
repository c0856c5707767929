"""The text of a TOML file cut into statements: a table's header, or a key with its value, which may run over lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

_ORDER_OF_QUOTES = ('"""', "'''", '"', "'")


@dataclass(slots=True)
class Statement:
    """A run of the text: a header, a key with its value, or what lies between."""

    text: str
    table: tuple[str, ...] = ()
    """The path of the table it stands in, or, for a header, names."""
    name: str | None = None
    """The key; ``None`` for a header, a comment or an empty line."""
    header: bool = False
    value: tuple[int, int] = (0, 0)
    """Where in the text the value lies."""


def statements_of(text: str) -> Iterator[Statement]:
    """The statements of a text; put together they are the text."""
    table: tuple[str, ...] = ()
    position = 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip()
        if not stripped or stripped.startswith("#"):
            yield Statement(line)
        elif stripped.startswith("["):
            table = _path(stripped)
            yield Statement(line, table, header=True)
        else:
            equals = _equals(line)
            start = position + equals + 1
            while text[start] in " \t":
                start += 1
            stop = _value_end(text, start)
            end = _line_end(text, stop)
            names = _key_path(line[:equals])
            yield Statement(
                text[position:end],
                (*table, *names[:-1]),
                names[-1],
                value=(start - position, stop - position),
            )
        position = end


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _path(header: str) -> tuple[str, ...]:
    inner = header[2:] if header.startswith("[[") else header[1:]
    end = _outside_quotes(inner, "]")
    return _key_path(inner[:end])


def _key_path(text: str) -> tuple[str, ...]:
    document = tomllib.loads(f"{text} = 0")
    names = []
    inner: object = document
    while isinstance(inner, dict):
        (name,) = inner
        names.append(name)
        inner = inner[name]
    return tuple(names)


def _equals(line: str) -> int:
    return _outside_quotes(line, "=")


def _outside_quotes(text: str, wanted: str) -> int:
    quote = ""
    escaped = False
    for index, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = letter == "\\" and quote == '"'
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == wanted:
            return index
    return len(text)


def _value_end(text: str, start: int) -> int:
    """Where a value ends: at the end of its line or its comment, outside strings and brackets."""
    position, depth = start, 0
    while position < len(text):
        letter = text[position]
        quote = next((quote for quote in _ORDER_OF_QUOTES if text.startswith(quote, position)), None)
        if quote:
            position = _string_end(text, position, quote)
            continue
        if letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "#":
            if not depth:
                break
            position = _line_end(text, position) - 1
        elif letter == "\n" and not depth:
            break
        position += 1
    value_text = text[start:position]
    return start + len(value_text.rstrip())


def _string_end(text: str, position: int, quote: str) -> int:
    pattern = re.compile(rf"(?:\\.|[^\\])*?{quote}" if quote[0] == '"' else rf".*?{quote}", re.DOTALL)
    match = pattern.match(text, position + len(quote))
    end = match.end() if match else len(text)
    while len(quote) == 3 and text.startswith(quote[0], end):  # a quote may stand right before the closing three
        end += 1
    return end
