"""Is a request as the schema says? Names and types decide; domains, ranges and nulls are only counted.

A wrong type, an unknown field or a missing required field makes a request unanswerable: one error, naming row and
field. A value that is null, out of domain or out of range is the world, not a mistake of the client: it is served,
and counted as a *finding*.

The types are compiled from the schema once, so that decoding a request and checking it are one pass in C: a
protocol skin decodes its bytes straight into :attr:`RequestChecker.row_type` or
:attr:`RequestChecker.columns_type` and turns a failure into a sentence with :meth:`RequestChecker.explain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec

from treadle.errors import RequestError, RequestShapeError, SchemaError
from treadle.schema import Feature, Schema
from treadle.validation.request._errors import explain

Row = tuple[Any, ...]
"""The values of one row in the order of the schema's features; ``None`` is null."""


_UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple

_UNDECODABLE = re.compile(r'["\\\x00-\x1f]')
"""What the decoder cannot match in a field's name."""


class _Base64(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    b64: bytes


_VALUE_TYPES: dict[str, Any] = {
    "int": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "float": float | None,
    "string": str | None,
    "bool": bool | None,
    "bytes": _Base64 | None,
    # naive local time: the schema names no zone, so a zone in the text would be dropped without a word
    "timestamp": Annotated[datetime, msgspec.Meta(tz=False)] | None,
}


@dataclass(slots=True)
class Findings:
    """What was served although it is not what the schema describes."""

    per_row: list[int]
    """For each row, how many of its values are findings."""
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """(feature, kind) -> values; kind is ``null``, ``out_of_domain``, ``out_of_range``, ``wrong_length``,
    ``no_match`` or ``wrong_items`` (a list has too few or too many)."""


class RequestChecker:
    r"""Checks requests against the features of a schema. It holds no state: one serves all threads.

    Args:
        schema: The schema as the environment that serves sees it (:meth:`Schema.environment`).

    Raises:
        SchemaError: A feature's name cannot stand in a request.

    Examples:
        >>> checker = RequestChecker(Schema.loads('[features.fare]\ntype = "float"\nmin = 0.0'))
        >>> rows = checker.check_rows([{"fare": 5.0}, {"fare": -1.0}])
        >>> checker.findings(list(zip(*rows))).counts
        {('fare', 'out_of_range'): 1}
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.names: tuple[str, ...] = tuple(schema.features)
        """The features, in the order of a row's values."""
        features = tuple(schema.features.values())
        self.row_type: type[msgspec.Struct] = _struct("Row", features, as_column=False)
        """A struct of one row: what a protocol skin decodes an instance into."""
        self.columns_type: type[msgspec.Struct] = _struct("Columns", features, as_column=True)
        """A struct of whole columns."""
        self._rules = [_Rule(feature) for feature in features]
        # rows need a second look only where a field may be absent or is wrapped
        self._has_optional = not all(feature.required for feature in features)
        self._has_bytes = any(feature.type == "bytes" for feature in features)

    def check_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
        """The values of rows given as Python objects.

        Raises:
            RequestError: A row is not as the schema says.
        """
        try:
            return self.rows(msgspec.convert(list(rows), list[self.row_type]))  # type: ignore[name-defined]
        except msgspec.ValidationError as error:
            raise self.explain(error) from None

    def check_columns(self, columns: Mapping[str, Sequence[Any]]) -> list[Row]:
        """The values of rows given as columns of Python objects.

        Raises:
            RequestError: A column is not as the schema says, or the columns differ in length.
        """
        try:
            return self.rows_of_columns(msgspec.convert(dict(columns), self.columns_type))
        except msgspec.ValidationError as error:
            raise self.explain(error) from None

    def rows(self, structs: Sequence[msgspec.Struct]) -> list[Row]:
        """The values of decoded rows."""
        return self.rows_and_fields(structs)[0]

    def rows_and_fields(self, structs: Sequence[msgspec.Struct]) -> tuple[list[Row], int]:
        """The values of decoded rows, and how many fields were given; a name given twice counts once."""
        rows = [_astuple(struct) for struct in structs]
        num_fields = len(rows) * len(self.names)
        if self._has_optional:
            absent = sum(row.count(_UNSET) for row in rows)
            num_fields -= absent
            if absent or self._has_bytes:
                rows = [tuple(map(_plain_value, row)) for row in rows]
        elif self._has_bytes:
            rows = [tuple(map(_plain_value, row)) for row in rows]
        return rows, num_fields

    def rows_of_columns(self, struct: msgspec.Struct) -> list[Row]:
        """The values of decoded columns, row by row.

        Raises:
            RequestShapeError: The columns differ in length, or there are none.
        """
        columns = _astuple(struct)
        lengths = {name: len(c) for name, c in zip(self.names, columns, strict=True) if c is not _UNSET}
        if not lengths:
            raise RequestShapeError("The request has no columns.", hint=f"Send {', '.join(self.names)}.")
        first, num_rows = next(iter(lengths.items()))
        for name, length in lengths.items():
            if length != num_rows:
                raise RequestShapeError(
                    f"Column {first!r} has {num_rows} values, column {name!r} has {length}.",
                    where={"field": name},
                    hint="Every column needs one value for each row; null where it is not known.",
                )
        nulls = [None] * num_rows
        rows = list(zip(*(nulls if c is _UNSET else c for c in columns), strict=True))
        return [tuple(map(_plain_value, row)) for row in rows] if self._has_bytes else rows

    def findings(self, columns: Sequence[Sequence[Any]]) -> Findings:
        """What is null, out of domain or out of range.

        Args:
            columns: The values, one sequence for each feature in the order of :attr:`names`.
        """
        found = Findings([0] * (len(columns[0]) if columns else 0))
        for rule, column in zip(self._rules, columns, strict=True):
            if not rule.holds_for(column):
                rule.count(column, found)
        return found

    def explain(self, error: msgspec.ValidationError, *, envelope: Sequence[str] = ()) -> RequestError:
        """The failure of a decoder for :attr:`row_type` or :attr:`columns_type`, as a sentence with a place.

        Args:
            error: What the decoder raised.
            envelope: The names that may stand around rows and columns, where a protocol has such names.
        """
        return explain(str(error), self.schema.features, envelope=envelope)


class _Rule:
    """What the values of one feature should be: a quick test of a whole column, and a count of what fails it."""

    __slots__ = ("domain", "form", "items", "kind", "least", "lengths", "maximum", "minimum", "most", "name")

    def __init__(self, feature: Feature) -> None:
        self.name = feature.name
        self.domain = frozenset(feature.values) if feature.values is not None else None
        self.minimum, self.maximum = feature.min, feature.max
        self.kind = "out_of_domain" if self.domain is not None else "out_of_range"
        self.form = re.compile(feature.pattern).fullmatch if feature.pattern is not None else None
        self.least, self.most = feature.min_length, feature.max_length
        self.lengths = self.least is not None or self.most is not None
        self.items = feature.items if feature.list else None

    def holds_for(self, column: Sequence[Any]) -> bool:
        if self.items is not None:
            return all(self._fault(value) is None for value in column)
        if self.domain is not None:
            if not self.domain.issuperset(column):
                return False
        elif None in column or (
            column
            and (
                (self.minimum is not None and min(column) < self.minimum)
                or (self.maximum is not None and max(column) > self.maximum)
            )
        ):
            return False
        return not (self.form or self.lengths) or all(self._formed(value) is None for value in column)

    def count(self, column: Sequence[Any], found: Findings) -> None:
        for row, value in enumerate(column):
            kind = self._fault(value)
            if kind is not None:
                found.per_row[row] += 1
                key = (self.name, kind)
                found.counts[key] = found.counts.get(key, 0) + 1

    def _fault(self, value: Any) -> str | None:
        """Why a value is a finding; of a list, why one of its items is."""
        if value is None:
            return "null"
        if self.items is None:
            return self._item_fault(value)
        least, most = self.items
        if (least is not None and len(value) < least) or (most is not None and len(value) > most):
            return "wrong_items"
        return next((kind for item in value if item is not None and (kind := self._item_fault(item))), None)

    def _item_fault(self, value: Any) -> str | None:
        if self.domain is not None:
            if value not in self.domain:
                return self.kind
        elif (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            return self.kind
        return self._formed(value)

    def _formed(self, value: Any) -> str | None:
        if self.lengths and (
            (self.least is not None and len(value) < self.least) or (self.most is not None and len(value) > self.most)
        ):
            return "wrong_length"
        return "no_match" if self.form is not None and self.form(value) is None else None


def _struct(title: str, features: Sequence[Feature], *, as_column: bool) -> type[msgspec.Struct]:
    """A struct type with one field for each feature; feature names need not be Python names."""
    for feature in features:
        if _UNDECODABLE.search(feature.name):
            raise SchemaError(
                f"The feature {feature.name!r} cannot be served: its name needs escapes in JSON.",
                where={"feature": feature.name},
                hint="Rename the column: no quotes, backslashes or control characters.",
            )
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for position, feature in enumerate(features):
        kind: Any = _VALUE_TYPES[feature.type]
        if feature.list:
            kind = list.__class_getitem__(kind) | None
        if as_column:
            kind = list.__class_getitem__(kind)
        if feature.required:
            fields.append((f"f{position}", kind))
        else:
            fields.append((f"f{position}", kind | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(
        title,
        fields,
        rename={f"f{position}": feature.name for position, feature in enumerate(features)},
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        gc=as_column,  # a row holds only scalars: the collector need not look at it
    )


def _plain_value(value: Any) -> Any:
    if value is _UNSET:
        return None
    if type(value) is list:
        return [_plain_value(item) for item in value]
    return value.b64 if type(value) is _Base64 else value
