"""One node, in a process of its own: import, call, publish, tell.

This is the only place where a component's function is called in a run. Heavy libraries are imported here, by the
function's own modules, after the fork.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Output, Value, canonical_json
from treadle.errors import ComponentError, TreadleError, UserCodeError
from treadle.pipeline import (
    Component,
    FunctionReference,
    Kind,
    Skip,
    Wait,
    find_function,
    import_fresh_sources,
    is_users,
    set_current_node,
)
from treadle.runner._reads import ReadTracer
from treadle.runner._retry import is_transient
from treadle.runner._task import REQUEST, RESULT, read_json, write_json
from treadle.storage import open_artifacts

_LONGEST = 50_000
"""Characters of an error's text, or of its traceback."""


def begin(place: Mapping[str, Any]) -> ReadTracer:
    """Make this process a node's: where it finds modules, and who hears of the files that it opens.

    Args:
        place: ``home`` (the store), ``sys_path`` and ``roots`` (the folders that hold the user's files).
    """
    os.environ["TREADLE_HOME"] = place["home"]
    sys.path[:] = place["sys_path"]
    import_fresh_sources()
    tracer = ReadTracer(place["roots"], place["home"])
    tracer.start()
    return tracer


def run_task(task: Path, tracer: ReadTracer | None = None) -> int:
    """Run the node that a task describes and leave its result; the process's exit status.

    Args:
        task: The task's folder.
        tracer: What `begin` gave, where this process has begun already.
    """
    request = read_json(task / REQUEST)
    node = request["node"]
    tracer = tracer or begin(request)
    try:
        set_current_node(request["run"], node)
        result = _Node(request, task, tracer).run()
    except Skip as skip:
        result = {"skip": skip.reason}
    except Wait as wait:
        result = {"wait": wait.reason}
    except BaseException as error:
        result = {"error": describe_error(error, node, request["roots"]), "transient": is_transient(error)}
    tracer.stop()
    for stream in (sys.stdout, sys.stderr):  # who finds the result finds the whole log
        with contextlib.suppress(Exception):  # the node has closed it
            stream.flush()
    write_json(task / RESULT, {**result, "reads": tracer.reads})
    return 1 if "error" in result else 0


class _Node:
    def __init__(self, request: Mapping[str, Any], task: Path, tracer: ReadTracer) -> None:
        self._request = request
        self._task = task
        self._tracer = tracer
        self._store = open_artifacts(Path(request["home"]))
        self._files = {name: Path(file) for name, file in request["files"].items()}

    def run(self) -> dict[str, Any]:
        component = self._find(self._request["component"])
        if not isinstance(component, Component):
            raise ComponentError(
                "Not a component", where={"component": str(self._request["component"])}, hint="add @component"
            )
        signature = component.signature
        arguments = {}
        for name, argument in self._request["arguments"].items():
            parameter = signature.parameters[name]
            kind = parameter.annotation if parameter.kind is Kind.INPUT else None
            arguments[name] = self._value(argument, kind)
            if parameter.kind is Kind.VALUE:
                self._tracer.expect(arguments[name])
        if signature.takes_resolved and "resolved" in self._request:
            arguments["resolved"] = self._request["resolved"]
        outputs = {name: self._output(name) for name in signature.outputs if name != "value"}
        returned = component.function(**arguments, **outputs)
        if "value" in signature.outputs:
            signature.check_returned(returned)
        published = {
            name: self._store.publish(outputs[name].path, kind, outputs[name].properties)
            for name, kind in signature.outputs.items()
            if name != "value"
        }
        if "value" in signature.outputs:
            published["value"] = self._publish_value(returned, component.name)
        return {
            "outputs": {
                name: {
                    "digest": artifact.digest,
                    "type": self._request["outputs"][name],
                    "properties": _properties(artifact, name),
                }
                for name, artifact in published.items()
            }
        }

    def _value(self, argument: Mapping[str, Any], kind: type[Artifact] | None) -> Any:
        if "value" in argument:
            return argument["value"]
        if "artifact" in argument:
            record = argument["artifact"]
            if kind is None:
                return self._store.open(record["digest"], Value, record["properties"]).read()
            return self._store.open(record["digest"], kind, record["properties"])
        if "file" in argument:
            return Path(argument["file"])
        if "function" in argument:
            function = self._find(argument["function"])
            return function.function if isinstance(function, Component) else function
        if "list" in argument:
            return [self._value(item, kind) for item in argument["list"]]
        return {name: self._value(item, kind) for name, item in argument["dict"].items()}

    def _find(self, reference: Mapping[str, Any]) -> Callable[..., Any]:
        named = FunctionReference(
            reference["module"],
            reference["name"],
            tuple(reference.get("arguments", ())),
            reference.get("keywords", {}),
        )
        found: Callable[..., Any] = find_function(named, self._files)
        return found

    def _output(self, name: str) -> Output[Any]:
        path = self._task / name
        path.mkdir()
        return Output(path)

    def _publish_value(self, returned: Any, component: str) -> Artifact:
        try:
            data = canonical_json(returned)
        except (TypeError, ValueError) as error:
            raise UserCodeError(
                f"{component} returned something that is not JSON: {error}",
                hint="return None, a bool, a finite number, a string, or a list or dict of these"
                " (float(x) for a NumPy number); write anything else to an Output",
            ) from None
        path = self._output("value").path
        (path / "value.json").write_bytes(data)
        return self._store.publish(path, Value)


