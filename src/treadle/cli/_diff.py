"""``treadle diff``: what differs between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option

if TYPE_CHECKING:
    from treadle.runner import Difference, NodeDifference


@click.command("diff")
@click.argument("before", metavar="[RUN]", default="last")
@click.argument("after", metavar="[RUN]", default="last")
@json_option
def command(before: str, after: str, *, as_json: bool) -> int:
    """Say what differs between two runs: code, data, parameters, packages, results.

    One RUN (an id, or "last") is compared with the newest; the newest, also without any RUN, with the one before it.
    """
    from treadle.runner import diff

    found = diff(before, after)
    if as_json:
        emit_json(found.to_json())
    else:
        _show(found)
    return 0


def _show(found: Difference) -> None:
    for change in found.parameters:
        click.echo(f"parameter {change}")
    for node in found.nodes.values():
        if not node.same:
            show_node(node)
    same = [node for node in found.nodes.values() if node.same]
    click.echo(f"{len(same)} of {len(found.nodes)} nodes are the same in {found.before} and {found.after}.")


def show_node(node: NodeDifference) -> None:
    """What differs in one node."""
    click.echo(f"{node.node}: {node.before or 'was not there'} -> {node.after or 'not there'}")
    for kind in ("parameters", "data", "code", "packages"):
        for change in node.of_kind(kind):
            click.echo(f"  {kind}: {change}")
    for name, (old, new) in node.results.items():
        click.echo(f"  results: {name} {(old or 'none')[:19]} -> {(new or 'none')[:19]}")
