"""Is a request as the schema says? Names and types decide; domains, ranges and nulls are only counted.

A wrong type, an unknown field or a missing required field makes a request unanswerable: one error, naming row and
field. A value that is null, out of domain, out of range or of another form is the world, not a mistake of the client:
it is served, and counted as a *finding*.

The types are compiled from the schema once, so that decoding a request and checking it are one pass in C: a
protocol skin decodes its bytes straight into :attr:`RequestChecker.row_type` or
:attr:`RequestChecker.columns_type` and turns a failure into a sentence with :meth:`RequestChecker.explain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from treadle.errors import RequestError, RequestShapeError
from treadle.schema import Schema
from treadle.validation.request._errors import explain
from treadle.validation.request._rules import Findings, rule_of
from treadle.validation.request._types import is_wrapped, plain_value, row_type

Row = tuple[Any, ...]
"""The values of one row in the order of the schema's features; ``None`` is null."""


_UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple


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
        self.row_type: type[msgspec.Struct] = row_type("Row", features)
        """A struct of one row: what a protocol skin decodes an instance into."""
        self.columns_type: type[msgspec.Struct] = row_type("Columns", features, columns=True)
        """A struct of whole columns."""
        self._rules = [rule_of(feature.name, feature) for feature in features]
        # rows need a second look only where a field may be absent or is wrapped
        self._has_optional = not all(feature.required for feature in features)
        self._wrapped = tuple(place for place, feature in enumerate(features) if is_wrapped(feature))

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
            if absent:
                rows = [tuple(map(plain_value, row)) for row in rows]
        return self._unwrapped(rows), num_fields

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
        return self._unwrapped(rows)

    def _unwrapped(self, rows: list[Row]) -> list[Row]:
        if not self._wrapped:
            return rows
        found = []
        for row in rows:
            values = list(row)
            for place in self._wrapped:
                values[place] = plain_value(values[place])
            found.append(tuple(values))
        return found

    def findings(self, columns: Sequence[Sequence[Any]]) -> Findings:
        """What is not as the schema says: null, out of domain, out of range, of another form.

        Args:
            columns: The values, one sequence for each feature in the order of :attr:`names`.
        """
        rows = range(len(columns[0]) if columns else 0)
        found = Findings([0] * len(rows))
        for rule, column in zip(self._rules, columns, strict=True):
            if not rule.holds_for(column):
                rule.count(column, rows, found)
        return found

    def explain(self, error: msgspec.ValidationError, *, envelope: Sequence[str] = ()) -> RequestError:
        """The failure of a decoder for :attr:`row_type` or :attr:`columns_type`, as a sentence with a place.

        Args:
            error: What the decoder raised.
            envelope: The names that may stand around rows and columns, where a protocol has such names.
        """
        return explain(str(error), self.schema, envelope=envelope)
