"""A wall clock that jumps decides nothing: not which run is the last, not what is kept, not who may record."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from treadle.artifact import Artifact, canonical_json, digest_bytes
from treadle.metadata import (
    ArtifactRecord,
    Attempt,
    MetadataStore,
    Pins,
    Retention,
    collect,
    export_run,
    import_run,
)
from treadle.storage import ArtifactStore, stored

FINGERPRINT = digest_bytes(canonical_json({}))
YEAR = 365 * 86_400.0


class Clock:
    """The wall clock, set by the test."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(metadata: MetadataStore, store: ArtifactStore, name: str, state: str = "succeeded") -> None:
    metadata.begin_run(name, pipeline="p", ir={}, lease_seconds=60)
    staged = store.stage()
    (staged / "name").write_text(name)
    artifact = store.publish(staged, Artifact)
    execution = metadata.start_execution(Attempt(name, "n", "m:n", "because", FINGERPRINT, {}))
    metadata.finish_execution(execution, "ran", outputs={"x": ArtifactRecord(artifact.digest, "Artifact")})
    metadata.finish_run(name, state)  # type: ignore[arg-type]


@pytest.mark.parametrize("jump", [-YEAR, -1.5, YEAR], ids=["a year back", "a moment back", "a year forth"])
def test_the_last_run_is_the_last(jump: float, tmp_path: Path, clock: Clock) -> None:
    store = ArtifactStore(tmp_path)
    with MetadataStore(tmp_path / "metadata.sqlite", clock=clock) as metadata:
        run(metadata, store, "b")
        clock.seconds += jump
        run(metadata, store, "a")
        clock.seconds -= jump
        run(metadata, store, "c", "failed")
        assert [one.id for one in metadata.runs()] == ["c", "a", "b"]
        assert [found.run_id for found in metadata.successes(FINGERPRINT)] == ["c", "a", "b"]
        assert metadata.kept(Retention(runs=1, days=0)).runs == {"a", "c"}


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_a_collection_under_a_wrong_clock_keeps_what_it_would_have_kept(
    jump: float, tmp_path: Path, clock: Clock
) -> None:
    store = ArtifactStore(tmp_path)
    with MetadataStore(tmp_path / "metadata.sqlite", clock=clock) as metadata:
        for name in ("a", "b", "c"):
            run(metadata, store, name)
            clock.seconds += 86_400
        clock.seconds += jump
        collect(metadata, store, Retention(runs=0, days=1.5), pins=Pins, clock=clock)
        expected = 3 if jump < 0 else 2  # into the past: everything is young; into the future: nothing is older
        assert len(list(stored(store))) == expected


def test_a_lease_does_not_ask_the_wall_clock(tmp_path: Path, clock: Clock) -> None:
    with MetadataStore(tmp_path / "metadata.sqlite", clock=clock) as metadata:
        metadata.begin_run("a", pipeline="p", ir={}, lease_seconds=60)
        clock.seconds += YEAR
        assert metadata.overdue() == []
        metadata.renew_lease("a", 60)
        clock.seconds -= 2 * YEAR
        assert metadata.overdue() == []
        metadata.finish_run("a", "succeeded")


def test_a_run_from_the_future_is_not_ahead_of_what_runs_here_next(tmp_path: Path, clock: Clock) -> None:
    here, there = ArtifactStore(tmp_path / "here"), ArtifactStore(tmp_path / "there")
    ahead = Clock()
    ahead.seconds += 100 * YEAR
    with (
        MetadataStore(tmp_path / "here.sqlite", clock=clock) as own,
        MetadataStore(tmp_path / "there.sqlite", clock=ahead) as other,
    ):
        run(other, there, "late")
        export_run(other, there, "late", tmp_path / "run.tar")
        import_run(own, here, tmp_path / "run.tar")
        run(own, here, "mine")
        assert [one.id for one in own.runs()] == ["mine", "late"]


class Restless(Clock):
    """A wall clock that is somewhere else each time somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self.jumps = 0
        self._chance = random.Random(7)

    def __call__(self) -> float:
        self.jumps += 1
        self.seconds += self._chance.choice([-1, 1]) * self._chance.choice([0.5, 90.0, 86_400.0, 20 * YEAR])
        self.seconds = min(max(self.seconds, 86_400.0), 400 * YEAR)
        return self.seconds


@pytest.mark.parametrize("jumps", [120, pytest.param(6_000, marks=pytest.mark.drill)], ids=["short", "long"])
def test_jumps_between_all_steps(tmp_path: Path, jumps: int) -> None:
    clock, store, begun = Restless(), ArtifactStore(tmp_path), list[str]()
    with MetadataStore(tmp_path / "metadata.sqlite", clock=clock) as metadata:
        while clock.jumps < jumps:
            metadata.begin_run(waiting := f"waiting {len(begun)}", pipeline="q", ir={}, lease_seconds=3_600)
            run(metadata, store, name := f"run {len(begun)}", "failed" if len(begun) % 3 else "succeeded")
            begun += [waiting, name]
            assert metadata.overdue() == []
            assert [one.id for one in metadata.runs(limit=4)] == begun[-1:-5:-1]
            assert metadata.successes(FINGERPRINT)[0].run_id == name
            collect(metadata, store, Retention(runs=2, days=0), pins=Pins, clock=clock)
            kept = set(begun[1::2][-2:]) | set(begun[1::6][-1:])  # the last two, and the last that succeeded
            assert {(found.path / "name").read_text() for found in stored(store)} == kept
            metadata.renew_lease(waiting, 60)
            metadata.finish_run(waiting, "succeeded")
        assert all(one.created_at <= (one.finished_at or 0) for one in metadata.runs(limit=len(begun)))
    print(f"{clock.jumps} jumps of the clock, {len(begun)} runs: 0 out of order, 0 leases lost, 0 collected wrongly")
