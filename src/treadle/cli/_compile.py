"""``treadle compile``: a pipeline for an orchestrator that runs it elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click

from treadle.cli._output import emit_json, json_option, note
from treadle.errors import UsageError


@click.command("compile")
@click.argument("file", metavar="FILE.py[:NAME]")
@click.option("--backend", type=click.Choice(["kubeflow", "vertex"]), default="kubeflow", help="Who is to run it.")
@click.option("--image", required=True, help="The image for the nodes: Python, Treadle, and the project.")
@click.option("-o", "--output", metavar="FILE.yaml", help="Where to write it; standard output when not given.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a run-time parameter (JSON or text).")
@click.option("--parameter", "left_open", multiple=True, metavar="NAME", help="Ask for this parameter at each run.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable for every task, such as TREADLE_HOME.")
@click.option("--volume", multiple=True, metavar="CLAIM:PATH", help="Mount a persistent volume in every task.")
@click.option("--accelerator", metavar="TYPE", help="What gpu means there.")
@json_option
def command(
    file: str,
    backend: str,
    image: str,
    output: str | None,
    settings: tuple[str, ...],
    left_open: tuple[str, ...],
    env: tuple[str, ...],
    volume: tuple[str, ...],
    accelerator: str | None,
    *,
    as_json: bool,
) -> int:
    """Compile the pipeline in FILE.py to the YAML of Kubeflow Pipelines v2, which Vertex AI takes too.

    The image holds the project as it lies here, FILE.py at the same place below its working directory. Tasks share a
    store: a volume and PostgreSQL, or a bucket and PostgreSQL; see docs/backends.
    """
    from treadle.files import write_text
    from treadle.pipeline import load_pipeline, parse_settings
    from treadle.runner.backends.kubeflow import compile_pipeline

    with redirect_stdout(sys.stderr):  # the user's modules may print, and so does kfp
        pipeline = load_pipeline(file)
        compiled = compile_pipeline(
            pipeline,
            parse_settings(pipeline, settings),
            image=image,
            target=f"{_relative(pipeline.file)}:{pipeline.name}",
            left_open=left_open,
            environment=_pairs(env, "=", "--env NAME=VALUE"),
            volumes=_pairs(volume, ":", "--volume CLAIM:PATH"),
            accelerator=accelerator or ("NVIDIA_TESLA_T4" if backend == "vertex" else "nvidia.com/gpu"),
        )
    if output is None:
        if not as_json:
            click.echo(compiled.text, nl=False)
    else:
        write_text(output, compiled.text)
        note(f"{output}: {len(compiled.nodes)} nodes for {backend}")
    if as_json:
        emit_json({"pipeline": pipeline.name, "backend": backend, "nodes": list(compiled.nodes), "file": output})
    return 0


def _relative(path: Path | None) -> str:
    assert path is not None  # it was loaded from a file
    relative = os.path.relpath(path)
    if relative.startswith(os.pardir):
        raise UsageError(
            "The pipeline's file lies outside of the working directory",
            where={"file": path},
            hint="run this in the project's folder: it becomes the image's working directory",
        )
    return relative


def _pairs(texts: Sequence[str], sign: str, form: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, found, value = text.partition(sign)
        if not (name and found and value):
            raise UsageError(f"{text!r} is not {form}", where={"option": form.split(maxsplit=1)[0]}, hint=form)
        pairs[name] = value
    return pairs
