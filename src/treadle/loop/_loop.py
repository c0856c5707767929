"""One turn of the wheel per window: look at the traffic, decide, run the pipeline, say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle import runner
from treadle.config import home as default_home
from treadle.errors import LoopError
from treadle.evaluation import Verdict
from treadle.loop._policy import Observation, RetrainPolicy
from treadle.loop._turns import Action, Turn, TurnStore
from treadle.loop._waiting import go_on
from treadle.monitoring import (
    DriftReport,
    Duration,
    LabelStore,
    Traffic,
    Window,
    measure_drift,
    measure_quality,
    windows,
)
from treadle.pipeline import Pipeline
from treadle.registry import ModelVersion, Registry
from treadle.servable import Servable

# The codes of errors by which a person says no, or nobody said anything in time.
_ANSWERS = ("APPROVAL_REJECTED", "APPROVAL_EXPIRED")


class Loop:
    """Watches one model and retrains it by a policy.

    Time comes in through ``tick(now)``, so history can be played again at any speed. A window is decided once; what
    was decided is kept in the store, and a process that dies between two turns goes on where it was.

    Args:
        pipeline: The pipeline that makes the model. It has the parameters ``first`` and ``last``, the names of the
            first and last data span to train on, and ends in a push.
        policy: When to retrain, and on what.
        model: The model's name in the registry and on the server.
        serving: The folder the server reads, where pushes go.
        log: The server's request log.
        labels: The folder of labels.
        parameters: Other parameters of every run.
        home: The store; ``None`` takes the configured one.
        on_event: Called with the runner's events while a pipeline runs.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        policy: RetrainPolicy,
        *,
        model: str,
        serving: Path,
        log: Path,
        labels: Path,
        parameters: Mapping[str, Any] | None = None,
        home: Path | None = None,
        on_event: Callable[[Any], None] | None = None,
    ) -> None:
        self.policy = policy
        self.model = model
        self._pipeline = pipeline
        self._serving = serving
        self._log = log
        self._labels = LabelStore(labels)
        self._parameters = dict(parameters or {})
        self._home = home or default_home()
        self._on_event = on_event
        self._registry = Registry(self._home)
        self._turns = TurnStore(self._home)

    def turns(self) -> list[Turn]:
        """Every turn so far, oldest first."""
        return self._turns.turns(self.model)

    def tick(self, now: datetime) -> list[Turn]:
        """Decide every window that has closed by ``now`` and was not decided yet, oldest first.

        A retraining that waits for a person is looked at first: when there is an answer, or it is too late for one, it
        goes on. While one waits no other is begun.

        Args:
            now: Naive event time.

        Returns:
            The turns that were settled and those that are new.

        Raises:
            LoopError: There is no champion to watch, or its servable is not in the serving folder.
        """
        settled = [turn for turn in map(self._settled, self.turns()) if turn is not None]
        done = self.turns()
        if done:
            first = done[-1].window.end
        else:
            start = self._first_window_start()
            if start is None:
                return settled
            first = start
        fresh: list[Turn] = []
        for window in windows(first, now, Duration.parse(self.policy.period)):
            turn = self._turn(window, done + fresh)
            self._turns.record(self.model, turn)
            fresh.append(turn)
        return settled + fresh

    def _settled(self, turn: Turn) -> Turn | None:
        """What came of a turn that waited; None when it did not, or still does."""
        if turn.action != "waiting" or turn.run_id is None:
            return None
        result = go_on(self._pipeline, turn.run_id, home=self._home, on_event=self._on_event)
        if result is None:
            return None
        action, outcome = _judged(result)
        reasons = (*turn.reasons, *outcome)
        after = replace(
            turn, action=action, reasons=reasons, run_id=result.id, version=self._champion_version().version
        )
        self._turns.settle(self.model, after)
        return after

    def _first_window_start(self) -> datetime | None:
        """Where the champion's training data ended; failing that, the log's earliest event."""
        version, servable = self._champion()
        trained_to = _end_of_span(version.properties.get("last_span"))
        if trained_to is not None:
            return trained_to
        earliest = self._traffic(servable).first_event()
        return None if earliest is None else _aligned(earliest, Duration.parse(self.policy.period))

    def _turn(self, window: Window, past: list[Turn]) -> Turn:
        version, servable = self._champion()
        traffic = self._traffic(servable)
        served = traffic.read(window)
        report = self._drift(served, servable)
        labelled = self._labelled_window(window.end)
        rows, ripe = served, report  # without a label delay they are the same window
        if labelled != window:
            rows = traffic.read(labelled)
            ripe = self._drift(rows, servable)
        quality = self._quality(rows, labelled, version, servable.task)
        decision = self.policy.decide(
            Observation(
                now=window.end,
                drifted=tuple(ripe.drifted),
                metrics=quality.get("metrics", {}),
                labelled=labelled.name,
                trained_at=_end_of_span(version.properties.get("last_span")),
                attempted_at=next((turn.window.end for turn in reversed(past) if turn.attempted), None),
            )
        )
        action: Action = "none"
        reasons, run_id = decision.reasons, None
        waiting = next((turn.run_id for turn in past if turn.action == "waiting"), None)
        if decision.retrain and waiting is not None:
            reasons = (*reasons, f"run {waiting} waits for an answer")
        elif decision.retrain:
            action, outcome, run_id = self._retrain(labelled)
            reasons = (*reasons, *outcome)
        in_service = self._champion_version().version
        return Turn(window, report.rows, report.drifted, quality, action, reasons, run_id, in_service)

    def _drift(self, rows: pa.Table, servable: Servable) -> DriftReport:
        baseline = servable.baseline()
        if baseline is None or rows.num_rows < self.policy.min_rows:
            return DriftReport(rows.num_rows, {}, {})
        return measure_drift(rows, baseline, servable.schema)

    def _quality(self, rows: pa.Table, window: Window, version: ModelVersion, task: str) -> dict[str, Any]:
        """Live quality of ``version`` over ``window``; empty where it answered too little of it."""
        measured = measure_quality(rows, self._labels.read(), task=task).by_version.get(version.version)
        if measured is None or (measured["count"] or 0) < self.policy.min_rows:
            return {}
        return {"window": window.name, "metrics": dict(measured)}

    def _retrain(self, last: Window) -> tuple[Action, tuple[str, ...], str]:
        """Run the pipeline on the rolling window that ends with ``last``."""
        period = Duration.parse(self.policy.period)
        first_start = last.start
        for _ in range(self.policy.window - 1):
            first_start = period.before(first_start)
        spans = {"first": Window(first_start, period.after(first_start)).name, "last": last.name}
        result = runner.run(self._pipeline, {**self._parameters, **spans}, home=self._home, on_event=self._on_event)
        action, outcome = _judged(result)
        return action, (f"trained on {spans['first']}..{spans['last']}", *outcome), result.id

    def _labelled_window(self, now: datetime) -> Window:
        """The newest window whose labels are complete by ``now``; windows end at ``now`` and before it."""
        period, delay = Duration.parse(self.policy.period), Duration.parse(self.policy.label_delay)
        end = now
        while delay.after(end) > now:
            end = period.before(end)
        return Window(period.before(end), end)

    def _champion_version(self) -> ModelVersion:
        return self._registry.get(f"{self.model}@champion")

    def _champion(self) -> tuple[ModelVersion, Servable]:
        version = self._champion_version()
        path = self._serving / self.model / str(version.version)
        if not path.is_dir():
            raise LoopError(
                f"The champion of {self.model!r}, version {version.version}, is not in the serving folder",
                where={"folder": path},
                hint="Run the pipeline with this serving folder, so that its push puts the version there.",
            )
        return version, Servable.load(path)

    def _traffic(self, servable: Servable) -> Traffic:
        return Traffic(self._log, self.model, event_time=servable.schema.event_time)


