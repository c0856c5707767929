from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.metadata import ArtifactRecord, Attempt, MetadataStore

EXAMPLES = ArtifactRecord("sha256:" + "a" * 64, "Examples", {"rows": 3})
MODEL = ArtifactRecord("sha256:" + "b" * 64, "Model")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetadataStore]:
    with MetadataStore(tmp_path / "metadata.sqlite", clock=iter(range(1000)).__next__) as store:
        yield store


def train(store: MetadataStore, run: str) -> int:
    store.begin_run(run, pipeline="taxi", ir={"name": "taxi"})
    return store.start_execution(
        Attempt(
            run,
            "train",
            "pipeline:train",
            "first run",
            fingerprint="sha256:f",
            parts={"code pipeline.train": "1"},
            inputs={"examples": [EXAMPLES, EXAMPLES]},
        )
    )


def test_a_run_from_begin_to_end(store: MetadataStore) -> None:
    execution = train(store, "r1")
    assert store.successes("sha256:f") == []
    store.finish_execution(execution, "ran", outputs={"model": MODEL}, reads={"config.json": "sha256:c"})
    store.finish_run("r1", "succeeded")
    (found,) = store.successes("sha256:f")
    assert found.outputs == {"model": MODEL}
    assert found.reads == {"config.json": "sha256:c"}
    assert found.started_at < (found.finished_at or 0)
    assert store.parts("sha256:f") == {"code pipeline.train": "1"}
    assert store.parts("sha256:none") == {}
    run = store.run("r1")
    assert run is not None
    assert (run.state, run.ir) == ("succeeded", {"name": "taxi"})


def test_reuse_points_at_what_it_reused(store: MetadataStore) -> None:
    store.finish_execution(train(store, "r1"), "ran", outputs={"model": MODEL})
    (source,) = store.successes("sha256:f")
    store.begin_run("r2", pipeline="taxi", ir={})
    store.record_unrun(
        Attempt("r2", "train", "pipeline:train", "same", fingerprint="sha256:f"), "cached", reused=source
    )
    (reused,) = store.executions("r2")
    assert (reused.state, reused.reused, reused.outputs) == ("cached", source.id, {"model": MODEL})
    assert store.successes("sha256:f") == [source]
    assert store.latest_success("taxi", "train") == reused
    assert store.latest_success("taxi", "train", before=reused.id) == source
    assert store.latest_success("other", "train") is None


def test_a_failure_is_no_success(store: MetadataStore) -> None:
    store.finish_execution(train(store, "r1"), "failed", error={"what": "no"})
    assert store.successes("sha256:f") == []
    assert store.latest_success("taxi", "train") is None
    assert store.executions("r1")[0].error == {"what": "no"}


def test_runs_are_listed_newest_first(store: MetadataStore) -> None:
    for name in ("a", "b", "c"):
        store.begin_run(name, pipeline="p" if name != "b" else "q", ir={})
    assert [run.id for run in store.runs()] == ["c", "b", "a"]
    assert [run.id for run in store.runs(pipeline="p", limit=1)] == ["c"]
    assert store.run("none") is None
