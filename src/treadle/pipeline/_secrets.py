"""Passwords are refused before anything is recorded: what a pipeline is made of is kept in the store, and shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.config import secrets_of
from treadle.errors import UsageError
from treadle.pipeline._ir import PipelineIR


def check_secrets(ir: PipelineIR) -> None:
    """Refuse a password, token or signature in a URL, wherever it stands in a pipeline.

    Raises:
        UsageError: A parameter or an argument holds one; the error does not.
    """
    for name, value in ir.parameters.items():
        _check(value, {"pipeline": ir.name, "parameter": name})
    for node in ir.nodes.values():
        for name, argument in node.arguments.items():
            _check(argument.to_json(), {"pipeline": ir.name, "node": node.name, "line": node.line, "argument": name})
        if node.when is not None:  # it is told, and recorded, when it does not hold
            _check(node.when.to_json(), {"pipeline": ir.name, "node": node.name, "line": node.line})


def _check(value: Any, where: Mapping[str, object]) -> None:
    if any(secrets_of(text) for text in _texts(value)):
        raise UsageError(
            "A URL holds a password, and what a pipeline is given is kept in the store.",
            where=where,
            hint="In a URL of data write ${NAME} in its place, and set NAME in the environment of the run.",
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from map(str, value)
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
