"""Runs, pins, deaths and collections in any order: what is live is there and whole; what is dead is gone at the end.

Live are the artifacts of runs that stay, and what was read of the code that such a run would need again when it is
resumed or run once more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

from treadle.artifact import Artifact, digest_file, digest_tree
from treadle.metadata import (
    ArtifactRecord,
    Attempt,
    MetadataStore,
    Pins,
    Retention,
    _collect,
    collect,
    plan_collection,
)
from treadle.pipeline import FACTS_VERSION, FunctionReference
from treadle.pipeline.code._modules import Modules
from treadle.pipeline.code._reading import Readings
from treadle.runner import prune_code
from treadle.runner._memory import CodeMemory
from treadle.storage import ArtifactStore, check, stored

TEXTS = st.integers(0, 15).map(lambda n: f"text {n}")
PIPELINES = st.sampled_from(["p", "q"])
PROJECTS = st.sampled_from(["here", "there"])
FUNCTIONS = st.sampled_from(["first", "second"])
DAY = 86_400


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
        self.read: dict[tuple[str, str], frozenset[str]] = {}  # project and function: the sources it was last read from
        self.perhaps: dict[tuple[str, str], frozenset[str]] = {}  # the same, not live when it was looked for last

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

    def staying(self, keep: int) -> list[dict]:
        """The runs that stay, by the words of the policy alone."""
        staying = []
        for pipeline in ("p", "q"):
            own = [run for run in self.runs if run["pipeline"] == pipeline]
            succeeded = [run for run in own if run["state"] == "succeeded"]
            staying += own[max(0, len(own) - keep) :] + succeeded[-1:]
        return staying + [run for run in self.runs if run["state"] in ("running", "waiting")]

    def live(self, keep: int) -> set[str]:
        """The artifacts that must be there."""
        return self.pinned.union(*(run["named"] for run in self.staying(keep)))

    def live_code(self, keep: int) -> set[tuple[str, str]]:
        """Projects and functions of which nothing that was read of code must leave."""
        named = {run["function"] for run in self.staying(keep)}
        places = {*self.read, *self.perhaps}
        return {(project, name) for project, name in places if name in named and (self.folder / project).is_dir()}

    def readings(self, project: str, memory: CodeMemory) -> Readings:
        """What a run reads code with."""
        folder = self.folder / project
        files = {"steps": folder / "steps.py", "rates": folder / "rates.py"}
        return Readings(Modules(files, memory), folder, memory)

    def read_code(self, project: str, name: str) -> None:
        self.readings(project, CodeMemory(self.folder / "code")).of(FunctionReference("steps", name), [])
        self.read[project, name] = self.sources(project)
        self.perhaps.pop((project, name), None)

    def sources(self, project: str) -> frozenset[str]:
        return frozenset(digest_file(file) for file in (self.folder / project).glob("*.py"))

    def facts(self) -> set[str]:
        folder = self.folder / "code" / FACTS_VERSION
        return {f"sha256:{name.removesuffix('.json')}" for name in os.listdir(folder)} if folder.is_dir() else set()

    def files_of_code(self) -> list[Path]:
        return [file for file in (self.folder / "code").rglob("*") if file.is_file()]

    def edit(self, project: str, text: str) -> None:
        folder = self.folder / project
        folder.mkdir(exist_ok=True)
        (folder / "steps.py").write_text(STEPS)
        (folder / "rates.py").write_text(f"RATE = {text!r}\n")

    @rule(pipeline=PIPELINES, made=st.lists(TEXTS, max_size=3), read=st.lists(TEXTS, max_size=2), end=st.sampled_from(
        ["succeeded", "succeeded", "failed", "running", "waiting"]
    ), project=PROJECTS, name=FUNCTIONS)  # fmt: skip
    def run(self, pipeline: str, made: list[str], read: list[str], end: str, project: str, name: str) -> None:
        with self.store.in_use():
            run = f"run-{len(self.runs)}"
            if not (self.folder / project).is_dir():
                self.edit(project, "nothing yet")
            self.read_code(project, name)
            self.metadata.begin_run(run, pipeline=pipeline, ir=placed(name))
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
        self.runs.append({"id": run, "pipeline": pipeline, "state": end, "named": named, "function": name})

    @rule(project=PROJECTS, text=TEXTS)
    def change_a_constant(self, project: str, text: str) -> None:
        self.edit(project, text)

    @rule(project=PROJECTS)
    def remove_a_project(self, project: str) -> None:
        shutil.rmtree(self.folder / project, ignore_errors=True)

    @rule(pipeline=PIPELINES, made=st.lists(TEXTS, max_size=3))
    def reuse(self, pipeline: str, made: list[str]) -> None:
        """The cache: what a fingerprint promises is used only while its bytes are there."""
        with self.store.in_use():
            for found in self.metadata.successes(f"f{made}"):
                if all(check(self.store, record.digest).state == "whole" for record in found.outputs.values()):
                    run = f"run-{len(self.runs)}"
                    self.metadata.begin_run(run, pipeline=pipeline, ir=placed("another"))
                    self.metadata.record_unrun(Attempt(run, "n", "m:n", "same"), "cached", reused=found)
                    self.metadata.finish_run(run, "succeeded")
                    named = {record.digest for record in found.outputs.values()}
                    state = "succeeded"
                    self.runs.append(
                        {"id": run, "pipeline": pipeline, "state": state, "named": named, "function": "another"}
                    )
                    return

    @rule(text=TEXTS)
    def die_between_publish_and_commit(self, text: str) -> None:
        self.publish(text)
        (self.folder / "code" / FACTS_VERSION).mkdir(parents=True, exist_ok=True)
        (self.folder / "code" / FACTS_VERSION / ".unfinished").write_text("{")

    @precondition(lambda self: any(run["state"] in ("running", "waiting") for run in self.runs))
    @rule()
    def end_a_run_that_has_not_ended(self) -> None:
        run = next(run for run in self.runs if run["state"] in ("running", "waiting"))
        if run["state"] == "running":
            self.metadata.abandon_run(run["id"], {"what": "died"})
        else:
            self.metadata.finish_run(run["id"], "failed")
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
    @rule(keep=st.integers(0, 4), unknown_days=st.sampled_from([0, 1]), dies_at=st.none() | st.integers(0, 12))
    def collect(self, keep: int, unknown_days: int, dies_at: int | None) -> None:
        policy = Retention(runs=keep, days=0, unknown_days=unknown_days)
        before, live = self.here(), self.live(keep)
        code_before, live_code = self.files_of_code(), self.live_code(keep)
        if not self.named:
            return

        def prune(runs: frozenset[str], *, delete: bool = True) -> int:
            since = far() - unknown_days * DAY
            return prune_code(self.metadata, runs, before=since, delete=delete, home=self.folder).files

        def pins() -> Pins:
            return Pins(digests=frozenset(self.pinned))

        plan = plan_collection(self.metadata, self.store, policy, pins=pins(), clock=far)
        planned = prune(plan.runs_kept, delete=False)
        assert (self.here(), self.files_of_code()) == (before, code_before), "a look removed something"
        died = False
        try:
            with mortal(dies_at):
                collect(self.metadata, self.store, policy, pins=pins, then=prune, clock=far)
        except Death:
            died = True
        after = self.here()
        assert live & before <= after, "something live was collected"
        self.nothing_live_is_read_again(live_code & set(self.read))
        if not died:
            assert len(self.files_of_code()) == len(code_before) - planned
            assert after - live <= before - self.named or unknown_days == 0
            assert unknown_days == 1 or after <= live, "something dead stayed"
            if unknown_days == 0:
                self.nothing_dead_is_kept(live_code)
        self.perhaps |= {place: self.read.pop(place) for place in set(self.read) - live_code}

    def nothing_live_is_read_again(self, live: set[tuple[str, str]]) -> None:
        assert set().union(*(self.read[place] for place in live)) <= self.facts(), "something live was collected"
        for project, name in live:
            if self.read[project, name] == self.sources(project):
                self.readings(project, Unwilling(self.folder / "code")).of(FunctionReference("steps", name), [])

    def nothing_dead_is_kept(self, live: set[tuple[str, str]]) -> None:
        self.perhaps = {place: sources for place, sources in self.perhaps.items() if place in live}
        facts = self.facts()
        assert facts <= set().union(*((self.read | self.perhaps)[place] for place in live)), "something dead stayed"
        assert len(self.files_of_code()) <= len(facts) + len(live), "something dead stayed"

    @invariant()
    def what_is_there_is_whole(self) -> None:
        for found in stored(self.store):
            assert digest_tree(found.path) == found.digest


class Unwilling(CodeMemory):
    """A memory that nothing new may be told to."""

    def put(self, digest: str, facts: object) -> None:
        raise AssertionError(f"the facts of {digest} were lost")

    def keep(self, key: str, value: object) -> None:
        raise AssertionError(f"a reading was lost: {value}")


STEPS = """
from rates import RATE

