"""The compiled pipeline: plain data that every runner and tool reads.

Nothing here depends on the machine: functions are named, not held, and files are paths as they were given. Format
``treadle.pipeline/1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from treadle.pipeline._settings import NodeSettings

if TYPE_CHECKING:
    from treadle.pipeline._condition import Condition

FORMAT = "treadle.pipeline/1"


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function by the module and the name it can be imported by, with arguments bound by `functools.partial`."""

    module: str
    name: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        bound: dict[str, Any] = {}
        if self.arguments or self.keywords:
            bound = {"arguments": list(self.arguments), "keywords": dict(self.keywords)}
        return {"module": self.module, "name": self.name, **bound}


@dataclass(frozen=True, slots=True)
class Constant:
    """A JSON value known when the pipeline was compiled."""

    value: Any

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class FilePath:
    """A path whose content counts."""

    path: str

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"file": self.path}


@dataclass(frozen=True, slots=True)
class Wire:
    """An output of another node, or a part of it."""

    node: str
    output: str
    path: tuple[str | int, ...] = ()
    """Into the value; of an artifact that is no value, into its properties."""

    def __str__(self) -> str:
        return f"{self.node}.{self.output}{_steps(self.path)}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"from": [self.node, self.output], **({"path": list(self.path)} if self.path else {})}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The first of several outputs whose node has run: where branches of a condition meet again."""

    options: tuple[Wire, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.options))}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"one_of": [option.to_json() for option in self.options]}


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact of the store, named by its digest: made before, by whatever run."""

    digest: str
    type_name: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.type_name} {self.digest[:15]}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"stored": self.digest, "type": self.type_name, "properties": dict(self.properties)}


@dataclass(frozen=True, slots=True)
class Item:
    """The item that one round of a loop is about, or a part of it."""

    loop: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"item{_steps(self.path)}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"item": self.loop, "path": list(self.path)}


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How the run went, for what runs at its end; or a part of it."""

    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"status{_steps(self.path)}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"run_status": list(self.path)}


@dataclass(frozen=True, slots=True)
class Given:
    """A run-time parameter of the pipeline that was left open, or a part of it."""

    name: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}{_steps(self.path)}"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"given": self.name, "path": list(self.path)}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the user's, given as an argument."""

    reference: FunctionReference

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"function": self.reference.to_json()}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of arguments, some of them wires."""

    items: tuple[Argument, ...]
    gathered: bool = False
    """Whether it stands for one output a round of a loop; lists of rounds inside it are written out flat."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"list": [item.to_json() for item in self.items]}


@dataclass(frozen=True, slots=True)
class DictOf:
    """A dictionary of arguments, some of them wires."""

    items: Mapping[str, Argument]

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"dict": {name: item.to_json() for name, item in self.items.items()}}


Argument = Constant | FilePath | Wire | OneOf | Stored | Item | RunStatus | Given | Function | ListOf | DictOf


def _steps(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step!r}]" for step in path)


def leaves(argument: Argument) -> Iterator[Argument]:
    """The arguments inside an argument that are not lists or dictionaries themselves."""
    if isinstance(argument, ListOf):
        for item in argument.items:
            yield from leaves(item)
    elif isinstance(argument, DictOf):
        for item in argument.items.values():
            yield from leaves(item)
    else:
        yield argument


@dataclass(frozen=True, slots=True)
class Each:
    """The loop whose body a node belongs to: it is there once for each item."""

    name: str
    source: Argument
    """The list."""
    parallelism: int | None = None
    """How many rounds may be under way at once; None: as many as the machine takes."""
    outer: Each | None = None
    """The loop that this one is in."""

    def chain(self) -> tuple[Each, ...]:
        """The loops it is in and itself, the outermost first."""
        return (*(() if self.outer is None else self.outer.chain()), self)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"name": self.name, "source": self.source.to_json(), "parallelism": self.parallelism}


@dataclass(frozen=True, slots=True)
class NodeIR:
    """A component placed in a pipeline."""

    name: str
    component: FunctionReference
    arguments: Mapping[str, Argument]
    outputs: Mapping[str, str]
    """Output names and artifact type names."""
    after: tuple[str, ...] = ()
    cache: bool = True
    resolves: bool = False
    """Whether the component looks at the world before the cache decision."""
    line: int | None = None
    """The line of the pipeline function that placed it."""
    settings: NodeSettings = field(default_factory=NodeSettings)
    """How it is to be run."""
    when: Condition | None = None
    """It is skipped when this does not hold."""
    each: Each | None = None
    """The loop it is in; None once the loop is written out."""
    settles: tuple[str, ...] = ()
    """Nodes that must have ended before this one starts, however they ended."""
    at_exit: bool = False
    """Whether it runs at the end of the run, however that went."""

    def wired(self) -> list[str]:
        """The nodes whose outputs this one looks at, each once, in the order they are named."""
        sources = [each.source for each in self.loops()]
        arguments = [*self.arguments.values(), *sources]
        wires = [leaf for argument in arguments for leaf in leaves(argument) if isinstance(leaf, Wire)]
        wires += [] if self.when is None else self.when.wires()
        return list(dict.fromkeys(wire.node for wire in wires))

    def loops(self) -> tuple[Each, ...]:
        """The loops it is in, the outermost first."""
        return () if self.each is None else self.each.chain()

    def options(self) -> list[tuple[str, ...]]:
        """Nodes of which one at least must have run, for each argument that takes whichever did."""
        found = [leaf for argument in self.arguments.values() for leaf in leaves(argument) if isinstance(leaf, OneOf)]
        return [tuple(dict.fromkeys(option.node for option in one.options)) for one in found]

    def before(self) -> list[str]:
        """Every node that must have ended before this one starts, for whatever reason."""
        options = [name for names in self.options() for name in names]
        return list(dict.fromkeys([*self.upstream(), *self.settles, *options]))

    def upstream(self) -> list[str]:
        """The nodes this one waits for, whether or not it takes their outputs."""
        return list(dict.fromkeys([*self.wired(), *self.after]))

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "name": self.name,
            "component": self.component.to_json(),
            "arguments": {name: argument.to_json() for name, argument in self.arguments.items()},
            "outputs": dict(self.outputs),
            "after": list(self.after),
            "cache": self.cache,
            "resolves": self.resolves,
            "line": self.line,
            **self.settings.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PipelineIR:
    """A compiled pipeline: nodes in an order in which each comes after those it waits for."""

    name: str
    module: str
    parameters: Mapping[str, Any]
    nodes: Mapping[str, NodeIR]

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "format": FORMAT,
            "name": self.name,
            "module": self.module,
            "parameters": dict(self.parameters),
            "nodes": [node.to_json() for node in self.nodes.values()],
        }
