"""The driver of one run: decide, start, publish, record; independent nodes side by side."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from treadle.artifact import Value, digest_bytes
from treadle.errors import LeaseLostError, NodeLostError, NodeTimeoutError, RunCancelledError, TreadleError
from treadle.metadata import ArtifactRecord, Attempt
from treadle.pipeline import NodeIR, PipelineIR
from treadle.runner._child import describe_error
from treadle.runner._decide import Decider, Decision
from treadle.runner._flow import Flow, template_of, with_status
from treadle.runner._layout import Layout
from treadle.runner._lock import is_asked_to_stop, staging_of
from treadle.runner._resources import Pool, needs_of
from treadle.runner._results import Event, Failure, NodeResult, RunResult
from treadle.runner._retry import seconds_before
from treadle.runner._select import Part
from treadle.runner._task import read_json, write_json
from treadle.runner._workers import Ended, Workers

_TICK_SECONDS = 0.1
Listener = Callable[[Event], object]


@dataclass
class _Running:
    """A node whose process is at work."""

    decision: Decision
    execution: int
    folder: Path
    log: Path
    started: float
    attempt: int = 1
    printed: int = 0
    late: bool = False
    """It took too long and was killed."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A node that is to be started, now or later."""

    decision: Decision
    attempt: int = 1
    at: float = 0.0
    """Not before, on the monotonic clock."""