def first():
    return RATE

def second():
    return first() + RATE
"""


def placed(name: str) -> dict[str, Any]:
    """A compiled pipeline whose one node is given a function."""
    reference = {"module": "steps", "name": name}
    return {"nodes": [{"component": {"module": "n", "name": "n"}, "arguments": {"f": {"function": reference}}}]}


def far() -> float:
    """A moment after everything was written, less than a day later."""
    return time.time() + 60


@contextmanager
def mortal(dies_at: int | None) -> Iterator[None]:
    """A process that ends before a step of a collection: before an artifact or a file leaves."""
    steps = iter(range(10_000))

    def with_death(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            if next(steps) == dies_at:
                raise Death
            return original(*args, **named)

        return step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_collect, "take_out", with_death(_collect.take_out))
        patch.setattr(os, "unlink", with_death(os.unlink))
        yield


@pytest.mark.parametrize(("lives", "steps"), [(8, 20), pytest.param(400, 40, marks=pytest.mark.drill)])
def test_nothing_live_is_ever_collected(lives: int, steps: int) -> None:
    run_state_machine_as_test(
        StoreLife, settings=settings(max_examples=lives, stateful_step_count=steps, deadline=None)
    )
    print(f"{lives} lives of a store, up to {steps} steps each: nothing live was collected, nothing dead was left")
