"""What is collected and, above all, what is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from treadle.artifact import Artifact
from treadle.errors import StoreInUseError, UsageError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, Pins, Retention, collect, pins_of, plan_collection
from treadle.storage import ArtifactStore, check, empty_bin, stored, take_out

NOTHING = Retention(runs=0, days=0, unknown_days=0)


class House:
    """A store and its lineage."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_700_000_000.0
        self.store = ArtifactStore(folder)
        self.metadata = MetadataStore(folder / "metadata.sqlite", clock=self.clock)

    def clock(self) -> float:
        self.now += 1
        return self.now

    def publish(self, text: str) -> ArtifactRecord:
        staged = self.store.stage()
        (staged / "text").write_text(text)
        return ArtifactRecord(self.store.publish(staged, Artifact).digest, "Artifact")

    def run(self, run: str, made: list[str], read: list[str] = [], *, pipeline: str = "p", state: str = "succeeded"):  # noqa: B006
        self.metadata.begin_run(run, pipeline=pipeline, ir={})
        inputs = {"x": [self.publish(text) for text in read]} if read else {}
        execution = self.metadata.start_execution(Attempt(run, "n", "m:n", "because", inputs=inputs))
        outputs = {f"o{n}": self.publish(text) for n, text in enumerate(made)}
        self.metadata.finish_execution(execution, "ran", outputs=outputs)
        if state != "running":
            self.metadata.finish_run(run, state)  # type: ignore[arg-type]

    def texts(self) -> set[str]:
        return {(found.path / "text").read_text() for found in stored(self.store)}

    def collect(self, policy: Retention, pins: Pins | None = None) -> set[str]:
        pins = pins or Pins()
        before = self.texts()
        plan = plan_collection(self.metadata, self.store, policy, pins=pins, clock=self.later)
        assert self.texts() == before
        done = collect(self.metadata, self.store, policy, pins=lambda: pins, clock=self.later)
        assert {found.digest for found in done.leaves} == {found.digest for found in plan.leaves}
        assert all(check(self.store, found.digest).state == "whole" for found in stored(self.store))
        assert os.listdir(self.store.root / "staging") == []
        return before - self.texts()

    def later(self) -> float:
        """Files have the machine's times, so the collector reads the machine's clock, a little ahead."""
        return time.time() + 1


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_newest_runs_and_the_newest_success_stay(house: House) -> None:
    house.run("r1", ["a", "shared"])
    house.run("r2", ["b", "shared"])
    house.run("r3", ["c"], state="failed")
    house.run("r4", ["d"], state="failed")
    house.run("q1", ["e"], pipeline="q")
    assert house.collect(Retention(runs=10, days=0)) == set()
    assert house.collect(Retention(runs=1, days=0)) == {"a", "c"}
    assert house.texts() == {"b", "shared", "d", "e"}
    assert house.collect(NOTHING) == {"d"}


def test_runs_stay_by_age(house: House) -> None:
    house.run("r1", ["a"])
    house.now += 10 * 86_400
    house.run("r2", ["b"])
    house.run("r3", ["c"])
    assert house.collect(Retention(runs=0, days=11)) == set()
    assert house.collect(Retention(runs=0, days=1)) == {"a"}


def test_what_a_kept_run_only_read_stays(house: House) -> None:
    house.run("r1", ["data"])
    house.run("r2", ["model"], ["data"], pipeline="q")
    house.run("r3", ["newer data"])
    assert house.collect(NOTHING) == set()


def test_a_run_that_has_not_ended_keeps_everything_it_named(house: House) -> None:
    house.run("r0", ["read"])
    house.run("r1", ["made"], ["read"], state="running")
    house.run("r2", ["newer"])
    assert house.collect(NOTHING) == set()
    house.metadata.finish_run("r1", "failed")
    assert house.collect(NOTHING) == {"made", "read"}


def test_pins_stay_with_their_ancestors_when_asked(house: House) -> None:
    house.run("r1", ["data"], pipeline="a")
    house.run("r2", ["model"], ["data"], pipeline="b")
    for pipeline in "ab":
        house.run(f"{pipeline}9", [f"new {pipeline}"], pipeline=pipeline)
    model = house.publish("model").digest
    assert plan_collection(house.metadata, house.store, NOTHING, pins=Pins(runs=frozenset({"r2"}))).leaves == ()
    assert house.collect(NOTHING, pins_of(house.metadata, [model], with_ancestors=True)) == set()
    assert house.collect(NOTHING, pins_of(house.metadata, [model], with_ancestors=False)) == {"data"}


def test_an_artifact_no_run_named_has_its_days(house: House) -> None:
    house.run("r1", ["a"])
    house.publish("orphan")
    assert house.collect(Retention(unknown_days=1)) == set()
    assert house.collect(Retention(unknown_days=0)) == {"orphan"}


def test_a_lost_lineage_collects_nothing(house: House) -> None:
    house.publish("precious")
    with pytest.raises(UsageError, match="lineage"):
        house.collect(NOTHING)
    assert house.texts() == {"precious"}


@pytest.mark.parametrize("field", ["runs", "days", "unknown_days"])
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_a_policy_counts_from_zero(field: str, value: float) -> None:
    with pytest.raises(UsageError, match=field):
        Retention(**{field: value})


USER = """
import sys
from treadle.storage import ArtifactStore
with ArtifactStore(sys.argv[1]).in_use():
    print("in", flush=True)
    sys.stdin.read()
"""


def test_a_run_at_work_is_waited_for_or_refused(house: House) -> None:
    house.run("r1", ["a"])
    user = subprocess.Popen(
        [sys.executable, "-c", USER, house.store.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdin
    assert user.stdout
    with user:
        user.stdout.readline()
        with pytest.raises(StoreInUseError):
            house.collect(NOTHING)
        with house.store.in_use():  # users do not hinder each other
            pass
        user.kill()  # the lock ends with the process, however that ends
    assert collect(house.metadata, house.store, NOTHING, pins=Pins, wait_seconds=10).leaves == ()


def test_a_death_between_the_steps_leaves_litter_that_the_next_sweep_clears(house: House) -> None:
    house.run("r1", ["a"])
    digest = house.publish("b").digest
    assert take_out(house.store, digest)
    assert not take_out(house.store, digest)
    assert house.texts() == {"a"}
    assert empty_bin(house.store) == 1
    assert os.listdir(house.store.root / "staging") == []


def test_what_was_set_aside_stays_for_a_person_to_look_at(house: House) -> None:
    house.run("r1", ["a"])
    house.store.set_aside(house.publish("damaged").digest)
    house.store.stage()
    collect(house.metadata, house.store, Retention(), pins=Pins)
    (place,) = (house.store.root / "staging").iterdir()
    assert (place / "damaged" / "text").read_text() == "damaged"
    os.utime(place, (0, 0))
    assert house.collect(Retention()) == set()


def test_a_flipped_bit_is_found(house: House) -> None:
    digest = house.publish("whole").digest
    assert check(house.store, digest).state == "whole"
    file = house.store.path(digest) / "text"
    file.chmod(0o600)
    file.write_text("whoLe")
    assert check(house.store, digest).state == "damaged"
    assert check(house.store, "sha256:" + "0" * 64).state == "missing"
