"""Changes in a schema's text that leave comments, order and layout as people wrote them.

The text is cut into statements: a table's header, or a key with its value, which may run over lines. Only the values
that changed are written anew. The result is parsed and held against the wanted schema, so a form of TOML that is not
understood here (a feature written as dotted keys, for one) is an error, never a wrong schema.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from treadle.errors import SchemaError
from treadle.schema._feature import Feature
from treadle.schema._schema import Schema
from treadle.schema._toml import feature_fields, parse, schema_format
from treadle.schema._toml_values import key, value

_ORDER_OF_QUOTES = ('"""', "'''", '"', "'")


@dataclass(slots=True)
class _Statement:
    """A run of the text: a header, a key with its value, or what lies between."""

    text: str
    table: tuple[str, ...] = ()
    """The path of the table it stands in, or, for a header, names."""
    name: str | None = None
    """The key; ``None`` for a header, a comment or an empty line."""
    header: bool = False
    value: tuple[int, int] = (0, 0)
    """Where in the text the value lies."""


def edit(text: str, wanted: Schema) -> str:
    """The text, changed so that it says ``wanted``.

    Only features may differ, and the format; a feature may be changed, added or taken out.

    Raises:
        SchemaError: The text is no schema, or is written in a form that cannot be edited.
    """
    now = parse(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    statements = list(_statements(text))
    if schema_format(wanted) != schema_format(now):
        _set(statements, (), "format", value(schema_format(wanted)), newline)
    for name, feature in now.features.items():
        if name not in wanted.features:
            statements = _without(statements, ("features", name))
        elif feature != wanted.features[name]:
            _change(statements, feature, wanted.features[name], newline)
    edited = "".join(statement.text for statement in statements)
    for name, feature in wanted.features.items():
        if name not in now.features:
            lines = [
                f"[features.{key(name)}]",
                *(f"{field} = {said}" for field, said in feature_fields(feature).items()),
            ]
            gap = "" if edited.endswith(2 * newline) else newline if edited.endswith(newline) else 2 * newline
            edited += gap + newline.join(lines) + newline
    try:
        same = parse(edited) == wanted
    except SchemaError:
        same = False
    if not same:
        raise SchemaError(
            "The schema is written in a form that cannot be edited in place.",
            hint="Give each feature its own [features.NAME] table with one field a line.",
        )
    return edited


def _change(statements: list[_Statement], before: Feature, after: Feature, newline: str) -> None:
    old, new = feature_fields(before), feature_fields(after)
    table = ("features", before.name)
    for field in [*old, *(field for field in new if field not in old)]:
        if old.get(field) == new.get(field):
            continue
        if any(statement.header and statement.table == (*table, field) for statement in statements):
            _change_subtable(statements, (*table, field), new.get(field, "{}"), newline)
        else:
            _set(statements, table, field, new.get(field), newline)


def _change_subtable(statements: list[_Statement], table: tuple[str, ...], wanted: str, newline: str) -> None:
    fields = tomllib.loads(f"table = {wanted}")["table"]
    present = [statement.name for statement in statements if statement.table == table and statement.name]
    for name in [*present, *(name for name in fields if name not in present)]:
        _set(statements, table, name, value(fields[name]) if name in fields else None, newline)


def _set(statements: list[_Statement], table: tuple[str, ...], name: str, said: str | None, newline: str) -> None:
    """Give a key a value, in its place, or after the last key of its table; ``None`` takes it out."""
    last = None
    for index, statement in enumerate(statements):
        if statement.table != table:
            continue
        if statement.name == name:
            if said is None:
                del statements[index]
                return
            start, end = statement.value
            statement.text = statement.text[:start] + said + statement.text[end:]
            statement.value = (start, start + len(said))
            return
        if statement.header or statement.name is not None:
            last = index
    if said is None:
        return
    if last is None and table:
        return  # the caller sees that the text does not say what is wanted
    place = 0 if last is None else last + 1
    if place and not statements[place - 1].text.endswith("\n"):
        statements[place - 1].text += newline
    start = len(key(name)) + 3
    line = f"{key(name)} = {said}{newline}"
    statements.insert(place, _Statement(line, table, name, value=(start, start + len(said))))


def _without(statements: list[_Statement], table: tuple[str, ...]) -> list[_Statement]:
    """Without a table, its sub-tables and the comments inside; comments above its header stay."""
    return [statement for statement in statements if statement.table[: len(table)] != table]


def _statements(text: str) -> Iterator[_Statement]:
    table: tuple[str, ...] = ()
    position = 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip()
        if not stripped or stripped.startswith("#"):
            yield _Statement(line)
        elif stripped.startswith("["):
            table = _path(stripped)
            yield _Statement(line, table, header=True)
        else:
            equals = _equals(line)
            start = position + equals + 1
            while text[start] in " \t":
                start += 1
            stop = _value_end(text, start)
            end = _line_end(text, stop)
            names = _key_path(line[:equals])
            yield _Statement(
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
