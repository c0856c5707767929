"""Attempts at nodes: started as far as resources go, watched, tried again; and how each ended at last."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from treadle.artifact import digest_bytes
from treadle.errors import NodeLostError, NodeTimeoutError, TreadleError
from treadle.metadata import ArtifactRecord, Attempt
from treadle.pipeline import NodeIR
from treadle.runner._ahead import CORES, Ahead
from treadle.runner._child import describe_error
from treadle.runner._decide import Decider, Decision
from treadle.runner._layout import Layout
from treadle.runner._logs import keep
from treadle.runner._resources import Pool, needs_of
from treadle.runner._results import Event, Failure
from treadle.runner._retry import seconds_before
from treadle.runner._task import REQUEST, RESULT, read_json, write_json
from treadle.runner.backends._contract import Began, Ended, Launcher, Task

TICK_SECONDS = 0.1
_MOST_LEFT = 100
"""Folders of ended attempts."""
Listener = Callable[[Event], object]


@dataclass
class _Running:
    """A node whose process has been asked for."""

    decision: Decision
    execution: int
    folder: Path
    log: Path
    started: float
    """When it was asked for; once it is at work, when it began."""
    attempt: int = 1
    offset: int = 0
    """Where in the log this attempt begins, after those before it."""
    printed: int = 0
    """How far the log has been told."""
    began: bool = False
    late: bool = False
    """It took too long and was killed."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A node that is to be started, now or later."""

    decision: Decision
    attempt: int = 1
    at: float = 0.0
    """Not before, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a node ended that was to run; it has been recorded."""

    decision: Decision
    state: Literal["ran", "failed", "skipped", "waiting"]
    reason: str
    outputs: Mapping[str, ArtifactRecord] = field(default_factory=dict)
    error: Failure | None = None
    seconds: float = 0.0
    log: Path | None = None
    attempts: int = 1


