"""The program that a task of a compiled pipeline runs: ``python3 -m treadle.runner.backends.kubeflow node NAME ...``.

Kubeflow tells it in one JSON text (the executor input) what goes in and where what comes out is to be written.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from treadle.errors import BackendError, TreadleError
from treadle.pipeline import Pipeline, PipelineIR, load_pipeline
from treadle.runner._results import NodeResult
from treadle.runner.backends.kubeflow._compile import structure_digest
from treadle.runner.backends.kubeflow._container import MADE, ContainerStep
from treadle.runner.backends.kubeflow._step import Step, Terminated, tell, values_of
from treadle.runner.backends.kubeflow._tasks import CONTROL, STATE, is_json_parameter

_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one task's part; the process's exit status."""
    asked = _read(arguments)
    told = json.loads(asked.executor_input)
    try:
        with _stopping_when_terminated():
            pipeline, ir = _pipeline(asked, told.get("inputs", {}).get("parameterValues", {}))
            if asked.what in ("prepare", "publish"):
                with ContainerStep(pipeline, ir, asked.run, reuse=False) as around:
                    return _do_container(asked, told, around)
            with Step(pipeline, ir, asked.run) as step:
                return _do(asked, told, step)
    except TreadleError as error:
        tell(f"Error: {error}")
        return 2
    except Terminated:
        tell("[treadle] Kubeflow ended the task")
        return 128 + signal.SIGTERM


