"""What a component returns inside a pipeline function: promises, not values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from treadle.artifact import Artifact, Value
from treadle.errors import PipelineError
from treadle.pipeline._condition import Condition
from treadle.pipeline._ir import Constant, Given, Item, RunStatus, Wire


class Promise:
    """Stands for something that only a run will know. Compared, it makes a condition for `treadle.when`."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise PipelineError(
            f"{self!s} has no value while the pipeline is being compiled",
            hint="give it to another component, which will see the value when it runs; for a choice,"
            " with treadle.when(condition); for each of its items, with treadle.for_each(it) as item",
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = __abs__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = _refuse
    __format__ = _refuse  # in an f-string a promise would become words about it, not its value
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[object]:
        self._refuse()

    def leaf(self) -> Wire | Item | RunStatus | Given:
        """What it is in the IR."""
        raise NotImplementedError

    def as_condition(self) -> Condition:
        """The condition that the value is true."""
        return Condition("is", (_operand(self),))

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare("==", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare("!=", self, other)

    def __lt__(self, other: object) -> Condition:
        return _compare("<", self, other)

    def __le__(self, other: object) -> Condition:
        return _compare("<=", self, other)

    def __gt__(self, other: object) -> Condition:
        return _compare(">", self, other)

    def __ge__(self, other: object) -> Condition:
        return _compare(">=", self, other)

    def __and__(self, other: object) -> Condition:
        return self.as_condition() & other

    def __or__(self, other: object) -> Condition:
        return self.as_condition() | other

    def __invert__(self) -> Condition:
        return ~self.as_condition()


@dataclass(frozen=True, slots=True, eq=False)
class OutputHandle(Promise):
    """An output of a node, to be given to other components. ``handle["auc"]`` is a part of a JSON value, or a property
    of an artifact.
    """

    node: str
    name: str
    type: type[Artifact]
    annotation: Any = Any
    """Of a value: what the function says it returns."""
    path: tuple[str | int, ...] = ()
    loops: tuple[str, ...] = ()
    """The loops in whose bodies the node is, the outermost first."""
    trace: object = None
    """The compilation that placed the node."""

    def __str__(self) -> str:
        return f"output {self.name!r} of node {self.node!r}"

    def __getitem__(self, step: str | int) -> OutputHandle:
        return replace(self, path=(*self.path, step), annotation=Any)

    @property
    def is_value(self) -> bool:
        """Whether a JSON value lies behind it."""
        return bool(self.path) or issubclass(self.type, Value)

    def leaf(self) -> Wire:
        """What it is in the IR."""
        return Wire(self.node, self.name, self.path)


@dataclass(frozen=True, slots=True, eq=False)
class OneOfHandle(Promise):
    """Whichever of several outputs there will be."""

    options: tuple[OutputHandle, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.options))}"

    def __getitem__(self, step: str | int) -> OneOfHandle:
        return OneOfHandle(tuple(option[step] for option in self.options))

    def as_condition(self) -> Condition:
        """Not a condition.

        Raises:
            PipelineError: Always.
        """
        raise PipelineError(
            f"A condition on {self!s}", hint="give it to a component that returns it, and compare what that returns"
        )


@dataclass(frozen=True, slots=True, eq=False)
class ItemHandle(Promise):
    """The item that a round of a loop is about."""

    loop: str
    type: type[Artifact] | None = None
    """Of a loop over artifacts, theirs."""
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"an item of the loop {self.loop!r}"

    def __getitem__(self, step: str | int) -> ItemHandle:
        return ItemHandle(self.loop, None, (*self.path, step))

    def leaf(self) -> Item:
        """What it is in the IR."""
        return Item(self.loop, self.path)


@dataclass(frozen=True, slots=True, eq=False)
class StatusHandle(Promise):
    """How the run went: ``run``, ``pipeline``, ``state`` and ``nodes`` (state, reason and error of each)."""

    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return "the status of the run"

    def __getitem__(self, step: str | int) -> StatusHandle:
        return StatusHandle((*self.path, step))

    def leaf(self) -> RunStatus:
        """What it is in the IR."""
        return RunStatus(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterHandle(Promise):
    """A run-time parameter whose value only the run will know: see `Pipeline.compile`."""

    name: str
    annotation: Any = Any
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"the parameter {self.name!r}, which is left open,"

    def __getitem__(self, step: str | int) -> ParameterHandle:
        return ParameterHandle(self.name, Any, (*self.path, step))

    def leaf(self) -> Given:
        """What it is in the IR."""
        return Given(self.name, self.path)


class NodeHandle(Promise):
    """A node in a pipeline: its outputs are its attributes and items."""

    __slots__ = ("_name", "_outputs")

    def __init__(self, name: str, outputs: Mapping[str, OutputHandle]) -> None:
        self._name = name
        self._outputs = dict(outputs)

    def __getitem__(self, output: str) -> OutputHandle:
        try:
            return self._outputs[output]
        except (KeyError, TypeError):
            raise PipelineError(
                f"Node {self._name!r} has no output {output!r}",
                where={"node": self._name},
                hint=f"it has {', '.join(self._outputs) or 'none'}",
            ) from None

    def __getattr__(self, output: str) -> OutputHandle:
        if output.startswith("__"):
            raise AttributeError(output)
        return self[output]

    def __str__(self) -> str:
        return f"node {self._name!r}"

    def leaf(self) -> Wire:
        """What its only output is in the IR."""
        return only_output(self).leaf()


def name_of(handle: NodeHandle) -> str:
    """The node's name."""
    return handle._name


def only_output(handle: NodeHandle) -> OutputHandle:
    """The output of a node that has exactly one.

    Raises:
        PipelineError: When it has none or several.
    """
    if len(handle._outputs) != 1:
        raise PipelineError(
            f"Node {handle._name!r} has {len(handle._outputs) or 'no'} outputs",
            where={"node": handle._name},
            hint=f"name one: {', '.join(f'{handle._name}.{name}' for name in handle._outputs)}"
            if handle._outputs
            else "to wait for a node that makes nothing, use after=[node]",
        )
    return next(iter(handle._outputs.values()))


def _compare(op: str, left: Promise, right: object) -> Condition:
    if not isinstance(right, Promise | str | int | float | bool | None):
        raise PipelineError(f"{left!s} can be compared with a number, a text or another output, not {right!r}")
    return Condition(op, (_operand(left), _operand(right)))


def _operand(value: object) -> Wire | Item | RunStatus | Given | Constant:
    if not isinstance(value, Promise):
        return Constant(value)
    if isinstance(value, OneOfHandle):
        value.as_condition()
    handle = only_output(value) if isinstance(value, NodeHandle) else value
    if isinstance(handle, OutputHandle) and not handle.is_value:
        raise PipelineError(
            f"{handle!s} is {handle.type.type_name}, not a value",
            where={"node": handle.node},
            hint=f"a property of it can be compared: {handle.node}.{handle.name}['rows'] > 0",
        )
    return handle.leaf()
