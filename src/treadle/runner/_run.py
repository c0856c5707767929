"""Running a pipeline: decide, start, publish, record; independent nodes side by side."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from treadle import config
from treadle.artifact import Value, digest_bytes
from treadle.errors import NodeLostError, TreadleError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore
from treadle.pipeline import CodeReader, NodeIR, Pipeline, PipelineIR
from treadle.runner._child import describe_error
from treadle.runner._decide import Decider, Decision
from treadle.runner._layout import Layout
from treadle.runner._lock import recover, staging_of
from treadle.runner._memory import CodeMemory
from treadle.runner._results import Event, Failure, NodeResult, RunResult
from treadle.runner._task import read_json, write_json
from treadle.runner._workers import Ended, Workers
from treadle.storage import ArtifactStore

_TICK_SECONDS = 0.1
Listener = Callable[[Event], object]


def run(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None = None,
    *,
    home: Path | None = None,
    on_event: Listener | None = None,
    workers: int | None = None,
) -> RunResult:
    """Run a pipeline: each node in a process of its own, and only those that something changed for.

    A node that fails does not stop nodes that do not wait for it; those that do are skipped. What has succeeded is
    in the store, so the next run goes on from there. May be called from any thread of any process.

    Args:
        pipeline: The pipeline.
        parameters: Values of its run-time parameters.
        home: The store's folder; `treadle.config.home` when not given.
        on_event: Called, in the calling thread, as things happen.
        workers: How many nodes may run at once; the number of cores when not given.

    Returns:
        How each node ended. A failed node is told in its result, not raised.

    Raises:
        PipelineError: When the pipeline does not compile with these parameters; nothing has been recorded then.
    """
    ir = pipeline.compile(parameters)
    layout = Layout(home)
    # resolve steps look at the store too, and must see this one
    store = ArtifactStore(layout.home)
    in_use = store.in_use()  # nothing is collected under a run's feet
    with config.using_home(layout.home), in_use, MetadataStore(layout.metadata) as metadata, Workers() as processes:
        recover(layout.staging, metadata)
        decider = Decider(pipeline, metadata, store, CodeReader(pipeline, CodeMemory(layout.code)))
        going = _Run(ir, layout, decider, processes, on_event or (lambda _: None))
        return going.run(workers or config.num_threads())


@dataclass
class _Running:
    """A node whose process is at work."""

    decision: Decision
    execution: int
    folder: Path
    log: Path
    started: float
    printed: int = 0


class _Run:
    def __init__(self, ir: PipelineIR, layout: Layout, decider: Decider, processes: Workers, tell: Listener) -> None:
        self.id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(3).hex()}"
        self._ir = ir
        self._layout = layout
        self._metadata = decider.metadata
        self._store = decider.store
        self._decider = decider
        self._processes = processes
        self._tell = tell
        self._waiting = dict(ir.nodes)
        self._decided: list[Decision] = []
        self._running: dict[int, _Running] = {}
        self._results: dict[str, NodeResult] = {}
        self._outputs: dict[str, Mapping[str, ArtifactRecord]] = {}

    def run(self, workers: int) -> RunResult:
        with staging_of(self.id, self._layout.staging) as self._staging:
            return self._run(workers)

    def _run(self, workers: int) -> RunResult:
        started = time.monotonic()
        self._metadata.begin_run(self.id, pipeline=self._ir.name, ir=self._ir.to_json())
        self._tell(Event("run", self.id, names=tuple(self._ir.nodes)))
        try:
            while self._waiting or self._decided or self._running:
                self._decide_ready()
                while self._decided and len(self._running) < workers:
                    self._start(self._decided.pop(0))
                if self._running:
                    self._listen()
        except BaseException as error:
            self._give_up(error)
            raise
        state: Literal["succeeded", "failed"] = "succeeded"
        if any(result.state == "failed" for result in self._results.values()):
            state = "failed"
        self._metadata.finish_run(self.id, state)
        nodes = {name: self._results[name] for name in self._ir.nodes}
        return RunResult(self.id, state, nodes, time.monotonic() - started)

    def _decide_ready(self) -> None:
        progress = True
        while progress:
            progress = False
            for name, node in list(self._waiting.items()):
                states = {self._results[up].state if up in self._results else None for up in node.upstream()}
                if states & {"failed", "skipped"}:
                    self._skip(node)
                elif None in states:
                    continue
                else:
                    self._decide(node)
                del self._waiting[name]
                progress = True

    def _skip(self, node: NodeIR) -> None:
        blocked = [
            up for up in node.upstream() if up in self._results and self._results[up].state in ("failed", "skipped")
        ]
        reason = f"{blocked[0]} {'failed' if self._results[blocked[0]].state == 'failed' else 'was skipped'}"
        self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), reason), "skipped")
        self._finish(NodeResult(node.name, "skipped", reason))

    def _decide(self, node: NodeIR) -> None:
        try:
            decision = self._decider.decide(node, self._outputs, run=self.id)
        except Exception as error:
            failure = Failure(**_told(error, node.name))
            attempt = Attempt(self.id, node.name, str(node.component), failure.what)
            self._metadata.record_unrun(attempt, "failed", error=failure.to_json())
            self._finish(NodeResult(node.name, "failed", "it could not be decided upon", error=failure))
            return
        if decision.hit is None:
            self._processes.warm_up()
            self._decided.append(decision)
            return
        self._metadata.record_unrun(self._attempt(decision), "cached", reused=decision.hit)
        self._succeed(decision, "cached", decision.hit.outputs)

    def _attempt(self, decision: Decision) -> Attempt:
        return Attempt(
            run_id=self.id,
            node=decision.node.name,
            component=str(decision.node.component),
            reason=decision.reason,
            fingerprint=decision.fingerprint,
            parts=decision.parts,
            inputs=decision.inputs,
        )

    def _start(self, decision: Decision) -> None:
        node = decision.node
        execution = self._metadata.start_execution(self._attempt(decision))
        folder = self._staging / str(execution)
        folder.mkdir(mode=0o700)
        log = self._layout.log(self.id, node.name)
        write_json(folder / "request.json", self._request(decision))
        self._running[execution] = _Running(decision, execution, folder, log, time.monotonic())
        self._processes.start(execution, folder, log)
        self._tell(Event("started", self.id, node.name, decision.reason))

    def _request(self, decision: Decision) -> dict[str, Any]:
        node = decision.node
        request = {
            "node": node.name,
            "home": str(self._layout.home),
            "component": node.component.to_json(),
            "arguments": decision.arguments,
            "files": {name: str(file) for name, file in self._decider.files.items()},
            "sys_path": self._sys_path(),
            "roots": self._roots(),
        }
        return {**request, "resolved": decision.resolved} if node.resolves else request

    def _sys_path(self) -> list[str]:
        folders = [str(file.parent) for file in self._decider.files.values()]
        entries = [os.path.abspath(entry) for entry in sys.path]
        return [*folders, *(entry for entry in entries if entry not in folders)]

    def _roots(self) -> list[str]:
        return list(dict.fromkeys([self._decider.project, os.getcwd()]))

    def _listen(self) -> None:
        ended = self._processes.wait(_TICK_SECONDS)
        for running in self._running.values():
            self._pass_on(running)
        for end in ended:
            self._end(end)

    def _pass_on(self, running: _Running) -> None:
        """Tell what a node has printed since the last time."""
        try:
            with open(running.log, "rb") as log:
                log.seek(running.printed)
                data = log.read()
        except FileNotFoundError:
            return
        if data:
            running.printed += len(data)
            text = data.decode("utf-8", errors="replace")
            self._tell(Event("printed", self.id, running.decision.node.name, text=text))

    def _end(self, end: Ended) -> None:
        running = self._running.pop(end.task)
        self._pass_on(running)
        result = read_json(running.folder / "result.json") or {}
        shutil.rmtree(running.folder, ignore_errors=True)
        if end.status < 0 or not result:
            result = {"error": _lost(running, end)}
        seconds = time.monotonic() - running.started
        node = running.decision.node.name
        reads = result.get("reads", {})
        if "error" in result:
            failure = Failure(**result["error"])
            self._metadata.finish_execution(running.execution, "failed", reads=reads, error=failure.to_json())
            reason = running.decision.reason
            log = running.log
            self._finish(NodeResult(node, "failed", reason, error=failure, seconds=seconds, log=log))
        elif "skip" in result:
            self._metadata.finish_execution(running.execution, "skipped", reads=reads, reason=result["skip"])
            self._finish(NodeResult(node, "skipped", result["skip"], seconds=seconds))
        else:
            outputs = {
                name: ArtifactRecord(found["digest"], found["type"], found["properties"])
                for name, found in result["outputs"].items()
            }
            reusable = running.decision.reusable and _unchanged(running.decision.sources)
            self._metadata.finish_execution(running.execution, "ran", outputs=outputs, reads=reads, reusable=reusable)
            self._succeed(running.decision, "ran", outputs, seconds, running.log)

    def _succeed(
        self,
        decision: Decision,
        state: Literal["ran", "cached"],
        outputs: Mapping[str, ArtifactRecord],
        seconds: float = 0.0,
        log: Path | None = None,
    ) -> None:
        node = decision.node
        self._outputs[node.name] = outputs
        types = self._decider.component(node).signature.outputs
        artifacts = {
            name: types[name](self._store.path(record.digest), record.digest, record.properties)
            for name, record in outputs.items()
        }
        value = None
        if "value" in outputs:
            record = outputs["value"]
            value = Value(self._store.path(record.digest), record.digest).read()
        self._finish(NodeResult(node.name, state, decision.reason, artifacts, value, None, seconds, log))

    def _finish(self, result: NodeResult) -> None:
        self._results[result.name] = result
        self._tell(Event("finished", self.id, result.name, result.reason, result=result))

    def _give_up(self, error: BaseException) -> None:
        self._processes.close()
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else f"the runner stopped: {error}"
        for running in self._running.values():
            self._metadata.finish_execution(running.execution, "failed", reason=reason)
        self._metadata.finish_run(self.id, "failed")


def _told(error: Exception, node: str) -> dict[str, Any]:
    return describe_error(error, node, [os.getcwd()])


def _lost(running: _Running, end: Ended) -> dict[str, Any]:
    how = f"was killed by signal {-end.status}" if end.status < 0 else f"ended with status {end.status}"
    error: TreadleError = NodeLostError(
        f"The process of the node {how} before it could tell a result",
        where={"log": running.log},
        hint="signal 9 is often the system's answer to too little memory" if end.status == -9 else None,
    )
    return {**describe_error(error, running.decision.node.name, []), "traceback": None}


def _unchanged(sources: Mapping[str, str]) -> bool:
    """Whether the code that just ran is still the code that was fingerprinted."""
    try:
        return all(digest_bytes(Path(path).read_bytes()) == digest for path, digest in sources.items())
    except OSError:
        return False
