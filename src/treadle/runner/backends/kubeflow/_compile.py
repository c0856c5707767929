"""A pipeline as the YAML of Kubeflow Pipelines v2, which Vertex AI takes too.

Each node is a task that runs Treadle's entry point (`_entry`) in an image; conditions, loops and the end of the run are
Kubeflow's, so that they are seen in its pages. See docs/adr/0049.
"""

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treadle.artifact import canonical_json, digest_bytes
from treadle.errors import MissingDependencyError, UnsupportedByBackendError, UsageError
from treadle.pipeline import Pipeline, PipelineIR
from treadle.runner.backends.kubeflow._tasks import Surroundings, parameter_type

REFUSES: Mapping[str, str] = {
    "named resources": "Kubeflow knows cpu, memory and gpu; limits of other things are for runs on one machine",
}
"""What cannot be had on Kubeflow, and why: pipelines that ask for it do not compile."""
_KNOWN = ("cpu", "memory", "gpu")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline for Kubeflow."""

    text: str
    """YAML; the same for the same pipeline."""
    nodes: tuple[str, ...]
    """Its nodes."""


def compile_pipeline(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None = None,
    *,
    image: str,
    target: str | None = None,
    left_open: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    volumes: Mapping[str, str] | None = None,
    accelerator: str = "nvidia.com/gpu",
) -> Compiled:
    """Compile a pipeline for Kubeflow Pipelines v2.

    Args:
        pipeline: The pipeline.
        parameters: Values of its run-time parameters; of those that are left open, their defaults there.
        image: The image that every node runs in: Python, Treadle, the project in its working directory.
        target: ``FILE.py:NAME`` in the image, relative to its working directory; the file's name when not given.
        left_open: Parameters that Kubeflow asks for when a run is started.
        environment: Variables for every task, such as ``TREADLE_HOME``.
        volumes: Claims of persistent volumes, and where to mount them in every task.
        accelerator: What ``gpu`` means there; on Vertex AI a type such as ``NVIDIA_TESLA_T4``.

    Raises:
        PipelineError: When the pipeline does not compile.
        UnsupportedByBackendError: When it asks for something in `REFUSES`.
        UsageError: When there is no file that an image could hold.
        MissingDependencyError: When kfp is not installed.
    """
    if pipeline.file is None and target is None:
        raise UsageError("The pipeline was written in no file, so no image can hold it", hint="save it as a module")
    given = dict(parameters or {})
    ir = pipeline.compile(given, left_open=left_open)
    refuse(ir)
    types = pipeline.parameter_types()
    around = Surroundings(
        image=image,
        environment=dict(environment or {}),
        arguments=[
            *("--target", target or f"{_name(pipeline)}:{pipeline.name}"),
            *("--set", json.dumps(dict(ir.parameters), sort_keys=True)),
            *(["--left-open", ",".join(sorted(left_open))] if left_open else []),
            *("--digest", structure_digest(ir, pipeline.folder)),
            *("--run", "{{$.pipeline_job_uuid}}"),
            *("--executor-input", "{{$}}"),
        ],
        parameters={name: types[name] for name in sorted(left_open)},
        volumes=dict(volumes or {}),
        accelerator=accelerator,
    )
    defaults = {name: given.get(name, _default(pipeline, name)) for name in around.parameters}
    return Compiled(_text(pipeline, ir, around, defaults), tuple(ir.nodes))


def structure_digest(ir: PipelineIR, project: Path | None) -> str:
    """A digest of what a compiled pipeline consists of; not of where in its file it is written, or where that lies."""
    nodes = []
    for node in ir.nodes.values():
        told = {name: value for name, value in node.to_json().items() if name != "line"}
        told["when"] = None if node.when is None else node.when.to_json()
        told["each"] = None if node.each is None else node.each.to_json()
        nodes.append(told)
    text = canonical_json([ir.name, dict(ir.parameters), nodes])
    return digest_bytes(text if project is None else text.replace(str(project).encode(), b"<project>"))


def refuse(ir: PipelineIR) -> None:
    """Refuse what Kubeflow has not.

    Raises:
        UnsupportedByBackendError: With the feature, the node and its line.
    """
    for node in ir.nodes.values():
        if named := sorted(set(node.settings.resources) - set(_KNOWN)):
            feature = "named resources"
            raise UnsupportedByBackendError(
                f"{node.name!r} takes {', '.join(named)}",
                where={"backend": "kubeflow", "feature": feature, "node": node.name, "line": node.line},
                hint=REFUSES[feature],
            )


def _name(pipeline: Pipeline) -> str:
    assert pipeline.file is not None
    return pipeline.file.name


def _default(pipeline: Pipeline, name: str) -> Any:
    return inspect.signature(pipeline.function).parameters[name].default


def _text(pipeline: Pipeline, ir: PipelineIR, around: Surroundings, defaults: Mapping[str, Any]) -> str:
    try:
        from kfp import compiler, dsl
    except ImportError as error:
        raise MissingDependencyError(
            "Compiling for Kubeflow needs kfp", hint='install it: pip install "treadle[kubeflow]"'
        ) from error
    from treadle.runner.backends.kubeflow._build import Builder

    files = {pipeline.module: pipeline.file} if pipeline.file else {}
    kinds = {"Integer": int, "Float": float, "Boolean": bool, "List": list, "Dict": dict, "String": str}
    signature = inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=kinds[parameter_type(annotation)],
                default=_shown(defaults[name], annotation),
            )
            for name, annotation in _required_first(around.parameters, defaults)
        ]
    )

    def whole(*given: Any, **named: Any) -> None:
        Builder(ir, around, files, dict(signature.bind(*given, **named).arguments)).build()

    whole.__name__ = pipeline.name
    whole.__doc__ = inspect.cleandoc(pipeline.function.__doc__ or "")
    whole.__signature__ = signature  # type: ignore[attr-defined]
    whole.__annotations__ = {}
    made = dsl.pipeline(name=pipeline.name.replace("_", "-").lower())(whole)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(made, str(path))
        return path.read_text(encoding="utf-8")


def _required_first(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(parameters.items(), key=lambda entry: defaults[entry[0]] is not inspect.Parameter.empty)


def _shown(default: Any, annotation: Any) -> Any:
    """A default as Kubeflow takes it: JSON in a text where it has no type for it."""
    if default is inspect.Parameter.empty or annotation is str or parameter_type(annotation) != "String":
        return default
    return json.dumps(default)
