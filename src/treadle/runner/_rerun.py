"""Running a past run again, to see whether it comes out the same to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treadle.errors import UsageError
from treadle.pipeline import NodeIR, Pipeline
from treadle.runner._attempts import Listener
from treadle.runner._diff import Difference, NodeDifference, compare
from treadle.runner._earlier import LAST, done_in, find_run, parameters_of
from treadle.runner._run import run as run_pipeline
from treadle.runner._select import Selection
from treadle.runner._why import history

Outcome: TypeAlias = Literal["reproduced", "different", "changed", "taken", "failed"]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A past run and the same again."""

    difference: Difference
    nodes: Mapping[str, Outcome]
    """``reproduced``: the same from the same; ``different``: something else from the same, so the node is not
    reproducible; ``changed``: it was made from something else; ``taken``: a node that runs every time has effects, so
    its results were taken; ``failed``: it did not run to its end."""

    @property
    def reproduced(self) -> bool:
        """Whether every node that ran made the same from the same."""
        return all(outcome in ("reproduced", "taken") for outcome in self.nodes.values())

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "run": self.difference.after,
            "of": self.difference.before,
            "reproduced": self.reproduced,
            "nodes": {
                name: {"outcome": outcome, **self.difference.nodes[name].to_json()}
                for name, outcome in self.nodes.items()
            },
        }


def rerun(
    pipeline: Pipeline,
    run: str = LAST,
    *,
    home: Path | None = None,
    on_event: Listener | None = None,
    workers: int | None = None,
) -> Reproduction:
    """Run every node of a past run again, with its parameters, and compare what they make by digest.

    Nodes that run every time (``cache=False``) have effects, which are not repeated: what they made is taken.

    Args:
        pipeline: The pipeline, as it is now.
        run: The run's id; ``last``: the newest of this pipeline.
        home: The store's folder; `treadle.config.home` when not given.
        on_event: Called, in the calling thread, as things happen.
        workers: How many nodes of one core may run at once.

    Raises:
        UsageError: When there is no such run, or nothing of it ended well.
    """
    with history(home) as metadata:
        record = find_run(metadata, run, pipeline=pipeline.name)
        done = done_in(metadata, record.id)
    parameters = parameters_of(record)
    nodes = pipeline.compile(parameters).nodes
    again = tuple(name for name in done if (node := _placed(name, nodes)) is not None and node.cache)
    if not again:
        raise UsageError("Nothing of the run can be run again", where={"run": record.id}, hint="treadle status RUN")
    result = run_pipeline(
        pipeline,
        parameters,
        home=home,
        on_event=on_event,
        workers=workers,
        selection=Selection(only=again),
        base=record.id,
        reuse=False,
    )
    with history(home) as metadata:
        difference = compare(metadata, record, find_run(metadata, result.id))
    return Reproduction(difference, {name: _outcome(difference.nodes[name]) for name in result.nodes})


def _placed(name: str, nodes: Mapping[str, NodeIR]) -> NodeIR | None:
    """A node as it was placed, for the name of a round too; None when it is not there any more."""
    while name and name not in nodes:
        name = name.rpartition(".")[0]
    return nodes.get(name)


def _outcome(node: NodeDifference) -> Outcome:
    if node.after == "cached":
        return "taken"
    if node.after != "ran":
        return "failed"
    if node.changes:
        return "changed"
    return "different" if node.results else "reproduced"