class Attempts:
    """The nodes of one run that are at work or about to be.

    Args:
        run: The run's id.
        layout: Where the store is.
        decider: Knows the run's code and lineage.
        launcher: Starts their processes.
        tell: Hears what happens.
        limits: What they may take together.
        staging: A folder for their tasks.
        attempt: The number of a node's first attempt here; more than 1 when it has been tried elsewhere.
    """

    def __init__(
        self,
        run: str,
        *,
        layout: Layout,
        decider: Decider,
        launcher: Launcher,
        tell: Listener,
        limits: Mapping[str, float],
        staging: Path,
        attempt: int = 1,
    ) -> None:
        self._run = run
        self._layout = layout
        self._decider = decider
        self._metadata = decider.metadata
        self._launcher = launcher
        self._tell = tell
        self._pool = Pool(limits)
        self._staging = staging
        self._first = attempt
        self._due: list[_Due] = []
        self._running: dict[int, _Running] = {}
        self._over: list[Path] = []
        """Folders of attempts that have ended: they are removed when there is nothing else to do."""
        self._ahead = Ahead(launcher, decider, self._place)

    @property
    def busy(self) -> bool:
        """Whether a node is at work or about to be."""
        return bool(self._due or self._running)

    def add(self, decision: Decision) -> None:
        """Run a node as soon as there is room."""
        self._launcher.warm_up()
        self._due.append(_Due(decision, self._first))

    def prepare_next(self, waiting: Iterable[NodeIR], ended: Collection[str]) -> None:
        """Have the process of a node prepared that is likely to run soon, while others are at work on another core.

        Args:
            waiting: The nodes that have not been decided upon, in order.
            ended: The names of those that have ended.
        """
        if self._running and self._pool.limit("cpu") >= CORES:
            at_work = (running.decision.node.name for running in self._running.values())
            self._ahead.prepare_next(waiting, {*ended, *at_work})

    def drop(self, node: str) -> None:
        """A node does not run."""
        self._ahead.drop(node)

    def step(self) -> list[Outcome]:
        """Start what fits and listen for a moment; the nodes that ended for good."""
        if self._start_what_fits():
            return []  # what comes next can be prepared before anything is waited for
        if self._running:
            return self._listen()
        if self._due:  # all of them are to be tried again later
            self._clear()
            time.sleep(TICK_SECONDS)
        return []

    def stop(self, reason: str) -> None:
        """End every process, and record what was at work as failed, with what it has printed."""
        self._launcher.close()
        for running in self._running.values():
            log = None
            with contextlib.suppress(Exception):  # who listens may be what has failed
                log = self._kept(running)
                self._pass_on(running)
            self._metadata.finish_execution(running.execution, "failed", reason=reason, log=log)

    def _start_what_fits(self) -> bool:
        """Whether there was something."""
        now = time.monotonic()
        before = len(self._due)
        for due in list(self._due):
            needs = needs_of(due.decision.node.settings.resources)
            if due.at <= now and self._pool.fits(needs):
                self._due.remove(due)
                self._pool.take(needs)
                self._start(due.decision, due.attempt, needs)
        return len(self._due) < before

    def _start(self, decision: Decision, attempt: int, needs: Mapping[str, float]) -> None:
        node = decision.node
        execution = self._metadata.start_execution(attempt_of(self._run, decision))
        folder = self._staging / str(execution)
        folder.mkdir(mode=0o700)
        log = self._layout.log(self._run, node.name)
        write_json(folder / REQUEST, self._request(decision))
        told = _size(log)
        self._running[execution] = _Running(decision, execution, folder, log, time.monotonic(), attempt, told, told)
        self._ahead.started(node.name)
        self._launcher.start(Task(execution, folder, log, needs, node.name))
        self._tell(Event("started", self._run, node.name, decision.reason))

    def _request(self, decision: Decision) -> dict[str, Any]:
        node = decision.node
        request = {
            "node": node.name,
            "run": self._run,
            "outputs": dict(node.outputs),
            **self._place(),
            "component": node.component.to_json(),
            "arguments": decision.arguments,
            "files": {name: str(file) for name, file in self._decider.files.items()},
        }
        return {**request, "resolved": decision.resolved} if node.resolves else request

    def _place(self) -> dict[str, Any]:
        folders = [str(file.parent) for file in self._decider.files.values()]
        entries = [os.path.abspath(entry) for entry in sys.path]
        return {
            "home": str(self._layout.home),
            "sys_path": [*folders, *(entry for entry in entries if entry not in folders)],
            "roots": list(dict.fromkeys([self._decider.project, os.getcwd()])),
        }

    def _listen(self) -> list[Outcome]:
        happened = self._launcher.wait(TICK_SECONDS)
        now = time.monotonic()
        if not happened or len(self._over) > _MOST_LEFT:
            self._clear()
        for event in happened:
            if isinstance(event, Began) and event.task in self._running:
                begun = self._running[event.task]
                begun.started, begun.began = now, True
        ends = [event for event in happened if isinstance(event, Ended)]
        ended = {end.task for end in ends}
        for task, running in self._running.items():
            if task not in ended:  # then its end does
                self._pass_on(running)
            timeout = running.decision.node.settings.timeout
            if timeout is not None and running.began and not running.late and now - running.started > timeout:
                running.late = True
                self._launcher.kill(task)
        return [outcome for end in ends if (outcome := self._end(end)) is not None]

    def _clear(self) -> None:
        """Remove what attempts have left. A disk that syncs for another node takes milliseconds for each file."""
        while self._over:
            shutil.rmtree(self._over.pop(), ignore_errors=True)

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
            self._tell(Event("printed", self._run, running.decision.node.name, text=text))

    def _end(self, end: Ended) -> Outcome | None:
        running = self._running.pop(end.task)
        self._pass_on(running)
        self._pool.give_back(needs_of(running.decision.node.settings.resources))
        result = read_json(running.folder / RESULT) or {}
        self._over.append(running.folder)
        if running.late:
            result = {"error": _too_late(running), "transient": NodeTimeoutError.transient}
        elif end.status < 0 or not result:
            result = {"error": _lost(running, end), "transient": NodeLostError.transient}
        seconds = time.monotonic() - running.started
        reads = result.get("reads", {})
        decision = running.decision
        log = self._kept(running)
        if "error" in result:
            failure = Failure(**result["error"])
            self._metadata.finish_execution(running.execution, "failed", reads=reads, error=failure.to_json(), log=log)
            self._clear()  # what it has left may be all of an output
            if result.get("transient") and running.attempt <= decision.node.settings.retries:
                self._try_again(running, failure)
                return None
            return Outcome(decision, "failed", decision.reason, {}, failure, seconds, running.log, running.attempt)
        if "skip" in result:
            self._metadata.finish_execution(running.execution, "skipped", reads=reads, reason=result["skip"], log=log)
            return Outcome(decision, "skipped", result["skip"], seconds=seconds)
        if "wait" in result:
            self._metadata.finish_execution(running.execution, "waiting", reads=reads, reason=result["wait"], log=log)
            return Outcome(decision, "waiting", result["wait"], seconds=seconds)
        outputs = {
            name: ArtifactRecord(found["digest"], found["type"], found["properties"])
            for name, found in result["outputs"].items()
        }
        reusable = decision.reusable and _unchanged(decision.sources)
        self._metadata.finish_execution(
            running.execution, "ran", outputs=outputs, reads=reads, reusable=reusable, log=log
        )
        return Outcome(decision, "ran", decision.reason, outputs, None, seconds, running.log, running.attempt)

    def _kept(self, running: _Running) -> ArtifactRecord | None:
        """What the attempt printed, as an artifact; None when that is nothing, or cannot be kept: the file stays."""
        try:
            return keep(running.log, running.offset, self._staging / f"{running.execution}.log", self._decider.store)
        except (OSError, TreadleError) as error:
            text = f"[treadle] what it printed could not be kept: {error}\n"
            self._tell(Event("printed", self._run, running.decision.node.name, text=text))
            return None

    def _try_again(self, running: _Running, failure: Failure) -> None:
        attempt = running.attempt + 1
        seconds = seconds_before(attempt)
        reason = f"attempt {attempt} of {running.decision.node.settings.retries + 1}, after {failure.what}"
        decision = replace(running.decision, reason=reason)
        self._due.append(_Due(decision, attempt, time.monotonic() + seconds))
        self._tell(Event("retrying", self._run, decision.node.name, f"{reason}; in {seconds:.1f} s"))


def attempt_of(run: str, decision: Decision) -> Attempt:
    """A decision as the lineage records it."""
    return Attempt(
        run_id=run,
        node=decision.node.name,
        component=str(decision.node.component),
        reason=decision.reason,
        fingerprint=decision.fingerprint,
        parts=decision.parts,
        inputs=decision.inputs,
    )


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
        f"The process of the node {end.detail or how} before it could tell a result",
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
