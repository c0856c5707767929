"""Changes in a schema's text that leave comments, order and layout as people wrote them.

The text is cut into statements: a table's header, or a key with its value, which may run over lines. Only the values
that changed are written anew. The result is parsed and held against the wanted schema, so a form of TOML that is not
understood here (a feature written as dotted keys, for one) is an error, never a wrong schema.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from treadle.errors import SchemaError
from treadle.schema._feature import Feature
from treadle.schema._schema import Schema
from treadle.schema._toml import feature_fields, feature_lines, schema_format
from treadle.schema._toml_read import parse
from treadle.schema._toml_statements import Statement, statements_of
from treadle.schema._toml_values import key, value


def edit(text: str, wanted: Schema) -> str:
    """The text, changed so that it says ``wanted``.

    Only features may differ, and the format; a feature may be changed, added or taken out.

    Raises:
        SchemaError: The text is no schema, or is written in a form that cannot be edited.
    """
    now = parse(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    statements = list(statements_of(text))
    if schema_format(wanted) != schema_format(now):
        _set(statements, (), "format", value(schema_format(wanted)), newline)
    _edit_features(statements, now.features, wanted.features, ("features",), newline)
    edited = "".join(statement.text for statement in statements)
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


def _edit_features(
    statements: list[Statement],
    now: Mapping[str, Feature],
    wanted: Mapping[str, Feature],
    table: tuple[str, ...],
    newline: str,
) -> None:
    """Columns, or the fields of one struct: change them, take them out, add them after their sisters."""
    for name, feature in now.items():
        if name not in wanted:
            statements[:] = _without(statements, (*table, name))
        elif feature != wanted[name]:
            _change(statements, feature, wanted[name], (*table, name), newline)
            _edit_features(statements, feature.fields, wanted[name].fields, (*table, name, "fields"), newline)
    for name, feature in wanted.items():
        if name not in now:
            _add(statements, feature, table, newline)


def _add(statements: list[Statement], feature: Feature, table: tuple[str, ...], newline: str) -> None:
    """Columns come last of all; a field comes behind what is said of its struct."""
    place = len(statements)
    if len(table) > 1:
        struct = table[:-1]
        place = 1 + max((at for at, each in enumerate(statements) if each.table[: len(struct)] == struct), default=-1)
    before = "".join(statement.text for statement in statements[:place])
    gap = "" if before.endswith(2 * newline) else newline if before.endswith(newline) else 2 * newline
    text = gap + newline.join(feature_lines(feature, table)) + newline
    statements.insert(place, Statement(text, (*table, feature.name)))


def _change(statements: list[Statement], before: Feature, after: Feature, table: tuple[str, ...], newline: str) -> None:
    old, new = feature_fields(before), feature_fields(after)
    for field in [*old, *(field for field in new if field not in old)]:
        if old.get(field) == new.get(field):
            continue
        if any(statement.header and statement.table == (*table, field) for statement in statements):
            _change_subtable(statements, (*table, field), new.get(field, "{}"), newline)
        else:
            _set(statements, table, field, new.get(field), newline)


def _change_subtable(statements: list[Statement], table: tuple[str, ...], wanted: str, newline: str) -> None:
    fields = tomllib.loads(f"table = {wanted}")["table"]
    present = [statement.name for statement in statements if statement.table == table and statement.name]
    for name in [*present, *(name for name in fields if name not in present)]:
        _set(statements, table, name, value(fields[name]) if name in fields else None, newline)


def _set(statements: list[Statement], table: tuple[str, ...], name: str, said: str | None, newline: str) -> None:
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
    statements.insert(place, Statement(line, table, name, value=(start, start + len(said))))


def _without(statements: list[Statement], table: tuple[str, ...]) -> list[Statement]:
    """Without a table, its sub-tables and the comments inside; comments above its header stay."""
    return [statement for statement in statements if statement.table[: len(table)] != table]
