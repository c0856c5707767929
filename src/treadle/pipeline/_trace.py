"""The nodes that a pipeline function places while it is being compiled."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from treadle.artifact import Artifact
from treadle.errors import PipelineError, TreadleError
from treadle.pipeline._arguments import ArgumentReader
from treadle.pipeline._check import check_graph
from treadle.pipeline._condition import Condition
from treadle.pipeline._expand import expand, known_items, loops
from treadle.pipeline._handles import NodeHandle, OutputHandle
from treadle.pipeline._ir import Argument, Each, NodeIR
from treadle.pipeline._reference import reference_to
from treadle.pipeline._settings import NodeSettings, read_settings
from treadle.pipeline._signature import Kind, describe

if TYPE_CHECKING:
    from treadle.pipeline._component import Component

_CURRENT: ContextVar[Trace | None] = ContextVar("treadle_trace", default=None)


def current_trace() -> Trace | None:
    """The pipeline being compiled, or None."""
    return _CURRENT.get()


class Trace:
    """One compilation of one pipeline function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.nodes: dict[str, NodeIR] = {}
        self.conditions: list[Condition] = []
        """Those of the `when` blocks that are open."""
        self.each: Each | None = None
        """The innermost of the `for_each` blocks that are open."""
        self.loops = 0
        """How many there were so far."""
        self.at_exit = False
        """Whether an `at_exit` block is open."""
        self.prefixes: list[str] = []
        """The names of the pipelines inside pipelines that are being placed."""

    def __enter__(self) -> Trace:
        self._token = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)

    def place(self, component: Component, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NodeHandle:
        """Add a node for a call of a component."""
        line = self.line()
        try:
            return self._place(component, args, kwargs, line)
        except TreadleError as error:
            error.where.setdefault("line", line)
            raise

    def _place(
        self, component: Component, args: tuple[Any, ...], kwargs: dict[str, Any], line: int | None
    ) -> NodeHandle:
        explicit = kwargs.pop("node", None)
        after = kwargs.pop("after", ())
        name = self._name(component.name, explicit, line)
        where = {"node": name, "line": line}
        signature = component.signature
        settings, cache = _settings(component, kwargs, where)
        types = _outputs(component, kwargs, where)
        given = self._bind(component, args, kwargs, where)
        reader = self.reader(where)
        arguments = {
            parameter.name: reader.read(parameter, given[parameter.name])
            for parameter in signature.parameters.values()
            if parameter.name in given
        }
        self.nodes[name] = NodeIR(
            name=name,
            component=reference_to(component, self._function),
            arguments=arguments,
            outputs={output: kind.type_name for output, kind in types.items()},
            after=tuple(reader.after(after)),
            cache=cache and not self.at_exit,
            resolves=component.resolve is not None,
            line=line,
            settings=settings,
            when=self._condition(),
            each=self.each,
            at_exit=self.at_exit,
        )
        loops = self.open_loops()
        handles = {
            output: OutputHandle(
                name, output, kind, signature.returns if output == "value" else Any, (), loops=loops, trace=self
            )
            for output, kind in types.items()
        }
        return NodeHandle(name, handles)

    def reader(self, where: Mapping[str, object]) -> ArgumentReader:
        """Reads arguments of a call at this place."""
        return ArgumentReader(self._function, self, self.open_loops(), where)

    def open_loops(self) -> tuple[str, ...]:
        """The names of the `for_each` blocks that are open, the outermost first."""
        return () if self.each is None else tuple(each.name for each in self.each.chain())

    def finish(self) -> dict[str, NodeIR]:
        """The nodes, when the function has returned: loops over what is known written out, the graph checked.

        Raises:
            PipelineError: When the nodes form no graph that could run.
        """
        others = tuple(name for name, node in self.nodes.items() if not node.at_exit)
        nodes = {name: replace(node, settles=others) if node.at_exit else node for name, node in self.nodes.items()}
        check_graph(nodes)
        while (known := _known_loop(nodes)) is not None:
            nodes = expand(nodes, *known)
        return nodes

    def _condition(self) -> Condition | None:
        if not self.conditions:
            return None
        whole = self.conditions[0]
        for condition in self.conditions[1:]:
            whole = whole & condition
        return whole

    def _bind(
        self,
        component: Component,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        where: Mapping[str, object],
    ) -> dict[str, Any]:
        parameters = [p for p in component.signature.parameters.values() if p.kind is not Kind.OUTPUT]
        names = [parameter.name for parameter in parameters]
        unknown = [name for name in kwargs if name not in names]
        if unknown or len(args) > len(names):
            raise PipelineError(
                f"{component.name} has no parameter {unknown[0]!r}"
                if unknown
                else f"{component.name} takes {len(names)} arguments, not {len(args)}",
                where=where,
                hint=f"it has {', '.join(names) or 'none'}",
            )
        given = dict(zip(names, args, strict=False))
        if twice := set(given) & set(kwargs):
            raise PipelineError(f"{component.name} got {min(twice)!r} twice", where=where)
        given |= kwargs
        for parameter in parameters:
            if parameter.name not in given:
                if parameter.required:
                    raise PipelineError(
                        f"{component.name} needs {parameter.name!r}",
                        where=where,
                        hint=f"{parameter.name}: {describe(parameter.annotation)}",
                    )
                given[parameter.name] = parameter.default
        return given

    def _name(self, name: str, explicit: str | None, line: int | None) -> str:
        if explicit is not None:
            explicit = ".".join([*self.prefixes, checked_name(explicit, line)])
            if explicit in self.nodes:
                raise PipelineError(
                    f"Two nodes are named {explicit!r}",
                    where={"line": line, "first at line": self.nodes[explicit].line},
                    hint="give one of them another name",
                )
            return explicit
        name = ".".join([*self.prefixes, name])
        number = 1
        while (candidate := name if number == 1 else f"{name}_{number}") in self.nodes:
            number += 1
        return candidate

    def line(self) -> int | None:
        """The line of the pipeline function that is being executed."""
        code = inspect.unwrap(self._function).__code__
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code is not code:
            frame = frame.f_back
        return None if frame is None else int(frame.f_lineno)


def _known_loop(nodes: Mapping[str, NodeIR]) -> tuple[str, list[Argument]] | None:
    """A loop whose items are known already, and these."""
    for name, each in loops(nodes).items():
        items = known_items(each.source)
        if items is not None:
            return name, items
    return None


def checked_name(name: Any, line: int | None) -> str:
    """The name, when it can name a node.

    Raises:
        PipelineError: When it cannot.
    """
    if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
        raise PipelineError(
            f"{name!r} cannot name a node",
            where={"line": line},
            hint="letters, digits, - and _, not beginning with a digit",
        )
    return name


def _settings(component: Component, kwargs: dict[str, Any], where: Mapping[str, object]) -> tuple[NodeSettings, bool]:
    """The component's settings with those that the call gives; a parameter of the component's own comes first."""
    own = component.signature.parameters
    given = {name: kwargs.pop(name) for name in _SETTINGS if name in kwargs and name not in own}
    cache = given.pop("cache", component.cache)
    if not isinstance(cache, bool):
        raise PipelineError(f"cache is True or False, not {cache!r}", where=where)
    settings = component.settings
    if not given:
        return settings, cache
    told = {"retries": settings.retries, "timeout": settings.timeout, "resources": settings.resources, **given}
    return read_settings(told["retries"], told["timeout"], told["resources"], where), cache


def _outputs(component: Component, kwargs: dict[str, Any], where: Mapping[str, object]) -> dict[str, type[Artifact]]:
    """The component's outputs; ``of=Model`` at the call narrows the type of its only one."""
    outputs = component.signature.outputs
    if "of" not in kwargs or "of" in component.signature.parameters:
        return outputs
    kind = kwargs.pop("of")
    declared = next(iter(outputs.values()), None)
    if len(outputs) != 1 or declared is None:
        raise PipelineError(f"of= is for a component with one output; {component.name} has {len(outputs)}", where=where)
    if not isinstance(kind, type) or not issubclass(kind, declared):
        raise PipelineError(f"{component.name} makes {declared.type_name}, not {kind!r}", where=where)
    return dict.fromkeys(outputs, kind)


_SETTINGS = ("retries", "timeout", "resources", "cache")
