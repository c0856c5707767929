"""`@pipeline`: a function that calls components, compiled to plain data."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, overload

from treadle.artifact import canonical_json
from treadle.config import masked
from treadle.errors import PipelineError, TreadleError, UserCodeError
from treadle.pipeline._handles import ParameterHandle
from treadle.pipeline._ir import PipelineIR
from treadle.pipeline._reference import module_file, module_name
from treadle.pipeline._secrets import check_secrets
from treadle.pipeline._signature import describe, fits
from treadle.pipeline._trace import Trace, checked_name, current_trace


class Pipeline:
    """A function that places components; its parameters are given at run time."""

    def __init__(self, function: Callable[..., Any], *, name: str | None = None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__

    @property
    def file(self) -> Path | None:
        """The file it was written in."""
        return module_file(self.function)

    @functools.cached_property
    def folder(self) -> Path | None:
        """The project's folder: that of the file, unless somebody says otherwise by setting it."""
        return self.file.parent if self.file else None

    @property
    def module(self) -> str:
        """The module that another process imports it from."""
        return module_name(self.function.__module__)

    def compile(self, parameters: Mapping[str, Any] | None = None, *, left_open: Collection[str] = ()) -> PipelineIR:
        """The nodes and wires for these parameter values; nothing runs.

        Args:
            parameters: Values of the run-time parameters.
            left_open: Parameters whose values only a later run will know. They may be given to components, compared in
                conditions and gone through in loops, and have no value for anything else in the pipeline function.

        Raises:
            PipelineError: When a parameter is unknown, missing or of the wrong type, or nodes do not fit together.
            UserCodeError: When the pipeline function itself raises.
            UsageError: When a URL among the values holds a password.
        """
        given = self._bind(dict(parameters or {}), left_open)
        with Trace(self.function) as trace:
            try:
                self.function(**given)
                nodes = trace.finish()
            except TreadleError as error:
                error.where.setdefault("pipeline", self.name)
                error.where.setdefault("file", str(self.file))
                if (line := _line_of(error, self.function)) is not None:
                    error.where.setdefault("line", line)
                raise
            except RecursionError as error:
                raise PipelineError(
                    "The pipeline function calls itself without an end",
                    where={"pipeline": self.name, "file": str(self.file), "line": _line_of(error, self.function)},
                    hint="let it end by a value known when it is compiled; over what only a run knows, use for_each",
                ) from None
            except Exception as error:
                raise UserCodeError(
                    f"The pipeline function raised {type(error).__name__}: {error}",
                    where={"pipeline": self.name, "file": _line(error, self.file)},
                ) from error
        if not nodes:
            raise PipelineError(
                "The pipeline has no nodes" + (": its loops go through nothing" if trace.nodes else ""),
                where={"pipeline": self.name, "file": self.file},
                hint="give the list something: --set NAME=VALUE"
                if trace.nodes
                else "call components in the pipeline function",
            )
        known = {name: value for name, value in given.items() if name not in left_open}
        ir = PipelineIR(self.name, self.module, known, nodes)
        check_secrets(ir)
        return ir

    def parameter_types(self) -> dict[str, Any]:
        """The run-time parameters and their annotations (Any where there is none)."""
        hints = typing.get_type_hints(self.function)
        return {name: hints.get(name, Any) for name in inspect.signature(self.function).parameters}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Place this pipeline's nodes in the pipeline that is being compiled.

        With ``node="name"`` its nodes are named ``name.train`` and so on; otherwise they are named as if the outer
        function had placed them.
        """
        trace = current_trace()
        if trace is None or "node" not in kwargs or "node" in inspect.signature(self.function).parameters:
            return self.function(*args, **kwargs)
        line = trace.line()
        prefix = checked_name(kwargs.pop("node"), line)
        whole = ".".join([*trace.prefixes, prefix])
        if any(name == whole or name.startswith(f"{whole}.") for name in trace.nodes):
            raise PipelineError(
                f"Two parts of the pipeline are named {whole!r}",
                where={"line": line},
                hint="give one of them another name",
            )
        trace.prefixes.append(prefix)
        try:
            return self.function(*args, **kwargs)
        finally:
            trace.prefixes.pop()

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"

    def _bind(self, given: dict[str, Any], left_open: Collection[str]) -> dict[str, Any]:
        where = {"pipeline": self.name, "file": self.file}
        types = self.parameter_types()
        bound: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            if name in left_open:
                given.pop(name, None)
                bound[name] = ParameterHandle(name, types[name])
                continue
            if name in given:
                bound[name] = given.pop(name)
            elif parameter.default is not parameter.empty:
                bound[name] = parameter.default
            else:
                raise PipelineError(f"The pipeline needs a value for {name!r}", where=where, hint=f"--set {name}=VALUE")
            if not fits(types[name], bound[name]):
                raise PipelineError(
                    f"{name!r} takes {describe(types[name])}, not {masked(repr(bound[name]))}",
                    where={**where, "parameter": name},
                )
            bound[name] = _json(name, bound[name], where)
        if unknown := set(given) | (set(left_open) - set(types)):
            raise PipelineError(
                f"The pipeline has no parameter {min(unknown)!r}",
                where=where,
                hint=f"it has {', '.join(types) or 'none'}",
            )
        return bound


def _json(name: str, value: Any, where: Mapping[str, object]) -> Any:
    value = str(value) if isinstance(value, Path) else value
    try:
        canonical_json(value)
    except (TypeError, ValueError) as error:
        raise PipelineError(f"{name!r} is not a JSON value: {error}", where=where) from error
    return value


def _line_of(error: BaseException, function: Callable[..., Any]) -> int | None:
    """The line of a function from which an error came."""
    code = inspect.unwrap(function).__code__
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return trace.tb_lineno
        trace = trace.tb_next
    return None


def _line(error: BaseException, file: Path | None) -> str | None:
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line or (str(file) if file else None)


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...
@overload
def pipeline(*, name: str | None = None) -> Callable[[Callable[..., Any]], Pipeline]: ...
def pipeline(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None
) -> Pipeline | Callable[[Callable[..., Any]], Pipeline]:
    """Make a function that calls components a pipeline.

    The function's parameters are the pipeline's run-time parameters (``treadle run FILE.py --set name=value``): JSON
    values, with defaults where they have them. A component call returns the node; ``node.output`` or
    ``node["output"]`` is given to other components, and a node with one output may be given itself.

    Args:
        function: The function, when the decorator is used without arguments.
        name: The pipeline's name; the function's when not given.

    Examples:
        >>> from treadle.pipeline import component
        >>> @component
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @pipeline
        ... def twice(x: int = 1) -> None:
        ...     double(double(x))
        >>> sorted(twice.compile({"x": 3}).nodes)
        ['double', 'double_2']
    """
    if function is not None:
        return Pipeline(function)
    return lambda function: Pipeline(function, name=name)
