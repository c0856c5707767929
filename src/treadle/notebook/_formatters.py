"""What of other rooms is worth a picture in a notebook: pipelines, plans and runs."""

from __future__ import annotations

from html import escape
from typing import Any

from treadle.errors import TreadleError
from treadle.notebook._markup import COLORS, Raw, frame, table
from treadle.notebook._outcome import RunOutcome
from treadle.pipeline import NodeIR, Pipeline
from treadle.runner import Plan, RunResult

_HEIGHT = 360
_PLANNED = {
    "run": "ran",
    "cached": "cached",
    "skipped": "skipped",
    "depends": "waiting",
    "taken": "cached",
    "missing": "failed",
}


def register(shell: Any) -> None:
    """Make a notebook show them."""
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(Pipeline, show_pipeline)
    html.for_type(Plan, show_plan)
    html.for_type(RunResult, lambda result: RunOutcome(result)._repr_html_())


def show_pipeline(pipeline: Pipeline) -> str:
    """Its nodes and wires, as they are with the default parameters."""
    from treadle.graph import Box, page_of

    try:
        nodes = pipeline.compile().nodes
    except TreadleError as error:
        return f"<p><b>{escape(pipeline.name)}</b> {escape(error.what)}</p>"
    feeds = {up for node in nodes.values() for up in node.upstream()}
    boxes = [Box(name, name, _about(node), _role(node, feeds), tuple(node.upstream())) for name, node in nodes.items()]
    return frame(page_of(boxes, pipeline.name), _HEIGHT)


def show_plan(plan: Plan) -> str:
    """What would be done about each node, and why."""
    rows = [
        [name, Raw(f'<span style="color:{COLORS[_PLANNED[node.state]]}">{node.state}</span>'), node.reason]
        for name, node in plan.nodes.items()
    ]
    return f"<p><b>{escape(plan.pipeline)}</b></p>{table(['node', '', ''], rows)}"


def _about(node: NodeIR) -> str:
    return ("" if node.when is None else f"when {node.when}") or ", ".join(node.outputs.values())


def _role(node: NodeIR, feeds: set[str]) -> str:
    if not node.upstream():
        return "input"
    return "step" if node.name in feeds else "output"
