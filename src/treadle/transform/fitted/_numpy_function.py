"""A numpy function of the user's, and the ONNX body without which nothing can serve it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from treadle.errors import ModelFormatError, TransformError
from treadle.graph import Output, Session, lower, serialize
from treadle.graph import body_nodes as b
from treadle.graph import nodes as n
from treadle.transform._column import Column, describe, number
from treadle.transform._location import user_line
from treadle.transform.analysis._agreement import AgreementOf
from treadle.transform.analysis._analyzers import Analysis, varies

if TYPE_CHECKING:
    import onnx

Function: TypeAlias = "Callable[..., npt.NDArray[Any]]"


@dataclass(frozen=True)
class PythonCall(n.Node):
    """A function without a body: what Python alone can compute, and no graph holds."""

    function: Function
    line: tuple[tuple[str, object], ...]
    """The user's own."""
    xs: tuple[n.Node, ...]
    kind = n.Kind.NUMBER

    __eq__ = object.__eq__  # nodes compare by identity
    __hash__ = object.__hash__


def numpy_function(
    function: Function,
    *columns: Column,
    body: Callable[..., Column] | onnx.ModelProto | onnx.GraphProto | None = None,
    tolerance: float = 1e-6,
) -> Column:
    """A column that a numpy function of yours says how to compute.

    The function takes an array of float64 ``[N]`` for each column, NaN where a value is missing, and gives such an
    array, each row from that row alone. The **body** is the same in ONNX, and is what computes the column, in
    training as in serving. Over all of the training data both are computed and compared; some of these rows are kept
    with the graph, and compared again whenever a servable is built of it.

    Without a body the column can be looked at (:func:`explore`) and goes no further: a server has no Python of yours.

    Args:
        function: The numpy function.
        columns: What it is of: numbers, integers, conditions.
        body: A function of the same columns, written with ``treadle.transform``; or an ONNX model or graph from
            columns ``[N, 1]`` of double or float to one such column.
        tolerance: The largest difference, relative to what the function gives where that is beyond 1.
    """
    line = user_line()
    if not callable(function):
        raise TransformError(f"A numpy function is needed, and this is {function!r}.", where=line)
    if not columns:
        raise TransformError("A numpy function needs the columns it is of.", where=line)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < math.inf:
        raise TransformError(f"tolerance must be a number from 0 on, not {tolerance!r}.", where=line)
    xs = tuple(number(column) for column in columns)
    name = name_of(function)
    if not all(map(varies, xs)):
        raise TransformError(
            f"A column of {name!r} is the same for every row: it is made of analyses alone.",
            where=line,
            hint="Compute with it outside of the function, as in x['fare'] - tt.mean(x['fare']).",
        )
    if body is None:
        return Column(PythonCall(function, tuple(line.items()), xs))
    x = _traced(name, body, xs) if callable(body) else _spliced(name, body, xs)
    agreement = AgreementOf(function, float(tolerance), tuple(line.items()))
    evidence = Analysis(agreement, "evidence", n.Kind.TABLE, xs[0], (*xs[1:], x))
    return Column(b.Proven(name, float(tolerance), x, xs, evidence))


def name_of(function: Function) -> str:
    """What a function is called in messages and proofs."""
    return str(getattr(function, "__name__", type(function).__name__))


def _traced(name: str, body: Callable[..., Column], xs: tuple[n.Node, ...]) -> n.Node:
    found = body(*map(Column, xs))
    if not isinstance(found, Column):
        raise TransformError(
            f"The body of {name!r} gives {describe(found)}, and not a column.",
            where=user_line(),
            hint="Write it with the functions of treadle.transform, or give an ONNX model.",
        )
    return number(found)


def _spliced(name: str, body: onnx.ModelProto | onnx.GraphProto, xs: tuple[n.Node, ...]) -> n.Node:
    """The body as a node, tried on three rows: what is no column is said now and not when data comes."""
    import onnx

    from treadle.graph import read_body

    if not isinstance(body, onnx.ModelProto | onnx.GraphProto):
        raise TransformError(
            f"The body of {name!r} is {describe(body)}, which is neither a function nor ONNX.", where=user_line()
        )
    try:
        node = b.OnnxBody(name, read_body(body, len(xs)), xs)
        rows = np.array([[0.0], [1.5], [math.nan]])
        given = tuple(n.Input(f"x{i}", "float", n.Kind.NUMBER) for i in range(len(xs)))
        tried = b.OnnxBody(name, node.model, given)
        found = Session(serialize(lower([Output("y", (tried,), as_float32=False)]))).run({x.name: rows for x in given})
    except ModelFormatError as error:
        raise TransformError(f"The body of {name!r} cannot be used: {error.what}", where=user_line()) from error
    if found[0].shape != rows.shape:
        raise TransformError(
            f"The body of {name!r} makes {list(found[0].shape)} of 3 rows, and not [3, 1].", where=user_line()
        )
    return node
