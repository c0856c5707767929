"""``treadle graph``: what a servable or a transform graph computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.cli._graph_project import project_command
from treadle.cli._output import emit_json, json_option, note
from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.graph import Box


@click.group(name="graph")
def command() -> None:
    """Look at the one graph."""


@command.command(name="show")
@click.argument("path", type=click.Path(path_type=Path), metavar="SERVABLE|GRAPH")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Draw it into this file.")
@json_option
def show(path: Path, page: Path | None, *, as_json: bool) -> int:
    """Show a servable (its fused ONNX graph), a transform graph (graph.json), or an ONNX file.

    One line for each thing that is computed, or a drawing in one HTML file that needs nothing else.
    """
    from treadle.files import write_text
    from treadle.graph import page_of, text_of

    boxes = _boxes(path)
    if page is not None:
        write_text(page, page_of(boxes, path.name or str(path.resolve().name)))
        note(f"Drawn: {page}")
    if as_json:
        fields = ("name", "title", "detail", "role", "sources")
        emit_json({"boxes": [{name: getattr(box, name) for name in fields} for box in boxes]})
    elif page is None:
        click.echo("\n".join(text_of(boxes)))
    return 0


command.add_command(project_command)


def _boxes(path: Path) -> list[Box]:
    from treadle.graph import boxes_of_model, boxes_of_nodes
    from treadle.transform import TransformGraph

    folder = path.parent if path.name == "graph.json" else path
    if (folder / "graph.json").is_file():
        return boxes_of_nodes(TransformGraph.load(folder).nodes)
    model = path / "model.onnx" if path.is_dir() else path
    if not model.is_file():
        raise UsageError(
            f"There is no graph at {path}.",
            hint="Give a servable's directory, a transform graph's directory, or an ONNX file.",
        )
    import onnx
    from google.protobuf.message import DecodeError

    try:
        loaded = onnx.load(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise UsageError(f"{model} is not an ONNX model.", hint="It may be damaged, or something else.") from error
    if not loaded.graph.output:
        raise UsageError(f"{model} is not an ONNX model.", hint="It may be damaged, or something else.")
    return boxes_of_model(loaded)