def _properties(artifact: Artifact, name: str) -> dict[str, Any]:
    try:
        canonical_json(dict(artifact.properties))
    except (TypeError, ValueError) as error:
        raise UserCodeError(f"A property of output {name!r} is not JSON: {error}") from None
    return dict(artifact.properties)


def describe_error(error: BaseException, node: str, roots: list[str]) -> dict[str, Any]:
    """An error as plain data: the innermost place in the user's own code, and the trace from the function on."""
    source = error.__cause__ if isinstance(error, UserCodeError) and error.__cause__ else error
    frames = traceback.extract_tb(source.__traceback__)
    user = [frame for frame in frames if _is_users(frame.filename, roots)]
    place = f"{user[-1].filename}:{user[-1].lineno}" if user else None
    text = _cut(_trace(source, frames))
    if isinstance(error, TreadleError):
        fields = error.to_dict()
        where = fields["where"] if isinstance(fields["where"], dict) else {}
        fields["where"] = {"node": node, **({"file": place} if place else {}), **where}
        return {**fields, "traceback": text}
    return {
        "code": UserCodeError.code,
        "what": f"{node} raised {type(error).__name__}: {_cut(_said(error))}".removesuffix(": "),
        "where": {"node": node, **({"file": place} if place else {})},
        "hint": "fix the function and run again: what has succeeded is reused",
        "traceback": text,
    }


def _trace(error: BaseException, frames: Iterable[traceback.FrameSummary]) -> str:
    """A traceback with causes and groups, from the node's function on."""
    outer = [frame for frame in frames if os.path.dirname(frame.filename) != os.path.dirname(__file__)]
    try:
        told = traceback.TracebackException.from_exception(error)
        told.stack[:] = outer
        return "".join(told.format())
    except BaseException:  # of the user's own: __str__, __notes__, ...
        return "".join([*traceback.format_list(outer), f"{type(error).__name__}: {_said(error)}\n"])


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as failed:  # of the user's own __str__, a SystemExit included
        return f"(its text cannot be made: {type(failed).__name__})"


def _cut(text: str) -> str:
    """A long text without its middle: the lineage keeps it, and a person reads it."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - _LONGEST:,} characters left out ...]\n{text[-half:]}"


def _is_users(path: str, roots: list[str]) -> bool:
    if not is_users(path) or path.startswith("<"):
        return False
    return any(path.startswith(root + os.sep) for root in roots) or os.path.isabs(path)
