"""Which node of which run a component's function is being called for."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A node that is running."""

    run: str
    node: str


_CONTEXT: ContextVar[NodeContext | None] = ContextVar("treadle_node", default=None)


def current_node() -> NodeContext | None:
    """The node that is running; None when a component is called plainly.

    What depends on it must not be in a node's outputs: it is not in the fingerprint.
    """
    return _CONTEXT.get()


def set_current_node(run: str, node: str) -> None:
    """Say which node this process runs. Called once, by the process of a node."""
    _CONTEXT.set(NodeContext(run, node))
