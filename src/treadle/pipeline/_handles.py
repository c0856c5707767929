"""What a component returns inside a pipeline function: promises, not values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from treadle.artifact import Artifact
from treadle.errors import PipelineError


class _Promise:
    """Refuses to be used as a value: there is none until the pipeline runs."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise PipelineError(
            f"{self} has no value while the pipeline is being compiled",
            hint="give it to another component, which will see the value when it runs",
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __iter__(self) -> Iterator[object]:
        self._refuse()


@dataclass(frozen=True, slots=True, eq=False)
class OutputHandle(_Promise):
    """An output of a node, to be given to other components."""

    node: str
    name: str
    type: type[Artifact]

    def __str__(self) -> str:
        return f"output {self.name!r} of node {self.node!r}"


class NodeHandle(_Promise):
    """A node in a pipeline: its outputs are its attributes and items."""

    __slots__ = ("_name", "_outputs")

    def __init__(self, name: str, outputs: Mapping[str, type[Artifact]]) -> None:
        self._name = name
        self._outputs = {output: OutputHandle(name, output, kind) for output, kind in outputs.items()}

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
