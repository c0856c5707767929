"""A for-each, written out: the nodes of its body once for each item, wired as if somebody had placed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treadle.errors import PipelineError
from treadle.pipeline._ir import Argument, Constant, DictOf, Each, Given, Item, ListOf, NodeIR, OneOf, Wire


def loops(nodes: Mapping[str, NodeIR]) -> dict[str, Each]:
    """The loops that can be written out next, by name: those that are in no other."""
    chains = (node.loops() for node in nodes.values())
    return {chain[0].name: chain[0] for chain in chains if chain}


def known_items(source: Argument) -> list[Argument] | None:
    """The items of a loop's source when they are known before anything runs; None when only the run will tell.

    Raises:
        PipelineError: When the source is no list.
    """
    if isinstance(source, Wire | Given):
        return None
    if isinstance(source, ListOf):
        return list(source.items)
    value = source.value if isinstance(source, Constant) else source
    return items_of(value)


def items_of(value: Any) -> list[Argument]:
    """The items of a list as arguments.

    Raises:
        PipelineError: When it is no list.
    """
    if not isinstance(value, list | tuple):
        raise PipelineError(f"for_each goes through a list, not {value!r}", hint="return a list from the component")
    return [Constant(item) for item in value]


def expand(nodes: Mapping[str, NodeIR], loop: str, items: Sequence[Argument]) -> dict[str, NodeIR]:
    """The nodes with one loop written out: ``fit`` becomes ``fit.0``, ``fit.1``, ...

    Nodes outside the loop that took an output of its body take the list of all copies' outputs. With a limit, a copy
    waits until the copy that many places before it has ended, however it ended. A loop inside becomes a loop for each
    copy, to be written out in its turn.
    """
    body = {name: node for name, node in nodes.items() if loop in [each.name for each in node.loops()[:1]]}
    copies = {name: [f"{name}.{number}" for number in range(len(items))] for name in body}
    written: dict[str, NodeIR] = {}
    for name, node in nodes.items():
        if name not in body:
            written[name] = _outside(node, copies)
            continue
        limit = node.loops()[0].parallelism
        for number, item in enumerate(items):
            before = [] if limit is None or number < limit else [copy[number - limit] for copy in copies.values()]
            written[f"{name}.{number}"] = _copy(node, number, item, set(body), before)
    return written


def _copy(node: NodeIR, number: int, item: Argument, body: set[str], before: list[str]) -> NodeIR:
    outermost, *inner = node.loops()

    def change(leaf: Any) -> Any:
        if isinstance(leaf, Item):
            if leaf.loop == outermost.name:
                return _pick(item, leaf.path)
            return replace(leaf, loop=f"{leaf.loop}.{number}")
        if isinstance(leaf, Wire) and leaf.node in body:
            return replace(leaf, node=f"{leaf.node}.{number}")
        return leaf

    def rename(names: Sequence[str]) -> list[str]:
        return [f"{name}.{number}" if name in body else name for name in names]

    each: Each | None = None
    for loop in inner:
        each = Each(f"{loop.name}.{number}", _changed(loop.source, change), loop.parallelism, each)
    return replace(
        node,
        name=f"{node.name}.{number}",
        arguments={name: _changed(argument, change) for name, argument in node.arguments.items()},
        after=tuple(rename(node.after)),
        settles=(*rename(node.settles), *before),
        when=None if node.when is None else node.when.replace(change),
        each=each,
    )


def _outside(node: NodeIR, copies: Mapping[str, list[str]]) -> NodeIR:
    def change(leaf: Any) -> Any:
        if isinstance(leaf, Wire) and leaf.node in copies:
            return ListOf(tuple(replace(leaf, node=copy) for copy in copies[leaf.node]), gathered=True)
        if isinstance(leaf, OneOf) and leaf.options[0].node in copies:  # then all of them are
            rounds = zip(*(change(option).items for option in leaf.options), strict=True)
            return ListOf(tuple(map(OneOf, rounds)), gathered=True)
        return leaf

    def rename(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(copy for name in names for copy in copies.get(name, [name]))

    each: Each | None = None
    for loop in node.loops():
        each = replace(loop, source=_changed(loop.source, change), outer=each)
    return replace(
        node,
        arguments={name: _changed(argument, change) for name, argument in node.arguments.items()},
        after=rename(node.after),
        settles=rename(node.settles),
        each=each,
    )


def _changed(argument: Argument, change: Callable[[Any], Any]) -> Argument:
    if isinstance(argument, ListOf):
        items = [_changed(item, change) for item in argument.items]
        if argument.gathered:
            items = [part for item in items for part in (item.items if isinstance(item, ListOf) else (item,))]
        return ListOf(tuple(items), argument.gathered)
    if isinstance(argument, OneOf):
        made = change(argument)
        return OneOf(tuple(change(option) for option in made.options)) if isinstance(made, OneOf) else made
    if isinstance(argument, DictOf):
        return DictOf({name: _changed(item, change) for name, item in argument.items.items()})
    changed: Argument = change(argument)
    return changed


def fill(node: NodeIR, change: Callable[[Any], Any]) -> NodeIR:
    """The node with every leaf of its arguments and its condition changed."""
    return replace(
        node,
        arguments={name: _changed(value, change) for name, value in node.arguments.items()},
        when=None if node.when is None else node.when.replace(change),
    )


def _pick(item: Argument, path: tuple[str | int, ...]) -> Argument:
    if not path:
        return item
    if isinstance(item, Wire):
        return replace(item, path=(*item.path, *path))
    if isinstance(item, DictOf):
        return _pick(item.items[str(path[0])], path[1:])
    if isinstance(item, ListOf):
        return _pick(item.items[int(path[0])], path[1:])
    assert isinstance(item, Constant)
    return Constant(picked(item.value, path))


def picked(value: Any, path: Sequence[str | int]) -> Any:
    """What lies at a path inside a JSON value.

    Raises:
        PipelineError: When there is nothing there.
    """
    found = value
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError) as error:
            raise PipelineError(
                f"There is nothing at {step!r}",
                where={"path": ".".join(map(str, path)), "value": repr(value)[:100]},
                hint=f"it has {', '.join(map(str, found))}" if isinstance(found, dict) and found else None,
            ) from error
    return found
