"""Blocks of a pipeline function: nodes that run under a condition, once for each item, or at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from treadle.artifact import Artifact
from treadle.errors import PipelineError, TreadleError
from treadle.pipeline._condition import Condition, as_condition
from treadle.pipeline._handles import ItemHandle, NodeHandle, OneOfHandle, OutputHandle, StatusHandle, only_output
from treadle.pipeline._ir import Each
from treadle.pipeline._trace import Trace, current_trace


class when:  # noqa: N801 - reads as a statement
    """``with treadle.when(fit.value > 0.9): ...``: the nodes placed inside run only when the condition holds.

    When it does not they are skipped, with the condition and its values as the reason, and so is what waits for them.
    Conditions compare outputs of components that return a value, their parts (``fit.value["auc"]``) and properties of
    artifacts (``evaluate.verdict["state"] == "passed"``) with constants or with each other; ``&``, ``|`` and ``~`` put
    them together, with brackets around comparisons. Blocks may be nested.

    Examples:
        The other branch::

            with treadle.when(fit.value > 0.9) as good:
                push(fit)
            with good.otherwise():
                complain(fit.value)
    """

    def __init__(self, condition: object) -> None:
        trace = _trace("when")
        with _placed(trace):
            self.condition: Condition = as_condition(condition)
            _refuse_gathered(condition, trace)

    def otherwise(self) -> when:
        """The block for when the condition does not hold."""
        return when(~self.condition)

    def __enter__(self) -> when:
        _trace("when").conditions.append(self.condition)
        return self

    def __exit__(self, *_: object) -> None:
        _trace("when").conditions.pop()


class for_each:  # noqa: N801 - reads as a statement
    """``with treadle.for_each(items) as item: ...``: the nodes placed inside are there once for each item.

    ``item`` is a value, ``item["name"]`` a part of it, or an artifact. Outputs of nodes inside, used after the block,
    are lists: for a parameter annotated ``list[...]``; so is `one_of` of such outputs, each round's own. Loops may be
    in loops; after both of them such a list is flat, the rounds of the outer one first.

    Args:
        items: A list of values or of artifacts, or the output of a component that returns a list; or an output of a
            node inside another loop.
        parallelism: How many items may be worked on at once; as many as the machine takes when not given.

    Raises:
        PipelineError: At the ``with``, for what is no list.
    """

    def __init__(self, items: Any, *, parallelism: int | None = None) -> None:
        self._items = items
        self._parallelism = parallelism

    def __enter__(self) -> ItemHandle:
        trace = _trace("for_each")
        line = trace.line()
        with _placed(trace):
            limit = self._parallelism
            if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
                raise PipelineError(f"parallelism is a whole number from 1, not {limit!r}")
            source = trace.reader({"line": line}).source(self._items)
            trace.loops += 1
            each = Each(f"loop_{trace.loops}", source, limit, trace.each)
            kind = _item_type(self._items)
        trace.each = each
        return ItemHandle(each.name, kind)

    def __exit__(self, *_: object) -> None:
        trace = _trace("for_each")
        assert trace.each is not None
        trace.each = trace.each.outer

    def __iter__(self) -> NoReturn:
        raise PipelineError("for_each is a block, not a list", hint="with treadle.for_each(items) as item:")


def one_of(*outputs: Any) -> OneOfHandle:
    """The first of these outputs whose node has run: where the branches of a condition meet again.

    A node that takes it waits until all of them have ended. It is skipped when none of them ran, or when one failed
    and none before it ran.

    Args:
        outputs: Outputs of nodes, or nodes with one output; all artifacts of a type that fits, or all values.

    Raises:
        PipelineError: For what is no output, or fewer than two.

    Examples:
        ::

            with treadle.when(rows.value > 1000) as many:
                big = fit_big(data)
            with many.otherwise():
                small = fit_small(data)
            push(treadle.one_of(big.model, small.model))
    """
    trace = _trace("one_of")
    with _placed(trace):
        if len(outputs) < 2 or not all(isinstance(output, NodeHandle | OutputHandle) for output in outputs):
            raise PipelineError("one_of takes two or more outputs of nodes", hint="one_of(big.model, small.model)")
        return OneOfHandle(tuple(only_output(each) if isinstance(each, NodeHandle) else each for each in outputs))


@contextmanager
def at_exit() -> Iterator[StatusHandle]:
    """``with treadle.at_exit() as status: ...``: the nodes placed inside run when all others have ended, however.

    They run every time. ``status`` is a value for their parameters and conditions: ``run``, ``pipeline``, ``state``
    (``succeeded`` or ``failed``), ``nodes`` (by name: ``state``, ``reason``, ``error``).

    Examples:
        ::

            with treadle.at_exit() as status, treadle.when(status["state"] == "failed"):
                treadle.components.webhook(status, url=url)
    """
    trace = _trace("at_exit")
    with _placed(trace):
        if trace.at_exit or trace.conditions or trace.each:
            raise PipelineError("at_exit is no part of another block", hint="put conditions inside it")
    trace.at_exit = True
    try:
        yield StatusHandle()
    finally:
        trace.at_exit = False


def _trace(word: str) -> Trace:
    trace = current_trace()
    if trace is None:
        raise PipelineError(
            f"{word} is for pipeline functions", hint="call it in a function decorated with @treadle.pipeline"
        )
    return trace


@contextmanager
def _placed(trace: Trace) -> Iterator[None]:
    """Mistakes inside are told with the line of the pipeline function."""
    try:
        yield
    except TreadleError as error:
        error.where.setdefault("line", trace.line())
        raise


def _item_type(items: Any) -> type[Artifact] | None:
    first = items[0] if isinstance(items, list | tuple) and items else items
    if not isinstance(first, NodeHandle | OutputHandle):
        return None
    handle = only_output(first) if isinstance(first, NodeHandle) else first
    return None if handle.is_value else handle.type


def _refuse_gathered(condition: object, trace: Trace) -> None:
    """A condition on one round of a loop has no meaning outside the loop."""
    inside = trace.open_loops()
    for wire in as_condition(condition).wires():
        node = trace.nodes.get(wire.node)
        around = () if node is None else tuple(each.name for each in node.loops())
        if inside[: len(around)] != around:
            raise PipelineError(
                f"{wire} is a list here, of one for each round of its loop",
                hint="compare it inside the loop, or give the list to a component that returns one value",
            )
