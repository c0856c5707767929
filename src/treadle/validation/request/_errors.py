"""What is wrong with a request, as a sentence with a place, from the decoder's own finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from treadle.errors import MissingFieldError, RequestError, RequestTypeError, UnknownFieldError
from treadle.schema import Feature, Schema

_SHOWN = 80  # a name in an error is the client's text: it may be megabytes long

_AT = re.compile(r"(?P<what>.*?) - at `(?P<path>\$.*)`", re.DOTALL)
_IN_ROW = re.compile(r"\$(?:\.instances)?\[(?P<row>\d+)\](?:\.(?P<field>.*?))?(?:\.b64)?", re.DOTALL)
_IN_COLUMN = re.compile(r"\$(?:\.inputs(?=\.))?\.(?P<field>.*?)(?:\.b64)?", re.DOTALL)
_ROW_INDEX = re.compile(r"\[(\d+)\]")
_INDEX = re.compile(r"\[\d+\]")
_LAST_INDEX = re.compile(r"\[\d+\]$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]*)`, got `(?P<got>[^`]*)`")

_WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "bytes": "bytes",
    "datetime": "a time",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_FORMS = {
    "int": "an integer of 64 bits",
    "float": "a number that 64-bit floats can hold",
    "string": "a string",
    "bool": "true or false",
    "bytes": 'an object {"b64": "..."} with base64 text',
    "timestamp": 'a time like "2018-10-01T12:30:00", without a zone',
    "struct": "an object",
}


def explain(message: str, schema: Schema, *, envelope: Sequence[str] = ()) -> RequestError:
    """The error for a decoder's message.

    Args:
        message: What the decoder said: ``Expected `float`, got `str` - at `$.instances[3].fare```.
        schema: What a row may have.
        envelope: The names that may stand around the rows, if any.
    """
    at = _AT.fullmatch(message)
    what, path = (at["what"], at["path"]) if at else (message, "$")
    row, field = _place(path, schema)
    subject = "The request" if row is None else f"Row {row}"
    if unknown := _UNKNOWN.fullmatch(what):
        outer, known = _around(field, schema)
        return _unknown(outer + unknown["field"], row, subject, envelope if envelope and path == "$" else known)
    if missing := _MISSING.fullmatch(what):
        outer, known = _around(field, schema)
        name = outer + missing["field"]
        return MissingFieldError(
            f"{subject} has no field {_shown(name)}, which is required.",
            where={"row": row, "field": name},
            hint="Send null where the value is not known." if name in known else None,
        )
    if field is not None:
        subject = f"Field {_shown(field)}" + (f" of row {row}" if row is not None else "")
    feature = schema.chains.get(_INDEX.sub("[]", field or ""), (None,))[-1]
    return _wrong_type(what, subject, feature, {"row": row, "field": _cut(field)})


def _place(path: str, schema: Schema) -> tuple[int | None, str | None]:
    """The row, and the field with the places inside its lists: ``orders[2].price``."""
    match = _IN_ROW.fullmatch(path)
    if match is not None:
        return int(match["row"]), match["field"]
    match = _IN_COLUMN.fullmatch(path)
    if match is None:
        return None, None
    field = match["field"]
    # the first index behind the column's name is the row
    name = max((name for name in schema.features if field.startswith(name)), key=len, default="")
    index = _ROW_INDEX.match(field, len(name))
    return (int(index[1]), field[: index.start()] + field[index.end() :]) if index else (None, field)


def _around(field: str | None, schema: Schema) -> tuple[str, tuple[str, ...]]:
    """What the names of a struct's fields begin with, and these names; those of a row if there is no struct."""
    chain = schema.chains.get(_INDEX.sub("[]", _LAST_INDEX.sub("", field or "")))
    if chain is None:
        return "", tuple(schema.features)
    return f"{field}.", tuple(f"{field}.{name}" for name in chain[-1].fields or ("b64",))


def _unknown(name: str, row: int | None, subject: str, known: Sequence[str]) -> RequestError:
    close = difflib.get_close_matches(name[:_SHOWN], known, n=1)
    return UnknownFieldError(
        f"{subject} has a field {_shown(name)} that is not known here.",
        where={"row": row, "field": _cut(name)},
        hint=f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(known)}.",
    )


def _wrong_type(what: str, subject: str, feature: Feature | None, where: Mapping[str, object]) -> RequestError:
    expected = _EXPECTED.search(what)
    if expected is not None:
        wanted = " or ".join(_WORDS.get(word, word) for word in expected["expected"].split(" | "))
        sentence = f"{subject} is {_WORDS.get(expected['got'], expected['got'])}, not {wanted}."
    elif feature is not None:
        sentence = f"{subject} is not {_form(feature)}."
    else:
        sentence = f"{subject} is not as it should be: {what[:200]}."
    return RequestTypeError(
        sentence, where=where, hint=f"Send {_form(feature)}, or null." if feature is not None else None
    )


def _form(feature: Feature) -> str:
    return f"an array, each item {_FORMS[feature.type]}" if feature.list else _FORMS[feature.type]


def _shown(name: str) -> str:
    return repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "…")


def _cut(name: str | None) -> str | None:
    return None if name is None else name[:_SHOWN]
