"""Runs, pins, deaths and collections in any order: what is live is there and whole; what is dead is gone at the end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from treadle.artifact import Artifact, digest_tree
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, Pins, Retention, collect
from treadle.storage import ArtifactStore, check, stored
from treadle.storage import _sweep as sweep  # deaths are injected between its steps

TEXTS = st.integers(0, 15).map(lambda n: f"text {n}")
PIPELINES = st.sampled_from(["p", "q"])


class Death(BaseException):
    """The collector's process ends here."""


class StoreLife(RuleBasedStateMachine):
    """The model: runs in order, each with what it read and made; the store must hold what the policy's words say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.seconds = 1_700_000_000
        self.store = ArtifactStore(self.folder)
        self.metadata = MetadataStore(self.folder / "metadata.sqlite", clock=self.clock)
        self.runs: list[dict] = []  # pipeline, state, named
        self.pinned: set[str] = set()
        self.named: set[str] = set()  # every digest that a run ever named

    def clock(self) -> float:
        self.seconds += 1
        return float(self.seconds)

    def teardown(self) -> None:
        self.metadata.close()
        shutil.rmtree(self.folder)

    def publish(self, text: str) -> ArtifactRecord:
        staged = self.store.stage()
        (staged / "text").write_text(text)
        return ArtifactRecord(self.store.publish(staged, Artifact).digest, "Artifact")

    def here(self) -> set[str]:
        return {found.digest for found in stored(self.store)}

    def live(self, keep: int) -> set[str]:
        """What must be there, by the words of the policy alone."""
        digests = set(self.pinned)
        for pipeline in ("p", "q"):
            own = [run for run in self.runs if run["pipeline"] == pipeline]
            succeeded = [run for run in own if run["state"] == "succeeded"]
            staying = (
                own[max(0, len(own) - keep) :] + succeeded[-1:] + [run for run in own if run["state"] == "running"]
            )
            digests |= {digest for run in staying for digest in run["named"]}
        return digests

    @rule(pipeline=PIPELINES, made=st.lists(TEXTS, max_size=3), read=st.lists(TEXTS, max_size=2), end=st.sampled_from(
        ["succeeded", "succeeded", "failed", "running"]
    ))  # fmt: skip
    def run(self, pipeline: str, made: list[str], read: list[str], end: str) -> None:
        with self.store.in_use():
            run = f"run-{len(self.runs)}"
            self.metadata.begin_run(run, pipeline=pipeline, ir={})
            inputs = [self.publish(text) for text in read]
            execution = self.metadata.start_execution(
                Attempt(run, "n", "m:n", "because", fingerprint=f"f{made}", inputs={"x": inputs})
            )
            outputs = {f"o{n}": self.publish(text) for n, text in enumerate(made)}
            self.metadata.finish_execution(execution, "ran", outputs=outputs)
            if end != "running":
                self.metadata.finish_run(run, end)
        named = {record.digest for record in (*inputs, *outputs.values())}
        self.named |= named
        self.runs.append({"id": run, "pipeline": pipeline, "state": end, "named": named})

    @rule(pipeline=PIPELINES, made=st.lists(TEXTS, max_size=3))
    def reuse(self, pipeline: str, made: list[str]) -> None:
        """The cache: what a fingerprint promises is used only while its bytes are there."""
        with self.store.in_use():
            for found in self.metadata.successes(f"f{made}"):
                if all(check(self.store, record.digest).state == "whole" for record in found.outputs.values()):
                    run = f"run-{len(self.runs)}"
                    self.metadata.begin_run(run, pipeline=pipeline, ir={})
                    self.metadata.record_unrun(Attempt(run, "n", "m:n", "same"), "cached", reused=found)
                    self.metadata.finish_run(run, "succeeded")
                    named = {record.digest for record in found.outputs.values()}
                    self.runs.append({"id": run, "pipeline": pipeline, "state": "succeeded", "named": named})
                    return

    @rule(text=TEXTS)
    def die_between_publish_and_commit(self, text: str) -> None:
        self.publish(text)

    @precondition(lambda self: any(run["state"] == "running" for run in self.runs))
    @rule()
    def end_a_running_run(self) -> None:
        run = next(run for run in self.runs if run["state"] == "running")
        self.metadata.abandon_run(run["id"], {"what": "died"})
        run["state"] = "failed"

    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        if here := self.here():
            self.pinned.add(data.draw(st.sampled_from(sorted(here))))

    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        if self.pinned:
            self.pinned.remove(data.draw(st.sampled_from(sorted(self.pinned))))

    @precondition(lambda self: self.runs)
    @rule(keep=st.integers(0, 4), unknown_days=st.sampled_from([0, 1]), dies_at=st.none() | st.integers(0, 6))
    def collect(self, keep: int, unknown_days: int, dies_at: int | None) -> None:
        policy = Retention(runs=keep, days=0, unknown_days=unknown_days)
        before, live = self.here(), self.live(keep)
        if not self.named:
            return
        original, steps = sweep.take_out, iter(range(100))

        def mortal(store: ArtifactStore, digest: str) -> bool:
            if dies_at is not None and next(steps) == dies_at:
                raise Death
            return original(store, digest)

        from treadle.metadata import _collect

        _collect.take_out = mortal  # type: ignore[attr-defined]
        died = False
        try:
            collect(self.metadata, self.store, policy, pins=lambda: Pins(digests=frozenset(self.pinned)), clock=far)
        except Death:
            died = True
        finally:
            _collect.take_out = original  # type: ignore[attr-defined]
        after = self.here()
        assert live & before <= after, "something live was collected"
        if not died:
            assert after - live <= before - self.named or unknown_days == 0
            assert unknown_days == 1 or after <= live, "something dead stayed"

    @invariant()
    def what_is_there_is_whole(self) -> None:
        for found in stored(self.store):
            assert digest_tree(found.path) == found.digest


def far() -> float:
    """A moment after everything was published, less than a day later."""
    import time

    return time.time() + 60


@pytest.mark.parametrize(("lives", "steps"), [(8, 20), pytest.param(400, 40, marks=pytest.mark.drill)])
def test_nothing_live_is_ever_collected(lives: int, steps: int) -> None:
    run_state_machine_as_test(
        StoreLife, settings=settings(max_examples=lives, stateful_step_count=steps, deadline=None)
    )
    print(f"{lives} lives of a store, up to {steps} steps each: nothing live was collected, nothing dead was left")
