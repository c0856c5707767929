"""Compiled pipelines as files that are kept: `python tests/runner/kubeflow_golden.py` writes them anew."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from treadle.pipeline import load_pipeline
from treadle.runner.backends.kubeflow import compile_pipeline
from treadle.testing._backend_cases import CASES, HEAD

FOLDER = Path(__file__).with_name("golden") / "kubeflow"
EXAMPLE = Path(__file__).parents[2] / "examples" / "taxi"
SETTINGS = """
report = container(
    "report", image="registry.example/report@sha256:0123", command=["report", "{model}", "--out={page}", "--n={n}"],
    inputs={"model": Model}, outputs={"page": Artifact}, parameters={"n": int},
)

@component(retries=3, timeout=60, resources={"cpu": 2, "memory": "4GiB", "gpu": 1})
def heavy(file: Model, rate: float, tags: list, *, model: Output[Model]) -> None:
    pass

@component
def rows(model: Model) -> dict:
    return {}

@pipeline
def p(rate: float = 0.1, tags: list = [], name: str = "a"):
    made = heavy(write(name), rate, tags)
    report(made, number(3).value)
    with treadle.at_exit() as status:
        rows(made, resources={"memory": "1GiB"}, node="end")
"""
NAMES = (
    "values",
    "artifacts",
    "a condition that holds",
    "a loop",
    "loops in loops",
    "branches that meet",
    "some rounds only",
    "approval",
    "the end of a good run",
    "settings",
    "taxi",
)


def golden(name: str) -> Path:
    return FOLDER / f"{name.replace(' ', '_')}.yaml"


def compiled(name: str, folder: Path) -> str:
    """A pipeline's YAML without what only tells which kfp wrote it."""
    options: dict[str, Any] = {"environment": {"TREADLE_HOME": "/store"}, "target": "pipeline.py:p"}
    if name == "taxi":
        pipeline = load_pipeline(EXAMPLE / "pipeline.py")
        options |= {"target": "examples/taxi/pipeline.py:taxi", "left_open": ["first", "last"]}
    else:
        text = HEAD + textwrap.dedent(SETTINGS if name == "settings" else CASES[name].text)
        if name == "settings":
            text = text.replace("import treadle\n", "import treadle\nfrom treadle.components import container\n")
            options |= {"left_open": ["rate", "tags"], "volumes": {"models": "/store"}}
        (folder / "pipeline.py").write_text(text)
        for file, content in {} if name == "settings" else CASES[name].beside.items():
            (folder / file).write_text(content)
        pipeline = load_pipeline(f"{folder / 'pipeline.py'}:p")
    text = compile_pipeline(pipeline, image="registry.example/python-project@sha256:4567", **options).text
    return canonical(text)


def canonical(text: str) -> str:
    import yaml

    documents = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        document.pop("sdkVersion", None)
    return yaml.safe_dump_all(documents, sort_keys=True, width=120)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in NAMES if len(sys.argv) == 1 else sys.argv[1:]:
        with tempfile.TemporaryDirectory() as made:
            os.chdir(made)
            golden(name).write_text(compiled(name, Path(made)))
