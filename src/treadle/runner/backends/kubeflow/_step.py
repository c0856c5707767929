"""What one task of an orchestrator does: its node's part of a run that many processes make together, or its end.

The lineage is what they share: each task reads there what the nodes before it made, decides about its own node as the
local driver would, runs it in a process of its own, and records it. Nothing that counts passes through the
orchestrator. A task that is started twice finds what the first recorded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from treadle import config
from treadle.errors import BackendError, NodeLostError, TreadleError
from treadle.metadata import ArtifactRecord, Attempt, ExecutionRecord
from treadle.pipeline import CodeReader, Condition, NodeIR, Pipeline, PipelineIR, Wire, conjuncts
from treadle.runner._decide import Decider
from treadle.runner._driver import Driver
from treadle.runner._earlier import ELSEWHERE
from treadle.runner._layout import Layout
from treadle.runner._lock import staging_of
from treadle.runner._memory import CodeMemory
from treadle.runner._results import Event, Failure, NodeResult
from treadle.runner._select import Part
from treadle.runner._workers import Workers
from treadle.runner.backends.kubeflow._printed import Printed

NOT_STARTED = "Kubeflow did not start it, because something else had failed"


class Terminated(BaseException):
    """Kubeflow ends this task: its machine is needed, or somebody ended the run."""


class Step(Driver):
    """One task's part of a run.

    Args:
        pipeline: The pipeline, as it is in this image.
        ir: Compiled with the run's parameters.
        run: The run's id.
        reuse: Whether what earlier runs made may be taken.
    """

    def __init__(self, pipeline: Pipeline, ir: PipelineIR, run: str, *, reuse: bool = True) -> None:
        self._stack = ExitStack()
        layout = Layout(None)
        _make(layout.home)
        store = layout.open_artifacts()
        self._stack.enter_context(config.using_home(layout.home))
        self._stack.enter_context(store.in_use())
        metadata = self._stack.enter_context(layout.open_metadata())
        self._stack.enter_context(metadata.in_use())
        store.claim(metadata.identity)
        super().__init__(
            ir,
            Part(frozenset(ir.nodes)),
            layout=layout,
            decider=Decider(pipeline, metadata, store, CodeReader(pipeline, CodeMemory(layout.code)), reuse=reuse),
            launcher=self._stack.enter_context(Workers()),
            tell=self._hear,
            limits={},
            asked={},
        )
        self.id = run
        self._printed = Printed(run, layout, store, metadata)
        self._finishing = False
        self._join(pipeline)
        self._executions = metadata.executions(run)
        self._recall()
        self._nodes = self._flow.written_out(self._nodes)
        self._taking = frozenset(self._nodes)
        self._results = {name: result for name, result in self._results.items() if name in self._nodes}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def nodes(self) -> Mapping[str, NodeIR]:
        """The nodes, with the loops written out whose items are known."""
        return self._nodes

    def one(self, name: str) -> NodeResult:
        """Do one node's part, unless that has been done.

        Raises:
            BackendError: When nodes before it have not been recorded here.
        """
        attempt = self._take(name)
        if name in self._results:
            return self._results[name]
        self._go_on(name, attempt=attempt)
        return self._results[name]

    def _take(self, name: str) -> int:
        """Make a node the one to be decided upon, unless it has ended; the number of its next attempt."""
        if name not in self._nodes:
            raise BackendError(
                f"The run has no node {name!r}",
                where={"run": self.id, "node": name},
                hint="do all tasks see the same store, and do all images hold the same pipeline?",
            )
        attempt = self._attempt_number(self._nodes[name])
        if name in self._results:
            return attempt
        node = replace(self._nodes[name], settles=())
        self._check_recorded(name, node.before())
        self._waiting = {name: node}
        return attempt

    def _check_recorded(self, name: str, before: Iterable[str]) -> None:
        for up in before:
            if up not in self._results:
                raise BackendError(
                    f"Nothing is recorded of {up!r}, which has run before {name!r}",
                    where={"run": self.id, "store": self._layout.home},
                    hint="all tasks must see the same store: TREADLE_HOME on a shared volume, or TREADLE_METADATA and"
                    " TREADLE_ARTIFACTS",
                )

    def _go_on(self, name: str, *, attempt: int = 1) -> None:
        nodes = set(self._waiting)
        with self._staging(name) as staging:
            try:
                with self._printed.outliving(nodes):
                    self._proceed(staging, attempt=attempt)
            except Terminated:
                self._launcher.close()
                for execution in self._metadata.executions(self.id):
                    if execution.state == "running" and execution.node in nodes:
                        self._lose(execution)
                raise
            except BaseException as error:
                if self._attempts is not None:
                    self._attempts.stop(f"the task stopped: {error}")
                raise

    def _staging(self, name: str) -> AbstractContextManager[Path]:
        return staging_of(f"{self.id}.{name}.{os.urandom(3).hex()}", self._layout.staging)

    def leave_out(self, names: Sequence[str]) -> None:
        """Record that nodes do not run: those of a block that Kubeflow has not gone into, each after what it waits for.

        Raises:
            BackendError: When nodes before them have not been recorded here.
        """
        inside = {
            name: node
            for name, node in self._nodes.items()
            if any(name == one or name.startswith(f"{one}.") for one in names) and name not in self._results
        }
        for name, node in inside.items():
            self._check_recorded(name, [up for up in node.before() if up not in inside])
        self._finishing = True
        self._waiting = inside
        self._go_on("left-out")

    def finish(self) -> str:
        """Record what never ran, run what runs at the end, and record how the run ended; that is returned.

        A task that died when it had recorded the end is tried again: then there is nothing left to do.
        """
        run = self._metadata.run(self.id)
        if run is not None and run.state in ("succeeded", "failed"):
            return run.state
        for execution in self._running_still():
            self._lose(execution)
        self._finishing = True
        self._waiting = {name: node for name, node in self._nodes.items() if name not in self._results}
        self._go_on("finish")
        state = self._state()
        self._metadata.finish_run(self.id, state)
        return state

    def made(self, name: str) -> Mapping[str, ArtifactRecord]:
        """What a node made; nothing when it was skipped."""
        return self._outputs.get(name, {})

    def value(self, name: str) -> Any:
        """The value that a node returned; something of its type that says nothing, when it was skipped."""
        if name in self._outputs:
            return self._flow.read(Wire(name, "value"))
        return self._decider.component(self._nodes[name]).signature.returns()

    def decide_condition(self, name: str, rounds: Sequence[str], number: int) -> bool | None:
        """Whether one of a node's conditions holds, its ``not`` left out; None when what it looks at was not made.

        Args:
            name: The node, as it stands in the pipeline.
            rounds: Of the loops around it that the condition is inside of.
            number: Which of the node's conditions it is.
        """
        inner = self._ir.nodes[name].loops()[len(rounds) :]
        nodes = self._flow.written_out(self._ir.nodes, but=frozenset(each.name for each in inner))
        when = nodes[".".join([name, *rounds])].when
        assert when is not None
        condition, _ = without_not(conjuncts(when)[number])
        if any(wire.node not in self._outputs for wire in condition.wires()):
            return None
        return condition.decide(self._flow.read)

    def rounds(self, loop: str) -> int:
        """How many rounds a loop has; none, when its items were not made."""
        self._flow.written_out(self._ir.nodes)  # what this task has made may be what the loop goes through
        return self._flow.rounds.get(loop, 0)

    def _join(self, pipeline: Pipeline) -> None:
        """Record that the run has begun, unless another task has."""
        if self._metadata.run(self.id) is not None:
            return
        told = {**self._ir.to_json(), "file": str(pipeline.file), "backend": ELSEWHERE}
        try:
            self._metadata.begin_run(self.id, pipeline=self._ir.name, ir=told)
        except Exception:
            if self._metadata.run(self.id) is None:  # no other task was quicker
                raise

    def _recall(self) -> None:
        for execution in self._executions:
            name = execution.node
            self._outputs.pop(name, None)
            self._results.pop(name, None)
            if execution.state == "running":
                continue
            error = Failure(**execution.error) if execution.error else None
            self._results[name] = NodeResult(name, execution.state, execution.reason or "", error=error)
            if execution.state in ("ran", "cached"):
                self._outputs[name] = execution.outputs

    def _attempt_number(self, node: NodeIR) -> int:
        """Which attempt comes next; what a lost task left running has failed, and what was lost is tried again."""
        before = [execution for execution in self._executions if execution.node == node.name]
        for execution in before:
            if execution.state == "running":
                self._lose(execution)
        last = self._results.get(node.name)
        is_lost = last is not None and last.error is not None and last.error.code == NodeLostError.code
        if is_lost and len(before) <= node.settings.retries:
            del self._results[node.name]
        return len(before) + 1

    def _running_still(self) -> list[ExecutionRecord]:
        return [execution for execution in self._executions if execution.state == "running"]

    def _lose(self, execution: ExecutionRecord) -> None:
        error = NodeLostError(
            "The task of the node ended before it could tell a result", where={"node": execution.node}
        )
        log = self._log_of(execution)
        self._metadata.finish_execution(execution.id, "failed", error=error.to_dict(), log=log)
        if log is not None:  # not before: this task may be lost as well
            self._printed.drop(execution.id)
        failure = Failure(error.code, error.what, error.where, error.hint)
        self._results[execution.node] = NodeResult(execution.node, "failed", execution.reason or "", error=failure)

    def _log_of(self, lost: ExecutionRecord) -> ArtifactRecord | None:
        """What a lost attempt printed, as an artifact; None when that is nothing, or cannot be kept."""
        before = [one for one in self._executions if one.node == lost.node and one.id < lost.id]
        try:
            with self._staging(f"{lost.node}.log") as staging:
                return self._printed.of_lost(lost, before, staging)
        except (OSError, TreadleError) as error:
            tell(f"[treadle] what the lost attempt at {lost.node} printed could not be kept: {error}")
            return None

    def _hear(self, event: Event) -> None:
        if event.kind == "retrying" and event.node is not None:
            self._printed.begin(event.node)
        _print(event)

    def _decide(self, node: NodeIR) -> None:
        if not self._finishing or node.at_exit:
            super()._decide(node)
            return
        try:
            self._flow.check(node)
            reason = self._flow.unmet(node) or NOT_STARTED
        except TreadleError:
            super()._decide(node)  # which records the error
            return
        self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), reason), "skipped")
        self._finish(NodeResult(node.name, "skipped", reason))


def _make(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackendError(
            f"The store's folder cannot be made: {error.strerror}",
            where={"TREADLE_HOME": home},
            hint="is its volume mounted here (--volume CLAIM:PATH), and may the task write there?",
        ) from error


def without_not(condition: Condition) -> tuple[Condition, bool]:
    """A condition without the ``not`` before it, and whether it must hold."""
    if condition.op == "not":
        (inner,) = condition.operands
        assert isinstance(inner, Condition)
        return inner, False
    return condition, True


def _print(event: Event) -> None:
    if event.kind == "printed":
        sys.stdout.write(event.text)
        sys.stdout.flush()
    elif event.result is None:
        tell(f"[treadle] {event.node}: {event.reason}")
    else:
        tell(f"[treadle] {event.node} {event.result.state}: {event.reason}")
        if (error := event.result.error) is not None:
            tell(f"{error.traceback or ''}{error}")


def tell(text: str) -> None:
    """Say something in the task's log."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def values_of(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values as Kubeflow gives them, made what the pipeline's annotations say: it has one type of number."""
    types = pipeline.parameter_types()
    values = dict(given)
    for name, value in values.items():
        if types.get(name) is float and isinstance(value, int) and not isinstance(value, bool):
            values[name] = float(value)
        elif types.get(name) is int and isinstance(value, float) and value.is_integer():
            values[name] = int(value)
    return values
