"""Components whose work is a program in a container image."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Output
from treadle.errors import ComponentError, ContainerError
from treadle.pipeline import Component

_PROGRAMS = ("docker", "podman")


def container(
    name: str,
    *,
    image: str,
    command: Sequence[str],
    inputs: Mapping[str, type[Artifact]] | None = None,
    outputs: Mapping[str, type[Artifact]] | None = None,
    parameters: Mapping[str, type] | None = None,
    cache: bool = True,
    retries: int = 0,
    timeout: float | None = None,
    resources: Mapping[str, float | str] | None = None,
) -> Component:
    """Declare a component that is a program in a container image.

    Bind it at the top level of a module: ``report = container("report", image=..., command=[...])``.

    In the command ``{name}`` stands for the folder of an input or output inside the container, or for a parameter
    (a text as it is, anything else as JSON); ``{{`` and ``}}`` are braces. Inputs are mounted read-only. Docker runs
    it, or Podman where there is no Docker; the image is what its name says, so name it by digest
    (``image@sha256:...``) where the same name may come to mean other bytes: the name is what counts in the fingerprint.

    Args:
        name: The component's name; bind it to a name at the top level of a module.
        image: The image.
        command: The program and its arguments.
        inputs: Names and types of artifacts it reads.
        outputs: Names and types of artifacts it writes; what is in the folder when it ends is the artifact.
        parameters: Names and types of JSON values.
        cache: As for `treadle.component`, like what follows.
        retries: Further attempts.
        timeout: Seconds.
        resources: What it takes of the machine.

    Raises:
        ComponentError: When the command names what is not declared, or one name is declared twice.
    """
    groups = [dict(inputs or {}), dict(outputs or {}), dict(parameters or {})]
    names = [key for group in groups for key in group]
    if len(set(names)) < len(names):
        raise ComponentError("One name is declared twice", where={"component": name})
    if isinstance(command, str) or not all(isinstance(part, str) for part in command):
        raise ComponentError(
            f"The command is a list of texts, not {command!r}",
            where={"component": name},
            hint='["sh", "-c", "..."] for what a shell is to read',
        )
    try:
        for part in command:
            part.format(**dict.fromkeys(names, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ComponentError(
            f"The command names what is not declared: {error}",
            where={"component": name, "command": list(command)},
            hint=f"there are {', '.join(names) or 'none'}",
        ) from error
    given_inputs, given_outputs, given_parameters = groups

    def run(**given: Any) -> None:
        run_container(name, image, list(command), given)

    annotations: dict[str, Any] = {
        **given_inputs,
        **{key: Output[kind] for key, kind in given_outputs.items()},  # type: ignore[valid-type]
        **given_parameters,
    }
    run.__name__ = run.__qualname__ = name
    run.__module__ = inspect.stack()[1].frame.f_globals["__name__"]
    run.__annotations__ = {**annotations, "return": None}
    run.container = {"image": image, "command": list(command)}  # type: ignore[attr-defined]  # for backends with their own
    keyword = inspect.Parameter.KEYWORD_ONLY
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(key, keyword, annotation=kind) for key, kind in annotations.items()]
    )
    return Component(run, cache=cache, retries=retries, timeout=timeout, resources=resources)


def run_container(name: str, image: str, command: Sequence[str], given: Mapping[str, Any]) -> None:
    """Run a command in an image, with the given artifacts mounted.

    Raises:
        ContainerError: When there is no program that runs containers, or the command fails.
    """
    program = next((found for found in map(shutil.which, _PROGRAMS) if found), None)
    if program is None:
        raise ContainerError(
            f"{name} runs in a container, and neither Docker nor Podman is here",
            where={"image": image},
            hint="install one of them, or run the pipeline where there is one",
        )
    mounts: list[str] = []
    values: dict[str, str] = {}
    for key, value in given.items():
        if isinstance(value, Artifact | Output):
            inside = f"/treadle/{key}"
            mode = "ro" if isinstance(value, Artifact) else "rw"
            mounts += ["--volume", f"{Path(value.path).absolute()}:{inside}:{mode}"]
            values[key] = inside
        else:
            values[key] = value if isinstance(value, str) else json.dumps(value)
    arguments = [part.format(**values) for part in command]
    ended = subprocess.run([program, "run", "--rm", *mounts, image, *arguments], check=False)
    if ended.returncode != 0:
        raise ContainerError(
            f"The command in the container ended with status {ended.returncode}",
            where={"image": image, "command": arguments},
            hint="what it printed is in the node's log",
        )