def _judged(result: runner.RunResult) -> tuple[Action, tuple[str, ...]]:
    """What came of a retraining, and why."""
    if result.state == "waiting":
        asked = [f"{name} waits {node.reason}" for name, node in result.nodes.items() if node.state == "waiting"]
        return "waiting", tuple(asked[:1])
    if result.state != "succeeded":
        failures = {name: node.error for name, node in result.nodes.items() if node.error is not None}
        answered = bool(failures) and all(failure.code in _ANSWERS for failure in failures.values())
        told = [failure.what if answered else f"{name}: {failure}" for name, failure in failures.items()]
        return "refused" if answered else "failed", tuple(told)
    pushed, verdict = _outcome(result)
    return ("promoted", verdict.reasons[:1]) if pushed else ("refused", verdict.reasons)


def _outcome(result: runner.RunResult) -> tuple[bool, Verdict]:
    """Whether the run's push let the model out, and the verdict it rested on."""
    pushed, verdict = None, None
    for node in result.nodes.values():
        for artifact in node.outputs.values():
            if artifact.type_name == "Pushed":
                pushed = bool(artifact.properties.get("pushed"))
            elif artifact.type_name == "Verdict":
                verdict = Verdict.load(artifact.path / "verdict.json")
    if pushed is None or verdict is None:
        raise LoopError(
            "The pipeline judged or pushed nothing",
            where={"run": result.id},
            hint="A pipeline for the loop ends in evaluate and push.",
        )
    return pushed, verdict


def _aligned(moment: datetime, period: Duration) -> datetime:
    """The start of the first window: the first of the month, or midnight, or the hour."""
    start = moment.replace(minute=0, second=0, microsecond=0)
    if period.months or not period.exact.seconds:
        start = start.replace(hour=0)
    return start.replace(day=1) if period.months else start


def _end_of_span(span: str | None) -> datetime | None:
    """The end of a data span named by month or day; ``None`` for a span that is only a number."""
    if span is None:
        return None
    for form, length in (("%Y-%m", "1mo"), ("%Y-%m-%d", "1d")):
        try:
            return Duration.parse(length).after(datetime.strptime(span, form))
        except ValueError:
            continue
    return None
