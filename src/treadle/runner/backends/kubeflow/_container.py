"""Nodes that are programs in images: Kubeflow runs the image, and tasks of Treadle before and after it do the rest.

The image need not hold Treadle. The task before it decides, records that the node has begun, and puts its artifacts and
values where the program finds them; the task after it publishes what the program wrote. Between them only Kubeflow
knows whether the program runs, so such a node runs every time there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Value
from treadle.errors import BackendError
from treadle.metadata import ArtifactRecord
from treadle.pipeline import Component
from treadle.runner._attempts import attempt_of
from treadle.runner._decide import Decision
from treadle.runner._results import NodeResult
from treadle.runner.backends.kubeflow._step import Step

MADE = "made"
"""What the output of the program is called between the tasks: ``made_page`` for ``page``."""


def program_of(component: Component) -> Mapping[str, Any] | None:
    """The image and command of a component that is a program in an image; None for others."""
    program: Mapping[str, Any] | None = getattr(component.function, "container", None)
    return program


class _Decided:
    """Takes what the driver would start, and starts nothing."""

    busy = False

    def __init__(self) -> None:
        self.decision: Decision | None = None

    def add(self, decision: Decision) -> None:
        self.decision = decision


class ContainerStep(Step):
    """What Treadle does before and after the program."""

    def prepare(self, name: str) -> dict[str, Any]:
        """Record that a node begins; its arguments, artifacts as their folders.

        Raises:
            BackendError: When it is not to run: something before it was skipped.
        """
        self._take(name)
        decided = _Decided()
        self._attempts = decided  # type: ignore[assignment]
        self._decide_ready()
        if decided.decision is None:
            result = self._results[name]
            raise BackendError(
                f"{name!r} does not run ({result.state}): {result.reason}",
                where={"node": name},
                hint="Kubeflow cannot leave out a program after it was told to run it, so its run counts as failed",
            )
        self._metadata.start_execution(attempt_of(self.id, decided.decision))
        return {key: self._plain(argument) for key, argument in decided.decision.arguments.items()}

    def publish(self, name: str, made: Mapping[str, Path]) -> NodeResult:
        """Publish what the program wrote, and record that the node has ended.

        Raises:
            BackendError: When the node has not begun.
        """
        if name in self._results:
            return self._results[name]
        begun = [execution for execution in self._running_still() if execution.node == name]
        if not begun:
            raise BackendError(f"{name!r} has not begun", where={"node": name, "run": self.id})
        kinds = self._decider.component(self._nodes[name]).signature.outputs
        records = {}
        for output, path in made.items():
            staged = self._store.stage()
            if path.is_dir():
                shutil.copytree(path, staged, dirs_exist_ok=True)
            elif path.exists():
                shutil.copyfile(path, staged / output)
            artifact: Artifact = self._store.publish(staged, kinds[output])
            records[output] = ArtifactRecord(artifact.digest, kinds[output].type_name)
        self._metadata.finish_execution(begun[-1].id, "ran", outputs=records)
        self._outputs[name] = records
        self._results[name] = NodeResult(name, "ran", begun[-1].reason or "")
        return self._results[name]

    def _plain(self, argument: Mapping[str, Any]) -> Any:
        """An argument as a program gets it: a folder, or a text."""
        if "artifact" in argument:
            found = argument["artifact"]
            artifact = self._store.open(found["digest"], Artifact)
            value = artifact.path / "value.json"
            if not value.is_file():
                return artifact.path
            return _text(self._store.open(found["digest"], Value).read())
        if "list" in argument or "dict" in argument:
            raise BackendError("A program in an image takes artifacts and values, not lists of outputs")
        return _text(argument["value"])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
