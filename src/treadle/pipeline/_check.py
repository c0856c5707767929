"""Whether nodes form a graph that can run: nothing missing, no circle, nothing that can never be reached."""

from __future__ import annotations

from collections.abc import Mapping

from treadle.errors import PipelineError
from treadle.pipeline._condition import Condition, contradiction, facts
from treadle.pipeline._ir import NodeIR, OneOf, Wire, leaves


def check_graph(nodes: Mapping[str, NodeIR]) -> None:
    """Refuse a graph that cannot run.

    Raises:
        PipelineError: When a node takes what no node makes, waits for itself, or can never be reached.
    """
    for node in nodes.values():
        _check_wires(node, nodes)
    known: dict[str, frozenset[Condition]] = {}
    for name in order(nodes):
        known[name] = _known(nodes[name], known)
        _check_reachable(nodes[name], known[name])


def order(nodes: Mapping[str, NodeIR]) -> list[str]:
    """The names, each after those it waits for; as placed where that leaves a choice.

    Raises:
        PipelineError: When there is no such order.
    """
    done: dict[str, None] = {}
    for name in nodes:
        path = {} if name in done else {name: iter(nodes[name].before())}
        while path:  # a stack of its own: a pipeline may be longer than Python's
            last = next(reversed(path))
            up = next((each for each in path[last] if each not in done), None)
            if up is None:
                path.popitem()
                done[last] = None
            elif up in path:
                raise _circle([*path, up], nodes)
            else:
                path[up] = iter(nodes[up].before())
    return list(done)


def _circle(path: list[str], nodes: Mapping[str, NodeIR]) -> PipelineError:
    name = path[-1]
    circle = path[path.index(name) :]
    return PipelineError(
        f"Nodes wait for each other: {' <- '.join(circle)}",
        where={"node": name, "line": nodes[name].line},
        hint="what runs at the end of the run can feed nothing that runs before"
        if any(nodes[part].at_exit for part in circle)
        else "take one of these wires away",
    )


def _check_wires(node: NodeIR, nodes: Mapping[str, NodeIR]) -> None:
    where = {"node": node.name, "line": node.line}
    for name in node.before():
        if name not in nodes:
            raise PipelineError(
                f"{node.name!r} waits for {name!r}, which is no node of this pipeline",
                where=where,
                hint=f"there are {', '.join(nodes)}",
            )
    for argument in node.arguments.values():
        for leaf in leaves(argument):
            for wire in leaf.options if isinstance(leaf, OneOf) else (leaf,):
                if isinstance(wire, Wire) and wire.output not in nodes[wire.node].outputs:
                    raise PipelineError(f"Node {wire.node!r} has no output {wire.output!r}", where=where)


def _check_reachable(node: NodeIR, known: frozenset[Condition]) -> None:
    clash = contradiction(known)
    if clash is not None:
        raise PipelineError(
            f"{node.name!r} can never run: it needs {clash[0]} and also {clash[1]}",
            where={"node": node.name, "line": node.line},
            hint="take its inputs from one branch only",
        )


def _known(node: NodeIR, before: Mapping[str, frozenset[Condition]]) -> frozenset[Condition]:
    """Every condition that must hold for a node to run: its own and those of the nodes before it."""
    own = frozenset() if node.when is None else facts(node.when)
    return own.union(*(before[up] for up in node.upstream()))
