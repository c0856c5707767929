"""numpy's functions on symbolic columns: those with an ONNX lowering work, the others say that they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from treadle.errors import NoLoweringError
from treadle.transform import _column
from treadle.transform._column import Column
from treadle.transform._location import user_line
from treadle.transform.functions import _numbers as _functions


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[object], options: Mapping[str, object]) -> Column:
    """What ``ufunc(*inputs)`` means on columns.

    Raises:
        NoLoweringError: The function has no lowering, or is used with options.
    """
    function = _UFUNCS.get(ufunc.__name__)
    if function is None or method != "__call__" or options:
        detail = "" if method == "__call__" and not options else " in this form"
        raise NoLoweringError(
            f"numpy.{ufunc.__name__} has no ONNX lowering{detail}.",
            where=user_line(),
            hint=f"tt.numpy_function takes any, with an ONNX body. These have one: {', '.join(sorted(_UFUNCS))}.",
        )
    # numpy hands its own scalars over as arrays without dimensions.
    return function(*(value.item() if isinstance(value, np.ndarray) and not value.ndim else value for value in inputs))


def apply_function(function: object, inputs: Sequence[object], options: Mapping[str, object]) -> Column:
    """What a function of numpy's that is none of its ufuncs means on columns.

    Raises:
        NoLoweringError: The function has no lowering, or is used with options.
    """
    name = getattr(function, "__name__", str(function))
    found = _OTHERS.get(name)
    if found is None or options or len(inputs) != 3:
        raise NoLoweringError(
            f"numpy.{name} has no ONNX lowering{' in this form' if found else ''}.",
            where=user_line(),
            hint="Use the functions of treadle.transform, as tt.cast, or tt.numpy_function with an ONNX body.",
        )
    return found(*inputs)


def _binary(op: str) -> Callable[..., Column]:
    return lambda left, right: _column.arithmetic(op, left, right)


def _compared(op: str, mirrored: str) -> Callable[..., Column]:
    def compare(left: Any, right: Any) -> Column:
        if isinstance(left, Column):
            return _column.comparison(op, left, right)
        return _column.comparison(mirrored, right, left)

    return compare


_UFUNCS: dict[str, Callable[..., Column]] = {
    **{name: _binary(name) for name in ("add", "subtract", "multiply", "divide", "floor_divide", "remainder")},
    **{name: _binary(name) for name in ("power", "minimum", "maximum")},
    "float_power": _binary("power"),
    "less": _compared("less", "greater"),
    "less_equal": _compared("less_equal", "greater_equal"),
    "greater": _compared("greater", "less"),
    "greater_equal": _compared("greater_equal", "less_equal"),
    "equal": _compared("equal", "equal"),
    "not_equal": _compared("not_equal", "not_equal"),
    **{name: getattr(_functions, name) for name in ("log", "log1p", "exp", "sqrt", "floor", "ceil", "sign")},
    "absolute": abs,
    "negative": lambda x: -x,
    "isnan": _functions.is_missing,
    "logical_and": lambda left, right: left & right,
    "logical_or": lambda left, right: left | right,
    "logical_not": lambda x: ~x,
    "bitwise_and": lambda left, right: left & right,
    "bitwise_or": lambda left, right: left | right,
    "invert": lambda x: ~x,
}
_OTHERS: dict[str, Callable[..., Column]] = {"where": _functions.where, "clip": _functions.clip}
