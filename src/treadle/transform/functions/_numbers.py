"""What ``preprocess`` can do, row by row. Each function says how it treats a missing value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.errors import NoLoweringError, TransformError
from treadle.graph import nodes as n
from treadle.transform._column import Column, arithmetic, describe, is_truth, key, number, text, truth
from treadle.transform._location import user_line


def log(x: Column) -> Column:
    """The natural logarithm; of 0 minus infinity, below 0 and of a missing value missing."""
    return Column(n.Function("log", number(x)))


def log1p(x: Column) -> Column:
    """``log(1 + x)``, with an absolute error below 3e-16; below -1 and of a missing value missing."""
    return Column(n.Function("log1p", number(x)))


def exp(x: Column) -> Column:
    """The exponential; missing stays missing."""
    return Column(n.Function("exp", number(x)))


def sqrt(x: Column) -> Column:
    """The square root; below 0 and of a missing value missing."""
    return Column(n.Function("sqrt", number(x)))


def floor(x: Column) -> Column:
    """The largest whole number that is not above; missing stays missing."""
    return Column(n.Function("floor", number(x)))


def ceil(x: Column) -> Column:
    """The smallest whole number that is not below; missing stays missing."""
    return Column(n.Function("ceil", number(x)))


def sign(x: Column) -> Column:
    """-1, 0 or 1; missing stays missing."""
    return Column(n.Function("sign", number(x)))


def minimum(left: Column | float, right: Column | float) -> Column:
    """The smaller of two; missing when either is."""
    return arithmetic("minimum", left, right)


def maximum(left: Column | float, right: Column | float) -> Column:
    """The larger of two; missing when either is."""
    return arithmetic("maximum", left, right)


def clip(x: Column, low: float | None = None, high: float | None = None) -> Column:
    """``x``, but no less than ``low`` and no more than ``high``; missing stays missing."""
    clipped = x if low is None else maximum(x, low)
    return clipped if high is None else minimum(clipped, high)


def where(condition: Column, then: Column | float | str, otherwise: Column | float | str) -> Column:
    """``then`` where the condition holds, else ``otherwise``; both numbers, both integers or both text."""
    test = truth(condition)
    kinds = {_kind(value) for value in (then, otherwise)}
    if n.Kind.TEXT in kinds:
        return Column(n.Choice(test, text(then), text(otherwise)))
    if kinds == {n.Kind.KEY}:
        return Column(n.Choice(test, key(then), key(otherwise)))
    if all(is_truth(value) for value in (then, otherwise)):
        return Column(n.Choice(test, truth(then), truth(otherwise)))
    return Column(n.Choice(test, number(then), number(otherwise)))


def is_missing(x: Column) -> Column:
    """Whether a value is missing: null, or NaN."""
    if not isinstance(x, Column) or x.node.kind == n.Kind.TRUTH:
        raise TransformError(
            f"is_missing needs a column that can be missing, and this is {describe(x)}.", where=user_line()
        )
    return Column(n.IsMissing(x.node))


def fill_missing(x: Column, value: Column | float | str) -> Column:
    """``x``, or ``value`` where it is missing. An integer stays one if the value is whole."""
    kind = _kind(x)
    if kind == n.Kind.TEXT:
        return Column(n.FillMissing(text(x), text(value)))
    if kind == n.Kind.KEY and (_kind(value) == n.Kind.KEY or (isinstance(value, float) and value.is_integer())):
        whole = int(value) if isinstance(value, float) else value
        return Column(n.FillMissing(key(x), key(whole)))
    if kind == n.Kind.TRUTH:
        return x
    return Column(n.FillMissing(number(x), number(value)))


def cast(x: Column, to: str) -> Column:
    """The column as ``"float"``, ``"int"`` (without its fraction) or ``"bool"`` (not 0, and missing is false).

    Raises:
        NoLoweringError: Text is never parsed by the graph.
    """
    if _kind(x) in (n.Kind.TEXT, n.Kind.TIME):
        raise NoLoweringError(
            f"{describe(x).capitalize()} cannot be cast to {to!r} in ONNX without failing whole batches.",
            where=user_line(),
            hint="Declare the feature's type in the schema: it is parsed where the data is read.",
        )
    if to == "float":
        return Column(number(x))
    if to == "int":
        return x if _kind(x) == n.Kind.KEY else Column(n.ToKey(number(x)))
    if to == "bool":
        if is_truth(x):
            return Column(truth(x))
        value = number(x)
        return Column(n.Logic("and", n.Comparison("not_equal", value, n.Number(0.0)), n.Negation(n.IsMissing(value))))
    raise TransformError(f"{to!r} is not a type to cast to.", where=user_line(), hint="Use 'float', 'int' or 'bool'.")


def hour_of_day(x: Column) -> Column:
    """The hour of a timestamp, 0 to 23; missing stays missing."""
    return _time_part("hour", x)


def day_of_week(x: Column) -> Column:
    """The day of the week of a timestamp, 0 (Monday) to 6; missing stays missing."""
    return _time_part("weekday", x)


def month(x: Column) -> Column:
    """The month of a timestamp, 1 to 12; missing stays missing."""
    return _time_part("month", x)


def one_hot(x: Column, values: Sequence[int] | Sequence[str] | None = None) -> Column:
    """One output column per category, 1 for the row's own; all 0 for a missing value and for any other.

    The output columns are named ``name=category``.

    Args:
        x: A column whose categories are known: of ``vocabulary``, ``bucketize``, ``hour_of_day``, ``day_of_week``
            or ``month``; or any column of integers or text, with ``values``.
        values: The categories.
    """
    if values is not None:
        x = Column(n.Lookup(_category(x), n.Tokens(_checked(x, values)), has_oov=False))
    elif not isinstance(x, Column) or n.categories(x.node) is None:
        raise TransformError(
            f"one_hot needs to know the categories, and this is {describe(x)}.",
            where=user_line(),
            hint="Take tt.vocabulary or tt.bucketize first, or list them: tt.one_hot(x, values=[1, 2, 3]).",
        )
    return Column(n.OneHot(key(x)))


def _category(x: Column) -> n.Node:
    if isinstance(x, Column) and x.node.kind in (n.Kind.KEY, n.Kind.TEXT):
        return key(x) if x.node.kind == n.Kind.KEY else text(x)
    raise TransformError(
        f"Here a category is needed, integers or text, and this is {describe(x)}.",
        where=user_line(),
        hint="Use tt.cast(x, 'int') or tt.bucketize first.",
    )


def _checked(x: Column, values: Sequence[int] | Sequence[str]) -> tuple[str, ...] | tuple[int, ...]:
    kind = str if x.node.kind == n.Kind.TEXT else int
    found = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if not found or any(type(value) is not kind for value in found) or len(set(found)) != len(found):
        raise TransformError(
            f"values must be distinct and of type {kind.__name__}, and this is {values!r}.", where=user_line()
        )
    return found  # type: ignore[return-value]


def _time_part(part: str, x: Column) -> Column:
    if not isinstance(x, Column) or x.node.kind != n.Kind.TIME:
        raise TransformError(f"Here a timestamp is needed, and this is {describe(x)}.", where=user_line())
    return Column(n.TimePart(part, x.node))


def _kind(value: object) -> n.Kind | None:
    if isinstance(value, Column):
        return value.node.kind
    if isinstance(value, str):
        return n.Kind.TEXT
    return n.Kind.KEY if isinstance(value, int | np.integer) and not isinstance(value, bool) else n.Kind.NUMBER