class Driver:
    """One run of a compiled pipeline."""

    def __init__(
        self,
        ir: PipelineIR,
        part: Part,
        *,
        layout: Layout,
        decider: Decider,
        processes: Workers,
        tell: Listener,
        limits: Mapping[str, float],
        asked: Mapping[str, Any],
    ) -> None:
        self.id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(3).hex()}"
        self._ir = ir
        self._layout = layout
        self._metadata = decider.metadata
        self._store = decider.store
        self._decider = decider
        self._processes = processes
        self._tell = tell
        self._part = part
        self._asked = asked
        self._pool = Pool(limits)
        self._nodes: Mapping[str, NodeIR] = ir.nodes
        """With the loops that could be written out so far."""
        self._waiting = {name: node for name, node in ir.nodes.items() if name in part.selected or name in part.given}
        self._taking = frozenset(self._waiting)
        self._due: list[_Due] = []
        self._running: dict[int, _Running] = {}
        self._results: dict[str, NodeResult] = {}
        self._outputs: dict[str, Mapping[str, ArtifactRecord]] = {}
        self._flow = Flow(self._store, self._outputs)

    def run(self) -> RunResult:
        """Run it to its end."""
        with staging_of(self.id, self._layout.staging) as self._staging:
            return self._run()

    def _run(self) -> RunResult:
        started = time.monotonic()
        self._metadata.begin_run(self.id, pipeline=self._ir.name, ir={**self._ir.to_json(), **self._asked})
        self._tell(Event("run", self.id, names=tuple(self._waiting)))
        try:
            while self._waiting or self._due or self._running:
                self._stop_if_asked()
                self._decide_ready()
                self._start_what_fits()
                if self._running:
                    self._listen()
                elif self._due:  # all of them are to be tried again later
                    time.sleep(_TICK_SECONDS)
        except BaseException as error:
            self._give_up(error)
            raise
        states = {result.state for result in self._results.values()}
        state: Literal["succeeded", "failed", "waiting"] = "waiting" if "waiting" in states else "succeeded"
        if "failed" in states:
            state = "failed"
        self._metadata.finish_run(self.id, state)
        nodes = {name: self._results[name] for name in self._nodes if name in self._results}
        return RunResult(self.id, state, nodes, time.monotonic() - started)

    def _decide_ready(self) -> None:
        progress = True
        while progress:
            progress = False
            self._write_out_loops()
            for name, node in list(self._waiting.items()):
                if any(other in self._taking and other not in self._results for other in node.settles):
                    continue
                upstream = [up for up in node.upstream() if up in self._taking]
                states = {self._results[up].state if up in self._results else None for up in upstream}
                if states & {"failed", "skipped"}:
                    self._skip(node)
                elif held := [up for up in (*upstream, *node.settles) if self._waits(up)]:
                    self._hold(node, held[0])
                elif None in states or self._flow.is_open(node):
                    continue
                else:
                    self._decide(node)
                del self._waiting[name]
                progress = True

    def _write_out_loops(self) -> None:
        """Put the nodes of a loop's rounds in place of its body, for the loops whose items are known by now."""
        nodes = self._flow.written_out(self._nodes)
        if nodes is self._nodes:
            return
        origin = {name: template_of(name, self._nodes) for name in nodes}
        self._waiting = {name: node for name, node in nodes.items() if origin[name] in self._waiting}
        self._taking = frozenset(name for name in nodes if origin[name] in self._taking)
        self._part = Part(
            frozenset(name for name in nodes if origin[name] in self._part.selected),
            frozenset(name for name in nodes if origin[name] in self._part.given),
        )
        self._nodes = nodes

    def _waits(self, name: str) -> bool:
        return name in self._results and self._results[name].state == "waiting"

    def _hold(self, node: NodeIR, blocked: str) -> None:
        reason = f"{blocked} is waiting"
        self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), reason), "waiting")
        self._finish(NodeResult(node.name, "waiting", reason))

    def _skip(self, node: NodeIR) -> None:
        blocked = [
            up for up in node.upstream() if up in self._results and self._results[up].state in ("failed", "skipped")
        ]
        reason = f"{blocked[0]} {'failed' if self._results[blocked[0]].state == 'failed' else 'was skipped'}"
        self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), reason), "skipped")
        self._finish(NodeResult(node.name, "skipped", reason))

    def _decide(self, node: NodeIR) -> None:
        try:
            self._flow.check(node)
            if node.name in self._part.given:
                decision = self._decider.take(node, self._outputs)
            else:
                node = with_status(node, self.id, self._ir.name, self._results)
                if (unmet := self._flow.unmet(node)) is not None:
                    self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), unmet), "skipped")
                    self._finish(NodeResult(node.name, "skipped", unmet))
                    return
                decision = self._decider.decide(node, self._outputs, run=self.id)
        except Exception as error:
            failure = Failure(**_told(error, node.name))
            attempt = Attempt(self.id, node.name, str(node.component), failure.what)
            self._metadata.record_unrun(attempt, "failed", error=failure.to_json())
            self._finish(NodeResult(node.name, "failed", "it could not be decided upon", error=failure))
            return
        if decision.hit is None:
            self._processes.warm_up()
            self._due.append(_Due(decision))
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

    def _start_what_fits(self) -> None:
        now = time.monotonic()
        for due in list(self._due):
            needs = needs_of(due.decision.node.settings.resources)
            if due.at <= now and self._pool.fits(needs):
                self._due.remove(due)
                self._pool.take(needs)
                self._start(due.decision, due.attempt)

    def _start(self, decision: Decision, attempt: int) -> None:
        node = decision.node
        execution = self._metadata.start_execution(self._attempt(decision))
        folder = self._staging / str(execution)
        folder.mkdir(mode=0o700)
        log = self._layout.log(self.id, node.name)
        write_json(folder / "request.json", self._request(decision))
        self._running[execution] = _Running(decision, execution, folder, log, time.monotonic(), attempt, _size(log))
        self._processes.start(execution, folder, log)
        self._tell(Event("started", self.id, node.name, decision.reason))

    def _request(self, decision: Decision) -> dict[str, Any]:
        node = decision.node
        request = {
            "node": node.name,
            "run": self.id,
            "outputs": dict(node.outputs),
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
        now = time.monotonic()
        for task, running in self._running.items():
            self._pass_on(running)
            timeout = running.decision.node.settings.timeout
            if timeout is not None and not running.late and now - running.started > timeout:
                running.late = True
                self._processes.kill(task)
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
        self._pool.give_back(needs_of(running.decision.node.settings.resources))
        result = read_json(running.folder / "result.json") or {}
        shutil.rmtree(running.folder, ignore_errors=True)
        if running.late:
            result = {"error": _too_late(running), "transient": NodeTimeoutError.transient}
        elif end.status < 0 or not result:
            result = {"error": _lost(running, end), "transient": NodeLostError.transient}
        seconds = time.monotonic() - running.started
        node = running.decision.node.name
        reads = result.get("reads", {})
        if "error" in result:
            failure = Failure(**result["error"])
            self._metadata.finish_execution(running.execution, "failed", reads=reads, error=failure.to_json())
            if result.get("transient") and running.attempt <= running.decision.node.settings.retries:
                self._try_again(running, failure)
                return
            reason = running.decision.reason
            self._finish(
                NodeResult(
                    node, "failed", reason, error=failure, seconds=seconds, log=running.log, attempts=running.attempt
                )
            )
        elif "skip" in result:
            self._metadata.finish_execution(running.execution, "skipped", reads=reads, reason=result["skip"])
            self._finish(NodeResult(node, "skipped", result["skip"], seconds=seconds))
        elif "wait" in result:
            self._metadata.finish_execution(running.execution, "waiting", reads=reads, reason=result["wait"])
            self._finish(NodeResult(node, "waiting", result["wait"], seconds=seconds))
        else:
            outputs = {
                name: ArtifactRecord(found["digest"], found["type"], found["properties"])
                for name, found in result["outputs"].items()
            }
            reusable = running.decision.reusable and _unchanged(running.decision.sources)
            self._metadata.finish_execution(running.execution, "ran", outputs=outputs, reads=reads, reusable=reusable)
            self._succeed(running.decision, "ran", outputs, seconds=seconds, log=running.log, attempts=running.attempt)

    def _try_again(self, running: _Running, failure: Failure) -> None:
        attempt = running.attempt + 1
        seconds = seconds_before(attempt)
        reason = f"attempt {attempt} of {running.decision.node.settings.retries + 1}, after {failure.what}"
        decision = replace(running.decision, reason=reason)
        self._due.append(_Due(decision, attempt, time.monotonic() + seconds))
        self._tell(Event("retrying", self.id, decision.node.name, f"{reason}; in {seconds:.1f} s"))

    def _succeed(
        self,
        decision: Decision,
        state: Literal["ran", "cached"],
        outputs: Mapping[str, ArtifactRecord],
        *,
        seconds: float = 0.0,
        log: Path | None = None,
        attempts: int = 1,
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
        self._finish(NodeResult(node.name, state, decision.reason, artifacts, value, None, seconds, log, attempts))

    def _finish(self, result: NodeResult) -> None:
        self._results[result.name] = result
        self._tell(Event("finished", self.id, result.name, result.reason, result=result))

    def _stop_if_asked(self) -> None:
        if is_asked_to_stop(self._staging):
            raise RunCancelledError(
                "The run was cancelled", where={"run": self.id}, hint="treadle run FILE.py --resume goes on with it"
            )

    def _give_up(self, error: BaseException) -> None:
        self._processes.close()
        reason = f"the runner stopped: {error}"
        if isinstance(error, KeyboardInterrupt | RunCancelledError):
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "cancelled"
        with contextlib.suppress(LeaseLostError):  # somebody else has recorded that it failed
            for running in self._running.values():
                self._metadata.finish_execution(running.execution, "failed", reason=reason)
        # also what was recorded as begun when the disk refused the next step
        code = getattr(error, "code", "INTERRUPTED")
        self._metadata.abandon_run(self.id, {"code": code, "what": reason, "where": {}, "hint": None})


def _told(error: Exception, node: str) -> dict[str, Any]:
    return describe_error(error, node, [os.getcwd()])


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _too_late(running: _Running) -> dict[str, Any]:
    error = NodeTimeoutError(
        f"The node took longer than {running.decision.node.settings.timeout:g} s and was killed",
        where={"log": running.log},
        hint="@component(timeout=...) says how long it may take",
    )
    return {**describe_error(error, running.decision.node.name, []), "traceback": None}


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
