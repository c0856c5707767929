"""Tracing: the user's ``preprocess`` is called once, on symbolic columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from treadle.errors import NoLoweringError, TransformError, TreadleError, UserCodeError
from treadle.graph import inputs_of, walk
from treadle.graph import nodes as n
from treadle.transform._column import Column, Columns, describe
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import varies
from treadle.transform.fitted._numpy_function import PythonCall, name_of
from treadle.transform.functions._lists import Items

if TYPE_CHECKING:
    from treadle.schema import Schema

Preprocess = Callable[[Columns], Mapping[str, Column]]


class Traced(NamedTuple):
    """An output of ``preprocess``."""

    node: n.Node
    line: dict[str, object]
    """The user's, on which it was made."""


def trace(preprocess: Preprocess, schema: Schema, *, exploring: bool = False) -> dict[str, Traced]:
    """The outputs of ``preprocess``, analyses not yet made.

    Args:
        preprocess: What the user wrote.
        schema: The types of the raw columns.
        exploring: Whether nothing is to be served, so that numpy functions need no body.

    Raises:
        TransformError: An output cannot be one, or something was done that columns cannot do.
        NoLoweringError: Something was done that ONNX cannot do.
        UserCodeError: ``preprocess`` raised something else; the cause has the user's traceback.
    """
    try:
        outputs = preprocess(Columns(schema))
    except TreadleError:
        raise
    except Exception as error:
        raise UserCodeError.raised_in("preprocess", preprocess, error) from error
    if not isinstance(outputs, Mapping) or not outputs:
        raise TransformError(
            f"preprocess must return a dict of columns by name, and returned {type(outputs).__name__}.",
            where=_place(preprocess),
        )
    traced = {name: _output(name, column, preprocess) for name, column in outputs.items()}
    nodes = [found.node for found in traced.values()]
    _check_images(nodes, preprocess)
    if not exploring:
        _check_bodies(nodes)
    return traced


def _check_bodies(outputs: Sequence[n.Node]) -> None:
    """What is served must be ONNX throughout."""
    for node in walk(outputs):
        if isinstance(node, PythonCall):
            raise NoLoweringError(
                f"The numpy function {name_of(node.function)!r} has no ONNX body, so no server could run it.",
                where=dict(node.line),
                hint="Give body=, as tt functions or an ONNX model; to look at its values alone take tt.explore.",
            )


def _check_images(outputs: Sequence[n.Node], preprocess: Preprocess) -> None:
    """A feature enters as text or as the bytes of an image, not both."""
    kinds: dict[str, set[n.Kind]] = {}
    for node in inputs_of(outputs):
        kinds.setdefault(node.name, set()).add(node.kind)
    both = [name for name, found in kinds.items() if n.Kind.BYTES in found and len(found) > 1]
    if both:
        raise TransformError(f"The feature {both[0]!r} is taken as an image and as text.", where=_place(preprocess))


def _output(name: object, column: object, preprocess: Preprocess) -> Traced:
    if not isinstance(name, str) or not name or (name.startswith("__") and name.endswith("__")):
        raise TransformError(f"{name!r} cannot be the name of an output.", where=_place(preprocess))
    if isinstance(column, Items):
        column = column.vector()
    if not isinstance(column, Column):
        raise TransformError(
            f"The output {name!r} is {column!r}, which is not a column.",
            where=_place(preprocess),
            hint="Return columns made from x: of tokens tt.token_ids(...), of a histogram its count_of(...).",
        )
    if column.node.kind in (n.Kind.TEXT, n.Kind.TIME):
        hints = {
            n.Kind.TEXT: "Make ids of it: tt.vocabulary(...).",
            n.Kind.TIME: "Take a part of it: tt.hour_of_day(...).",
        }
        raise TransformError(
            f"The output {name!r} is {describe(column)}; features are numbers.",
            where=column.line,
            hint=hints[column.node.kind],
        )
    if not inputs_of([column.node]):
        raise TransformError(f"The output {name!r} depends on no feature.", where=column.line)
    if not varies(column.node):
        raise TransformError(
            f"The output {name!r} is the same for every row: it is made of analyses alone.",
            where=column.line,
            hint="Compute with it, as in x['fare'] - tt.mean(x['fare']).",
        )
    return Traced(column.node, column.line)


def _place(preprocess: Preprocess) -> dict[str, object]:
    code = getattr(preprocess, "__code__", None)
    return {"line": f"{code.co_filename}:{code.co_firstlineno}"} if code else user_line()
