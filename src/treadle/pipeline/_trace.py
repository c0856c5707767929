"""The nodes that a pipeline function places while it is being compiled."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.artifact import Value, canonical_json
from treadle.errors import PipelineError
from treadle.pipeline._handles import NodeHandle, OutputHandle, name_of, only_output
from treadle.pipeline._ir import Argument, Constant, DictOf, FilePath, Function, ListOf, NodeIR, Wire
from treadle.pipeline._reference import reference_to
from treadle.pipeline._signature import Kind, Parameter, describe, fits

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

    def __enter__(self) -> Trace:
        self._token = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)

    def place(self, component: Component, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NodeHandle:
        """Add a node for a call of a component."""
        line = self._line()
        explicit = kwargs.pop("node", None)
        after = kwargs.pop("after", ())
        name = self._name(component.name, explicit, line)
        where = {"node": name, "line": line}
        signature = component.signature
        given = self._bind(component, args, kwargs, where)
        arguments = {
            parameter.name: _argument(parameter, given[parameter.name], self._function, where)
            for parameter in signature.parameters.values()
            if parameter.name in given
        }
        self.nodes[name] = NodeIR(
            name=name,
            component=reference_to(component, self._function),
            arguments=arguments,
            outputs={output: kind.type_name for output, kind in signature.outputs.items()},
            after=tuple(_after(after, where)),
            cache=component.cache,
            resolves=component.resolve is not None,
            line=line,
            settings=component.settings,
        )
        return NodeHandle(name, signature.outputs)

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
            if not isinstance(explicit, str) or not explicit.replace("-", "_").isidentifier():
                raise PipelineError(
                    f"{explicit!r} cannot name a node",
                    where={"line": line},
                    hint="letters, digits, - and _, not beginning with a digit",
                )
            if explicit in self.nodes:
                raise PipelineError(
                    f"Two nodes are named {explicit!r}",
                    where={"line": line, "first at line": self.nodes[explicit].line},
                    hint="give one of them another name",
                )
            return explicit
        number = 1
        while (candidate := name if number == 1 else f"{name}_{number}") in self.nodes:
            number += 1
        return candidate

    def _line(self) -> int | None:
        code = inspect.unwrap(self._function).__code__
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code is not code:
            frame = frame.f_back
        return None if frame is None else int(frame.f_lineno)


def _after(after: Any, where: Mapping[str, object]) -> list[str]:
    handles = [after] if isinstance(after, NodeHandle | OutputHandle) else list(after)
    names = []
    for handle in handles:
        if isinstance(handle, OutputHandle):
            names.append(handle.node)
        elif isinstance(handle, NodeHandle):
            names.append(name_of(handle))
        else:
            raise PipelineError(f"after= takes nodes, not {handle!r}", where=where)
    return names


def _argument(parameter: Parameter, given: Any, function: Callable[..., Any], where: Mapping[str, object]) -> Argument:
    where = {**where, "parameter": parameter.name}
    if given is None and (parameter.optional or parameter.default is None):
        return Constant(None)
    if parameter.kind is Kind.INPUT:
        if parameter.many and isinstance(given, list | tuple):
            return ListOf(tuple(_wire(parameter, item, where) for item in given))
        wire = _wire(parameter, given, where)
        return ListOf((wire,)) if parameter.many else wire
    if parameter.kind is Kind.FILE:
        if parameter.many and isinstance(given, list | tuple):
            return ListOf(tuple(_file(item, where) for item in given))
        return ListOf((_file(given, where),)) if parameter.many else _file(given, where)
    if parameter.kind is Kind.FUNCTION:
        return Function(reference_to(given, function, where))
    return _value(parameter, given, where)


def _wire(parameter: Parameter, given: Any, where: Mapping[str, object]) -> Wire:
    output = only_output(given) if isinstance(given, NodeHandle) else given
    if not isinstance(output, OutputHandle):
        raise PipelineError(
            f"{parameter.name!r} takes an output of a node, not {given!r}",
            where=where,
            hint=f"an artifact of type {parameter.annotation.type_name}",
        )
    if not issubclass(output.type, parameter.annotation):
        raise PipelineError(
            f"{parameter.name!r} takes {parameter.annotation.type_name}, and {output} is {output.type.type_name}",
            where=where,
        )
    return Wire(output.node, output.name)


def _file(given: Any, where: Mapping[str, object]) -> FilePath | Wire:
    if isinstance(given, NodeHandle | OutputHandle):
        return _value_wire(given, where)
    if not isinstance(given, str | os.PathLike):
        raise PipelineError(f"A file is named by a path, not {given!r}", where=where)
    return FilePath(os.fspath(given) if isinstance(given, str) else str(Path(given)))


def _value(parameter: Parameter, given: Any, where: Mapping[str, object]) -> Argument:
    argument = _template(given, where)
    if isinstance(argument, Constant) and not fits(parameter.annotation, given):
        raise PipelineError(f"{parameter.name!r} takes {describe(parameter.annotation)}, not {given!r}", where=where)
    return argument


def _template(given: Any, where: Mapping[str, object]) -> Argument:
    """A JSON value, in which lists and dictionaries may hold outputs of other nodes."""
    if isinstance(given, NodeHandle | OutputHandle):
        return _value_wire(given, where)
    if isinstance(given, list | tuple):
        items = [_template(item, where) for item in given]
        if not all(isinstance(item, Constant) for item in items):
            return ListOf(tuple(items))
        given = list(given)
    elif isinstance(given, dict):
        entries = {name: _template(item, where) for name, item in given.items()}
        if not all(isinstance(item, Constant) for item in entries.values()):
            return DictOf(entries)
    try:
        canonical_json(given)
    except (TypeError, ValueError) as error:
        raise PipelineError(
            f"Not a JSON value: {error}",
            where=where,
            hint="annotate the parameter as File for a path, as Callable for a function",
        ) from error
    return Constant(given)


def _value_wire(given: NodeHandle | OutputHandle, where: Mapping[str, object]) -> Wire:
    output = only_output(given) if isinstance(given, NodeHandle) else given
    if not issubclass(output.type, Value):
        raise PipelineError(
            f"{output} is {output.type.type_name}, not a value",
            where=where,
            hint=f"annotate the parameter as {output.type.type_name} to receive the artifact",
        )
    return Wire(output.node, output.name)
