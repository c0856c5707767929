"""JSON in, JSON out: the row and column formats of TensorFlow Serving's REST interface.

Decoding and checking against the schema are one pass: the decoder is compiled from the checker's types. Nesting
cannot go deeper than the types say, so that text nested ten thousand deep ends at its third bracket.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from treadle.errors import MalformedRequestError, RequestError, RequestShapeError
from treadle.serving._version import Row
from treadle.validation import RequestChecker

SIGNATURE = "serving_default"
"""The one signature of a servable; a request may name it."""

_ENVELOPE = ("instances", "inputs", "ids", "signature_name")
_WHITE_SPACE = b" \t\r\n"

encode = msgspec.json.Encoder().encode
"""Any answer as JSON bytes; NaN is null."""


@dataclass(slots=True)  # not frozen: that would cost more than the JSON
class PredictRequest:
    """A decoded and checked request."""

    rows: list[Row]
    ids: list[str] | None
    by_column: bool
    """Asked with ``inputs``: to be answered with ``outputs``."""


class Codec:
    """Decodes the requests of one model version."""

    def __init__(self, checker: RequestChecker) -> None:
        self._checker = checker
        optional: Any = msgspec.UnsetType
        self._decode = msgspec.json.Decoder(
            msgspec.defstruct(
                "PredictBody",
                [
                    ("instances", list.__class_getitem__(checker.row_type) | optional, msgspec.UNSET),
                    ("inputs", checker.columns_type | optional, msgspec.UNSET),
                    ("ids", list[str] | None, None),
                    ("signature_name", str | None, None),
                ],
                forbid_unknown_fields=True,
            )
        ).decode

    def decode(self, body: bytes) -> PredictRequest:
        """The request in ``body``.

        Raises:
            RequestError: It is not JSON, or not as the schema says; row and field are named.
        """
        try:
            decoded: Any = self._decode(body)
        except msgspec.ValidationError as error:
            raise self._checker.explain(error, envelope=_ENVELOPE) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(body, error) from None
        instances, inputs = decoded.instances, decoded.inputs
        if decoded.signature_name not in (None, "", SIGNATURE):
            raise RequestShapeError(
                f"There is no signature {decoded.signature_name[:80]!r}.",
                where={"field": "signature_name"},
                hint=f"Leave it out, or send {SIGNATURE!r}.",
            )
        if (instances is msgspec.UNSET) is (inputs is msgspec.UNSET):
            found = "neither" if instances is msgspec.UNSET else "both"
            raise RequestShapeError(
                f"The request has {found} of 'instances' (rows) and 'inputs' (columns).",
                hint='Send {"instances": [{...}, ...]} or {"inputs": {"name": [...], ...}}.',
            )
        by_column = instances is msgspec.UNSET
        if by_column:
            rows = self._checker.rows_of_columns(inputs)
            num_names = len(inputs.__struct_fields__) - _count_absent(inputs)
        else:
            rows, num_names = self._checker.rows_and_fields(instances)
        num_names += 1 + (decoded.ids is not None) + (decoded.signature_name is not None)
        # In JSON without escapes and without white space, the bytes `":` stand behind each name and nowhere else, so
        # that counting finds a name given twice. What does not add up is read again, slowly.
        if body.translate(None, _WHITE_SPACE).count(b'":') != num_names or b"\\" in body:
            # numbers are not needed, and a number of a thousand digits is slow to read
            json.loads(body, object_pairs_hook=_refuse_repeated, parse_int=len, parse_float=len)
        return PredictRequest(rows, decoded.ids, by_column)


def _count_absent(struct: msgspec.Struct) -> int:
    # by identity: a list of values is compared with nothing
    return sum(value is msgspec.UNSET for value in msgspec.structs.astuple(struct))


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that says a name twice: the decoder has taken the last without a word."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise MalformedRequestError(
                f"The name {name[:80]!r} stands twice in one object.",
                where={"field": name[:80]},
                hint="Which of the two values is meant cannot be known.",
            )
        seen.add(name)


def _malformed(body: bytes, error: Exception) -> RequestError:
    if isinstance(error, UnicodeDecodeError):
        return MalformedRequestError("The body holds text that is not UTF-8.", hint="Send JSON encoded as UTF-8.")
    if isinstance(error, RecursionError):
        return MalformedRequestError("The JSON is nested too deeply.")
    what = str(error).removeprefix("JSON is malformed: ")
    hint = 'Send {"instances": [{...}, ...]}.' if not body else None
    if re.search(rb"\b(NaN|Infinity)\b", body[:1_000_000]):
        hint = "JSON has no NaN and no Infinity; send null for a value that is not known."
    return MalformedRequestError(f"The body is not JSON: {what}.", hint=hint)