@contextmanager
def _stopping_when_terminated() -> Iterator[None]:
    """Inside the block a request to terminate is `Terminated`, so that what was going on is recorded."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _do(asked: argparse.Namespace, told: Mapping[str, Any], step: Step) -> int:
    rounds = _rounds(told)
    writer = _Writer(told.get("outputs", {}))
    if asked.what == "finish":
        return 1 if step.finish() == "failed" else 0
    if asked.what == "steer":
        writer.control(_answer(step, asked.names, rounds))
        return 0
    if asked.what == "leave-out":
        step.leave_out([_in_round(name, rounds) for name in asked.names])
        writer.state("skipped")
        return 0
    result = step.one(_in_round(asked.names[0], rounds))
    if result.state == "waiting":
        raise BackendError(
            f"{result.name!r} waits {result.reason}",
            where={"run": asked.run, "node": result.name},
            hint=f"treadle approve {asked.run} {result.name} --reason ..., then start the pipeline again on Kubeflow:"
            " what was done is reused",
        )
    if result.state == "failed":
        return 1
    writer.node(result, step, asked.run)
    if asked.steer:
        writer.control(_answer(step, asked.steer, rounds))
    return 0


def _do_container(asked: argparse.Namespace, told: Mapping[str, Any], step: ContainerStep) -> int:
    inputs = told.get("inputs", {})
    rounds = _rounds(told)
    name = _in_round(asked.names[0], rounds)
    writer = _Writer(told.get("outputs", {}))
    if asked.what == "prepare":
        writer.arguments(step.prepare(name))
        return 0
    artifacts = {key: entry["artifacts"][0]["uri"] for key, entry in inputs.get("artifacts", {}).items()}
    names = list(step.nodes[name].outputs) if name in step.nodes else []
    result = step.publish(name, {output: Path(path_of(artifacts[f"{MADE}_{output}"])) for output in names})
    writer.node(result, step, asked.run)
    if asked.steer:
        writer.control(_answer(step, asked.steer, rounds))
    return 0


def _answer(step: Step, question: Sequence[str], rounds: Sequence[str]) -> str:
    """What a block is to do: its rounds as a JSON list, each as ``_rounds`` reads it; or holds, fails or unknown."""
    kind, name = question[:2]
    if kind == "rounds":
        numbers = range(step.rounds(_in_round(name, rounds)))
        return json.dumps([".".join([*rounds, str(number)]) for number in numbers])
    held = step.decide_condition(name, rounds, int(question[2]))
    return "unknown" if held is None else "holds" if held else "fails"


def _rounds(told: Mapping[str, Any]) -> list[str]:
    """The rounds of the loops around a task, of the outermost one first."""
    given: str | None = told.get("inputs", {}).get("parameterValues", {}).get("round")
    return [] if given is None else given.split(".")


def _in_round(name: str, rounds: Sequence[str]) -> str:
    return ".".join([name, *rounds])


def _pipeline(asked: argparse.Namespace, given: Mapping[str, Any]) -> tuple[Pipeline, PipelineIR]:
    pipeline = load_pipeline(asked.target)
    types = pipeline.parameter_types()
    left_open = asked.left_open.split(",") if asked.left_open else []
    values = json.loads(asked.set)
    for name in left_open:
        value = given[f"parameter_{name}"]
        values[name] = json.loads(value) if is_json_parameter(types.get(name)) else value
    values = values_of(pipeline, values)
    found = structure_digest(pipeline.compile(values, left_open=left_open), pipeline.folder)
    if found != asked.digest:
        raise BackendError(
            "The pipeline in this image is not the one that was compiled",
            where={"target": asked.target, "found": found, "compiled": asked.digest},
            hint="build the image again, or compile again: the YAML and the image go together",
        )
    return pipeline, pipeline.compile(values)


class _Writer:
    """Writes a task's outputs where Kubeflow looks for them."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        self._parameters = {name: entry["outputFile"] for name, entry in outputs.get("parameters", {}).items()}
        self._artifacts = {name: entry["artifacts"][0] for name, entry in outputs.get("artifacts", {}).items()}
        self._told = outputs.get("outputFile")

    def control(self, text: str) -> None:
        """What blocks look at."""
        self._write(self._parameters[CONTROL], text)

    def state(self, state: str) -> None:
        """How a node ended."""
        if STATE in self._parameters:
            self._write(self._parameters[STATE], state)

    def node(self, result: NodeResult, step: Step, run: str) -> None:
        """What a node made: a small file for each artifact, scalars as they are."""
        self.state(result.state)
        if "value" in self._parameters:
            value = step.value(result.name)
            self._write(self._parameters["value"], value if isinstance(value, str) else json.dumps(value))
        listed: dict[str, Any] = {}
        for name, artifact in self._artifacts.items():
            made = step.made(result.name).get(name)
            record = {"run": run, "node": result.name, "state": result.state}
            if made is not None:
                record |= {"digest": made.digest, "type": made.type_name}
            properties = {} if made is None else dict(made.properties)
            self._write(path_of(artifact["uri"]), json.dumps({**record, "properties": properties}, sort_keys=True))
            plain = {key: value for key, value in properties.items() if isinstance(value, str | int | float | bool)}
            listed[name] = {"artifacts": [{**_named(artifact), "metadata": {**plain, **record}}]}
        if self._told:
            self._write(self._told, json.dumps({"artifacts": listed}))

    def arguments(self, given: Mapping[str, Any]) -> None:
        """What a program in an image gets: texts, and copies of artifacts."""
        for name, argument in given.items():
            if isinstance(argument, Path):
                shutil.copytree(argument, path_of(self._artifacts[name]["uri"]))
            else:
                self._write(self._parameters[name], argument)

    def _write(self, path: str, text: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")


def _named(artifact: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": artifact.get("name", ""), "uri": artifact["uri"]}


def path_of(uri: str) -> str:
    """Where Kubeflow mounts what a URI names."""
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri.removeprefix(scheme)
    return uri.removeprefix("file://")


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="treadle.runner.backends.kubeflow", allow_abbrev=False)
    parser.add_argument("what", choices=["node", "steer", "leave-out", "finish", "prepare", "publish"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--steer", nargs="+", default=[])
    parser.add_argument("--target", required=True)
    parser.add_argument("--set", required=True)
    parser.add_argument("--left-open", default="")
    parser.add_argument("--digest", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--executor-input", required=True)
    return parser.parse_args(arguments)
