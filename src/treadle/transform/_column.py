"""Symbolic columns: what ``preprocess`` computes with. Nothing is computed; a graph of nodes grows.

Reads like numpy. A mistake is an error at once, with the user's own line: a column has no values while
``preprocess`` is traced, so ``if``, ``float()``, loops and libraries that want numbers cannot work.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from treadle.errors import NoLoweringError, TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._location import user_line

if TYPE_CHECKING:
    from treadle.schema import Schema

_KINDS = {
    "float": n.Kind.NUMBER,
    "bool": n.Kind.NUMBER,
    "int": n.Kind.KEY,
    "string": n.Kind.TEXT,
    "bytes": n.Kind.TEXT,
    "timestamp": n.Kind.TIME,
}
_WORDS = {
    n.Kind.NUMBER: "a number",
    n.Kind.KEY: "an integer",
    n.Kind.TEXT: "text",
    n.Kind.TIME: "a timestamp",
    n.Kind.TRUTH: "a comparison",
    n.Kind.BOUNDARIES: "bucket boundaries",
}


class Columns(Mapping[str, Any]):
    """The raw features by name: the argument of ``preprocess``. A feature that is a list is ``Items``."""

    def __init__(self, schema: Schema) -> None:
        self._inputs = {
            name: n.Input(name, feature.type, n.Kind.LIST if feature.list else _KINDS[feature.type], feature.required)
            for name, feature in schema.features.items()
            if feature.type != "struct"
        }
        self._structs = {name for name, feature in schema.features.items() if feature.type == "struct"}
        self._items = {name: feature.items[1] for name, feature in schema.features.items() if feature.list}

    def __getitem__(self, name: str) -> Any:
        if name in self._structs:
            raise TransformError(
                f"The feature {name!r} is a struct: it is checked, and no input of a graph.",
                where=user_line(),
                hint="Write the field that is needed into a column of its own before ingest.",
            )
        if name not in self._inputs:
            close = difflib.get_close_matches(str(name), self._inputs, n=1)
            raise TransformError(
                f"There is no feature {name!r} in the schema.",
                where=user_line(),
                hint=f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(self._inputs)}.",
            )
        if name in self._items:
            from treadle.transform.functions._lists import of_schema

            return of_schema(self._inputs[name], self._items[name])
        return Column(self._inputs[name])

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # a protocol's probe, not a feature
            raise AttributeError(name)
        raise TransformError(
            f"Features are named in brackets, and this is x.{name}.", where=user_line(), hint=f"Write x[{name!r}]."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)


class Column:
    """One symbolic column. Arithmetic, comparisons, ``&``, ``|`` and ``~`` work as in numpy, missing is NaN."""

    __slots__ = ("line", "node")
    # == makes a column, so a column cannot be a key of a dict.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: n.Node) -> None:
        self.node = node
        self.line = user_line()

    def __repr__(self) -> str:
        return f"<Column of {describe(self)}>"

    def __add__(self, other: object) -> Column:
        return arithmetic("add", self, other)

    def __radd__(self, other: object) -> Column:
        return arithmetic("add", other, self)

    def __sub__(self, other: object) -> Column:
        return arithmetic("subtract", self, other)

    def __rsub__(self, other: object) -> Column:
        return arithmetic("subtract", other, self)

    def __mul__(self, other: object) -> Column:
        return arithmetic("multiply", self, other)

    def __rmul__(self, other: object) -> Column:
        return arithmetic("multiply", other, self)

    def __truediv__(self, other: object) -> Column:
        return arithmetic("divide", self, other)

    def __rtruediv__(self, other: object) -> Column:
        return arithmetic("divide", other, self)

    def __floordiv__(self, other: object) -> Column:
        return arithmetic("floor_divide", self, other)

    def __rfloordiv__(self, other: object) -> Column:
        return arithmetic("floor_divide", other, self)

    def __mod__(self, other: object) -> Column:
        return arithmetic("remainder", self, other)

    def __rmod__(self, other: object) -> Column:
        return arithmetic("remainder", other, self)

    def __pow__(self, other: object) -> Column:
        return arithmetic("power", self, other)

    def __rpow__(self, other: object) -> Column:
        return arithmetic("power", other, self)

    def __neg__(self) -> Column:
        return Column(n.Function("negative", number(self)))

    def __abs__(self) -> Column:
        return Column(n.Function("absolute", number(self)))

    def __lt__(self, other: object) -> Column:
        return comparison("less", self, other)

    def __le__(self, other: object) -> Column:
        return comparison("less_equal", self, other)

    def __gt__(self, other: object) -> Column:
        return comparison("greater", self, other)

    def __ge__(self, other: object) -> Column:
        return comparison("greater_equal", self, other)

    def __eq__(self, other: object) -> Column:  # type: ignore[override]
        return comparison("equal", self, other)

    def __ne__(self, other: object) -> Column:  # type: ignore[override]
        return comparison("not_equal", self, other)

    def __and__(self, other: object) -> Column:
        return Column(n.Logic("and", truth(self), truth(other)))

    def __or__(self, other: object) -> Column:
        return Column(n.Logic("or", truth(self), truth(other)))

    def __xor__(self, other: object) -> Column:
        return Column(n.Logic("xor", truth(self), truth(other)))

    def __invert__(self) -> Column:
        return Column(n.Negation(truth(self)))

    def __bool__(self) -> NoReturn:
        raise _no_value(
            "A column is neither true nor false",
            "Use tt.where(condition, a, b), & | ~ for and or not, tt.maximum for max, tt.is_in for in.",
        )

    def __float__(self) -> NoReturn:
        raise _no_value("A column is not one number", "Use the functions of treadle.transform, as tt.log1p.")

    __int__ = __index__ = __complex__ = __round__ = __float__

    def __iter__(self, *_: object) -> NoReturn:
        raise _no_value("A column cannot be looped over", "Write what is to be done with the column as a whole.")

    __len__ = __contains__ = __getitem__ = __iter__

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise _no_value("A column is not an array", "Use the functions of treadle.transform, as tt.log1p.")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Column:
        from treadle.transform.functions._numpy import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: object, types: object, inputs: Sequence[object], options: Mapping[str, object]
    ) -> Column:
        from treadle.transform.functions._numpy import apply_function

        return apply_function(function, inputs, options)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # a protocol's probe, not a call of the user's
            raise AttributeError(name)
        raise NoLoweringError(
            f"A column has no {name!r}.",
            where=user_line(),
            hint=f"Columns have operators; everything else is a function: {_function_for(name)}.",
        )


_ELSEWHERE = {
    "str": "tt.lower, tt.strip, tt.replace, tt.contains",
    "dt": "tt.hour_of_day, tt.day_of_week, tt.month",
    "astype": "tt.cast(x, 'int')",
    "fillna": "tt.fill_missing(x, 0)",
    "isna": "tt.is_missing(x)",
    "isnull": "tt.is_missing(x)",
    "isin": "tt.is_in(x, [1, 2])",
    "std": "tt.std_dev(x)",
    "var": "tt.variance(x)",
    "min": "tt.lowest(x)",
    "max": "tt.highest(x)",
    "map": "tt.lookup(x, values), tt.embedding(x, table)",
    "apply": "tt.numpy_function(f, x, body=...)",
}
"""What methods of data frames and arrays are called here."""


def _function_for(name: str) -> str:
    from treadle import transform

    same = f"tt.{name}(x)" if name in transform.__all__ else "those of treadle.transform"
    return _ELSEWHERE.get(name, same)


def arithmetic(op: str, left: object, right: object) -> Column:
    """A column from two numbers; of two timestamps, their difference in seconds."""
    if op == "subtract" and is_time(left) and is_time(right):
        assert isinstance(left, Column)
        assert isinstance(right, Column)
        return Column(n.Seconds(right.node, left.node))
    texts = [
        isinstance(side, str) or (isinstance(side, Column) and side.node.kind == n.Kind.TEXT) for side in (left, right)
    ]
    if op == "add" and all(texts):
        raise TransformError("Texts are not added.", where=user_line(), hint="Use tt.concat(a, b).")
    return Column(n.Arithmetic(op, number(left), number(right)))


def comparison(op: str, left: Column, right: object) -> Column:
    """A truth from two numbers, or from two texts when they are compared for equality."""
    if left.node.kind == n.Kind.TEXT:
        if op not in ("equal", "not_equal"):
            raise NoLoweringError("Text has no order in ONNX.", where=user_line(), hint="Compare with == and !=.")
        return Column(n.Comparison(op, left.node, text(right)))
    if is_truth(left) and isinstance(right, bool):
        return left if right == (op == "equal") else Column(n.Negation(truth(left)))
    return Column(n.Comparison(op, number(left), number(right)))


def number(value: object) -> n.Node:
    """A value as a number: columns of numbers, integers and comparisons, and plain numbers."""
    if isinstance(value, Column):
        node = value.node
        _refuse_vector(node)
        if node.kind == n.Kind.NUMBER:
            return node
        if node.kind in (n.Kind.KEY, n.Kind.TRUTH):
            return n.ToNumber(node)
        hint = "Use tt.hour_of_day, tt.day_of_week, tt.month, or subtract two timestamps."
        raise _wrong("a number", value, hint if node.kind == n.Kind.TIME else "Use tt.vocabulary to make ids of text.")
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise _wrong("a number", value)
    return n.Number(float(value))


def key(value: object) -> n.Node:
    """A value as an exact integer: integer columns and plain integers."""
    if isinstance(value, Column) and value.node.kind == n.Kind.KEY:
        _refuse_vector(value.node)
        return value.node
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if not -(2**63) < int(value) < 2**63:
            raise _wrong("an integer of 64 bits", value)
        return n.Key(int(value))
    raise _wrong("an integer", value, "Use tt.cast(column, 'int').")


def text(value: object) -> n.Node:
    """A value as text."""
    if isinstance(value, Column) and value.node.kind == n.Kind.TEXT:
        return value.node
    if isinstance(value, str):
        return n.Text(value)
    raise _wrong("text", value)


def truth(value: object) -> n.Node:
    """A value as a condition: a comparison, or a feature of type bool (missing is false)."""
    if isinstance(value, Column):
        _refuse_vector(value.node)
        if value.node.kind == n.Kind.TRUTH:
            return value.node
        if is_truth(value):
            return n.Comparison("equal", value.node, n.Number(1.0))
    raise _wrong("a condition", value, "Compare it, as in x['fare'] > 0; put comparisons in brackets around & and |.")


def is_truth(value: object) -> bool:
    """Whether a value is a column that can stand as a condition."""
    if not isinstance(value, Column):
        return False
    return value.node.kind == n.Kind.TRUTH or (isinstance(value.node, n.Input) and value.node.type == "bool")


def is_time(value: object) -> bool:
    """Whether a value is a column of timestamps."""
    return isinstance(value, Column) and value.node.kind == n.Kind.TIME


def describe(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, Column):
        return "one_hot" if isinstance(value.node, n.OneHot) else _WORDS[value.node.kind]
    return repr(value)


def _wrong(wanted: str, value: object, hint: str | None = None) -> TransformError:
    found = f"this column holds {describe(value)}" if isinstance(value, Column) else f"this is {value!r}"
    return TransformError(f"Here {wanted} is needed, and {found}.", where=user_line(), hint=hint)


def _no_value(what: str, hint: str) -> TransformError:
    return TransformError(f"{what} while preprocess is traced.", where=user_line(), hint=hint)


def _refuse_vector(node: n.Node) -> None:
    if t.is_sequence(node):
        raise TransformError(
            "What is made of tokens is several columns, and they are an output as they are.", where=user_line()
        )
    if isinstance(node, n.Stack):
        raise TransformError(
            "A vector is several columns, and here one is needed.",
            where=user_line(),
            hint="Take its columns: tt.vector(*(2 * column for column in v)), or v[0].",
        )
    if isinstance(node, n.OneHot):
        raise TransformError(
            "one_hot makes several columns, and they are an output as they are.",
            where=user_line(),
            hint="Compute first, and take one_hot last.",
        )
