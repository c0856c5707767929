"""The driver of one run: decide, start, publish, record; independent nodes side by side."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from treadle.errors import LeaseLostError, RunCancelledError
from treadle.metadata import ArtifactRecord, Attempt
from treadle.pipeline import NodeIR, PipelineIR, loops
from treadle.runner._attempts import Attempts, Listener, Outcome, attempt_of
from treadle.runner._child import describe_error
from treadle.runner._decide import Decider, Decision
from treadle.runner._flow import Flow, read_value, template_of, with_status
from treadle.runner._layout import Layout
from treadle.runner._lease import LEASE_SECONDS, heartbeat
from treadle.runner._lock import is_asked_to_stop, staging_of
from treadle.runner._results import Event, Failure, NodeResult, RunResult
from treadle.runner._select import Part
from treadle.runner.backends._contract import Launcher


class Driver:
    """One run of a compiled pipeline."""

    def __init__(
        self,
        ir: PipelineIR,
        part: Part,
        *,
        layout: Layout,
        decider: Decider,
        launcher: Launcher,
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
        self._launcher = launcher
        self._tell = tell
        self._limits = limits
        self._part = part
        self._asked = asked
        self._nodes: Mapping[str, NodeIR] = ir.nodes
        """With the loops that could be written out so far."""
        self._has_loops = bool(loops(ir.nodes))
        self._waiting = {name: node for name, node in ir.nodes.items() if name in part.selected or name in part.given}
        self._taking = frozenset(self._waiting)
        self._results: dict[str, NodeResult] = {}
        self._blocked: dict[str, str] = {}
        """Of those that wait, a node that has to end before: until then there is nothing to look at."""
        self._outputs: dict[str, Mapping[str, ArtifactRecord]] = {}
        self._flow = Flow(self._store, self._outputs)
        self._attempts: Attempts | None = None

    def run(self) -> RunResult:
        """Run it to its end."""
        with staging_of(self.id, self._layout.staging) as staging, heartbeat(self.id, self._metadata):
            return self._run(staging)

    def _run(self, staging: Path) -> RunResult:
        started = time.monotonic()
        asked = {**self._ir.to_json(), **self._asked}
        self._metadata.begin_run(self.id, pipeline=self._ir.name, ir=asked, lease_seconds=LEASE_SECONDS)
        self._tell(Event("run", self.id, names=tuple(self._waiting)))
        try:
            self._proceed(staging)
        except BaseException as error:
            self._give_up(error)
            raise
        state = self._state()
        self._metadata.finish_run(self.id, state)
        nodes = {name: self._results[name] for name in self._nodes if name in self._results}
        return RunResult(self.id, state, nodes, time.monotonic() - started)

    def _proceed(self, staging: Path, *, attempt: int = 1) -> None:
        """Decide, start and settle until nothing is left to do."""
        self._attempts = Attempts(
            self.id,
            layout=self._layout,
            decider=self._decider,
            launcher=self._launcher,
            tell=self._tell,
            limits=self._limits,
            staging=staging,
            attempt=attempt,
        )
        may_reuse = self._decider.may_reuse()
        if any(not (node.cache and may_reuse) for name, node in self._waiting.items() if name in self._part.selected):
            self._launcher.warm_up()  # a process will be needed: it starts while the first node is decided upon
        while self._waiting or self._attempts.busy:
            self._stop_if_asked(staging)
            self._decide_ready()
            self._attempts.prepare_next(self._waiting.values(), self._results)
            for outcome in self._attempts.step():
                self._settle(outcome)

    def _state(self) -> Literal["succeeded", "failed", "waiting"]:
        """How the run ended: what runs at its end comes too late to change that."""
        states = {result.state for result in self._before_the_end().values()}
        if "failed" in states:
            return "failed"
        return "waiting" if "waiting" in states else "succeeded"

    def _before_the_end(self) -> dict[str, NodeResult]:
        """How the nodes ended that are not for the end of the run."""
        return {name: result for name, result in self._results.items() if not self._nodes[name].at_exit}

    def _decide_ready(self) -> None:
        progress = True
        while progress:
            progress = False
            self._write_out_loops()
            for name, placed in list(self._waiting.items()):
                if name in self._blocked and self._blocked[name] not in self._results:
                    continue
                node = self._flow.chosen(placed, self._states())
                if node is None or self._open(placed.settles):
                    continue
                upstream = [up for up in node.upstream() if up in self._taking]
                states = {self._results[up].state if up in self._results else None for up in upstream}
                if states & {"failed", "skipped"}:
                    self._skip(node)
                elif held := [up for up in (*upstream, *node.settles) if self._waits(up)]:
                    self._hold(node, held[0])
                elif None in states:
                    self._blocked[name] = next(up for up in upstream if up not in self._results)
                    continue
                elif self._flow.is_open(node):
                    continue
                else:
                    self._decide(node)
                del self._waiting[name]
                progress = True

    def _write_out_loops(self) -> None:
        """Put the nodes of a loop's rounds in place of its body, for the loops whose items are known by now."""
        if not self._has_loops:
            return
        nodes = self._flow.written_out(self._nodes)
        if nodes is self._nodes:
            return
        self._has_loops = bool(loops(nodes))
        origin = {name: template_of(name, self._nodes) for name in nodes}
        self._part = self._part.again(nodes)
        still = {name: node for name, node in nodes.items() if name in self._part or name in self._results}
        self._waiting = {name: node for name, node in still.items() if origin[name] in self._waiting}
        self._taking = frozenset(name for name in still if origin[name] in self._taking)
        self._blocked.clear()  # also by nodes that are others now
        self._nodes = nodes

    def _open(self, names: tuple[str, ...]) -> bool:
        """Whether one of these nodes has not ended yet."""
        return any(name in self._taking and name not in self._results for name in names)

    def _states(self) -> dict[str, str]:
        """How nodes have ended so far."""
        return {name: result.state for name, result in self._results.items()}

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
            node = with_status(node, self.id, self._ir.name, self._before_the_end())
            if (unmet := self._flow.unmet(node)) is not None:
                self._metadata.record_unrun(Attempt(self.id, node.name, str(node.component), unmet), "skipped")
                self._finish(NodeResult(node.name, "skipped", unmet))
                return
            if node.name in self._part.given:
                decision = self._decider.take(node, self._outputs)
            else:
                decision = self._decider.decide(node, self._outputs, run=self.id)
        except Exception as error:
            failure = Failure(**_told(error, node.name))
            attempt = Attempt(self.id, node.name, str(node.component), failure.what)
            self._metadata.record_unrun(attempt, "failed", error=failure.to_json())
            self._finish(NodeResult(node.name, "failed", "it could not be decided upon", error=failure))
            return
        if decision.hit is None:
            assert self._attempts is not None
            self._attempts.add(decision)
            return
        self._metadata.record_unrun(attempt_of(self.id, decision), "cached", reused=decision.hit)
        self._succeed(decision, "cached", decision.hit.outputs)

    def _settle(self, outcome: Outcome) -> None:
        """Take note of how a node ended."""
        if outcome.state == "ran":
            self._succeed(
                outcome.decision,
                "ran",
                outcome.outputs,
                seconds=outcome.seconds,
                log=outcome.log,
                attempts=outcome.attempts,
            )
            return
        self._finish(
            NodeResult(
                outcome.decision.node.name,
                outcome.state,
                outcome.reason,
                error=outcome.error,
                seconds=outcome.seconds,
                log=outcome.log,
                attempts=outcome.attempts,
            )
        )

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
            name: self._store.promise(record.digest, types[name], record.properties) for name, record in outputs.items()
        }
        value = None
        if "value" in outputs:
            value = read_value(self._store, outputs["value"], ())
        self._finish(NodeResult(node.name, state, decision.reason, artifacts, value, None, seconds, log, attempts))

    def _finish(self, result: NodeResult) -> None:
        self._results[result.name] = result
        if result.state not in ("ran", "cached"):
            self._blocked.clear()  # what comes after it need not wait for the others
        if self._attempts is not None:
            self._attempts.drop(result.name)
        self._tell(Event("finished", self.id, result.name, result.reason, result=result))

    def _stop_if_asked(self, staging: Path) -> None:
        if is_asked_to_stop(staging):
            raise RunCancelledError(
                "The run was cancelled", where={"run": self.id}, hint="treadle run FILE.py --resume goes on with it"
            )

    def _give_up(self, error: BaseException) -> None:
        reason = f"the runner stopped: {error}"
        if isinstance(error, KeyboardInterrupt | RunCancelledError):
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "cancelled"
        with contextlib.suppress(LeaseLostError):  # somebody else has recorded that it failed
            if self._attempts is not None:
                self._attempts.stop(reason)
        # also what was recorded as begun when the disk refused the next step
        code = getattr(error, "code", "INTERRUPTED")
        self._metadata.abandon_run(self.id, {"code": code, "what": reason, "where": {}, "hint": None})


def _told(error: Exception, node: str) -> dict[str, Any]:
    return describe_error(error, node, [os.getcwd()])
