"""One task of a compiled pipeline: an image, what it is told, what goes in and out as Kubeflow sees it.

Artifacts in Kubeflow are small files that name Treadle's own by digest, so that they are seen in its pages; a value
that is a number, a text or a truth is a Kubeflow parameter. The data is in Treadle's store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.pipeline import Component, NodeIR, NodeSettings

STATE, CONTROL = "node_state", "Output"
"""Outputs of every task, and of tasks that steer others; kfp's own runner looks for the second by this name."""
_SCALARS = {int: "Integer", float: "Float", str: "String", bool: "Boolean"}
_PARAMETERS = {**_SCALARS, list: "List", dict: "Dict"}
_TYPES = {"Model": "Model", "Servable": "Model", "Examples": "Dataset", "TransformedExamples": "Dataset"}
# kfp's local runner runs what names its executor; Treadle's entry point takes the executor's place.
_COMMAND = ["sh", "-c", 'exec python3 -m treadle.runner.backends.kubeflow "$@" # for kfp.dsl.executor_main', "treadle"]
_MIB = 2**20


@dataclass(frozen=True)
class Surroundings:
    """What all tasks of a pipeline are told."""

    image: str
    environment: Mapping[str, str]
    arguments: Sequence[str]
    parameters: Mapping[str, Any]
    """The run-time parameters that are left open, and their annotations."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Claims of volumes, and where they are mounted."""
    accelerator: str = "nvidia.com/gpu"


@dataclass
class Task:
    """What a task is made from."""

    name: str
    arguments: list[str]
    inputs: dict[str, Any] = field(default_factory=dict)
    """Specifications of inputs, by name."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Types of outputs, by name."""
    given: dict[str, Any] = field(default_factory=dict)
    """What is given to the inputs."""


def parameter_type(annotation: Any) -> str:
    """Kubeflow's type for a run-time parameter; what it has no type for is a text that holds JSON."""
    return _PARAMETERS.get(annotation, "String")


def is_json_parameter(annotation: Any) -> bool:
    """Whether a run-time parameter is a text that holds JSON."""
    return annotation is not str and parameter_type(annotation) == "String"


def output_types(node: NodeIR, component: Component) -> dict[str, str]:
    """Kubeflow's types for what a node makes."""
    types = {}
    for name, kind in node.outputs.items():
        scalar = _SCALARS.get(component.signature.returns) if name == "value" else None
        types[name] = scalar or artifact_type(kind)
    return types


def artifact_type(kind: str) -> str:
    """Kubeflow's type for a type of artifact."""
    return f"system.{_TYPES.get(kind, 'Artifact')}@0.0.1"


def is_artifact(kind: str) -> bool:
    """Whether a type is an artifact's, not a parameter's."""
    return kind.startswith("system.")


def component_of(task: Task, around: Surroundings) -> Any:
    """A Kubeflow component that starts Treadle in its image."""
    from kfp.dsl import structures

    inputs = dict(task.inputs)
    for name, annotation in around.parameters.items():
        inputs[f"parameter_{name}"] = structures.InputSpec(type=parameter_type(annotation))
    return made(
        task.name,
        around.image,
        command=_COMMAND,
        arguments=[*task.arguments, *around.arguments],
        environment=around.environment,
        inputs=inputs,
        outputs=task.outputs,
    )


def program(
    name: str, program: Mapping[str, Any], inputs: Mapping[str, str], texts: Sequence[str], outputs: Mapping[str, str]
) -> Any:
    """A Kubeflow component for a program in an image of its own.

    The shell makes the folders for what comes out, which Treadle makes where it runs the image itself.
    """
    from kfp.dsl import structures

    places = {name: f"{{{{$.inputs.artifacts['{name}'].path}}}}" for name in inputs}
    places |= {name: f"{{{{$.inputs.parameters['{name}']}}}}" for name in texts}
    folders = {name: f"{{{{$.outputs.artifacts['{name}'].path}}}}" for name in outputs}
    script = " && ".join([*(f'mkdir -p "{folder}"' for folder in folders.values()), 'exec "$@"'])
    return made(
        name,
        program["image"],
        command=["sh", "-c", script, "sh"],
        arguments=[part.format(**places, **folders) for part in program["command"]],
        environment={},
        inputs={
            **{name: structures.InputSpec(type=kind) for name, kind in inputs.items()},
            **{name: structures.InputSpec(type="String") for name in texts},
        },
        outputs=outputs,
    )


def made(
    name: str,
    image: str,
    *,
    command: Sequence[Any],
    arguments: Sequence[Any],
    environment: Mapping[str, str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
) -> Any:
    """A Kubeflow component that runs a command in an image."""
    from kfp.dsl import container_component_class, structures

    specification = structures.ComponentSpec(
        name=name.replace(".", "-").replace("_", "-"),
        inputs=dict(inputs) or None,
        outputs={output: structures.OutputSpec(type=kind) for output, kind in outputs.items()} or None,
        implementation=structures.Implementation(
            container=structures.ContainerSpecImplementation(
                image=image, command=list(command), args=list(arguments), env=dict(environment) or None
            )
        ),
    )
    return container_component_class.ContainerComponent(specification, lambda: None)


def configure(task: Any, settings: NodeSettings, around: Surroundings) -> None:
    """Say how a task is to be run. Its results are never Kubeflow's to reuse: Treadle looks in its own store."""
    task.set_caching_options(False)
    if settings.retries:  # the longest is of all attempts together, and an hour is the most that Kubeflow takes
        task.set_retry(settings.retries, backoff_duration="1s", backoff_factor=2.0, backoff_max_duration="3600s")
    resources = settings.resources
    if cpu := resources.get("cpu"):
        task.set_cpu_request(f"{cpu:g}").set_cpu_limit(f"{cpu:g}")
    if memory := resources.get("memory"):
        text = f"{int(memory) // _MIB}Mi" if memory % _MIB == 0 else f"{-(-int(memory) // 1024)}Ki"
        task.set_memory_request(text).set_memory_limit(text)
    if gpus := resources.get("gpu"):
        task.set_accelerator_type(around.accelerator).set_accelerator_limit(int(gpus))
    if around.volumes:
        task.platform_config["kubernetes"] = {
            "pvcMount": [
                {
                    "constant": claim,
                    "mountPath": path,
                    "pvcNameParameter": {"runtimeValue": {"constant": claim}},
                }
                for claim, path in around.volumes.items()
            ]
        }
