"""What a run in a notebook hands back: outputs by name, and something to look at."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from treadle.artifact import Artifact
from treadle.errors import UsageError
from treadle.notebook._markup import Raw, fold, state
from treadle.runner import NodeResult, RunResult


class NodeOutcome:
    """A node that was run: its outputs are its attributes and items, its returned value is ``value``.

    It may be given to another component itself, when it has one output.
    """

    def __init__(self, result: NodeResult) -> None:
        self.result = result

    def __getitem__(self, output: str) -> Any:
        if output == "value" and "value" in self.result.outputs:
            return self.result.value
        try:
            return self.result.outputs[output]
        except KeyError:
            raise UsageError(
                f"Node {self.result.name!r} has no output {output!r}",
                hint=f"it has {', '.join(self.result.outputs) or 'none'}",
            ) from None

    def __getattr__(self, output: str) -> Any:
        if output.startswith("_"):
            raise AttributeError(output)
        try:
            return self[output]
        except UsageError as error:
            raise AttributeError(str(error)) from None

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self.result.outputs]

    def only(self) -> Artifact:
        """The output of a node that has exactly one.

        Raises:
            UsageError: When it has none or several.
        """
        if len(self.result.outputs) != 1:
            names = ", ".join(f"{self.result.name}.{name}" for name in self.result.outputs)
            raise UsageError(
                f"Node {self.result.name!r} has {len(self.result.outputs) or 'no'} outputs",
                hint=f"name one: {names}" if names else None,
            )
        return next(iter(self.result.outputs.values()))

    def __repr__(self) -> str:
        outputs = ", ".join(f"{name}: {artifact.type_name}" for name, artifact in self.result.outputs.items())
        return f"<{self.result.name} {self.result.state} ({self.result.reason}) {outputs}>"

    def _repr_html_(self) -> str:
        return self.html(is_open=len(self.result.outputs) == 1)

    def html(self, *, is_open: bool = False) -> Raw:
        """The outputs, each behind its name."""
        result = self.result
        title = f"<p><b>{escape(result.name)}</b> {state(result.state)} <small>{escape(result.reason)}</small></p>"
        parts = [
            fold(f"{escape(name)} <small>{escape(found.type_name)}</small>", found._repr_html_(), is_open=is_open)
            for name, found in result.outputs.items()
        ]
        return Raw(title + "".join(parts))


class RunOutcome:
    """A pipeline that was run: ``outcome["train"].model`` is an output of a node."""

    def __init__(self, result: RunResult) -> None:
        self.result = result

    def __getitem__(self, node: str) -> NodeOutcome:
        try:
            return NodeOutcome(self.result.nodes[node])
        except KeyError:
            raise UsageError(f"The run has no node {node!r}", hint=f"it has {', '.join(self.result.nodes)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.result.nodes)

    def __repr__(self) -> str:
        return f"<run {self.result.id} {self.result.state}>"

    def _repr_html_(self) -> str:
        parts = [
            fold(f"<b>{escape(name)}</b> {state(node.state)}", NodeOutcome(node).html())
            for name, node in self.result.nodes.items()
            if node.outputs
        ]
        return f"<p>run {escape(self.result.id)} {state(self.result.state)}</p>{''.join(parts)}"
