"""Where artifacts came from and where they went, over runs that coincide in some of their bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from treadle.errors import UsageError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, Related


def record(name: str, type_name: str = "Artifact", **properties: object) -> ArtifactRecord:
    return ArtifactRecord("sha256:" + hashlib.sha256(name.encode()).hexdigest(), type_name, properties)


class Runs:
    """Writes runs whose nodes read and make artifacts by name."""

    def __init__(self, store: MetadataStore) -> None:
        self.store = store

    def run(self, run: str, *nodes: tuple[str, str, str], state: str = "ran", pipeline: str = "p") -> None:
        self.store.begin_run(run, pipeline=pipeline, ir={})
        for node, read, made in nodes:
            attempt = Attempt(
                run,
                node,
                f"m:{node}",
                "because",
                fingerprint=f"f-{node}-{read}",
                parts={f"code m.{node}": "1", "package numpy": "2"},
                inputs={"x": [record(name) for name in read.split()]} if read else {},
            )
            execution = self.store.start_execution(attempt)
            outputs: Mapping[str, ArtifactRecord] = {name: record(name) for name in made.split()}
            self.store.finish_execution(execution, state, outputs=outputs)  # type: ignore[arg-type]
        self.store.finish_run(run, "succeeded")


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with MetadataStore(tmp_path / "metadata.sqlite") as store:
        yield Runs(store)


def names(related: list[Related], *known: str) -> dict[str, int]:
    by_digest = {record(name).digest: name for name in known}
    return {by_digest[found.artifact.digest]: found.depth for found in related}


ALL = ("data", "data2", "stats", "graph", "model", "model2", "verdict", "pushed", "pushed2", "blend", "none")


def test_both_directions_with_the_fewest_steps(runs: Runs) -> None:
    runs.run(
        "r1", ("a", "", "data"), ("b", "data", "stats graph"), ("c", "data graph", "model"), ("d", "model", "verdict")
    )
    lineage = runs.store.lineage
    assert names(lineage.ancestors(record("model").digest), *ALL) == {"data": 1, "graph": 1}
    assert names(lineage.ancestors(record("verdict").digest), *ALL) == {"model": 1, "data": 2, "graph": 2}
    assert names(lineage.descendants(record("data").digest), *ALL) == {"stats": 1, "graph": 1, "model": 1, "verdict": 2}
    assert names(lineage.descendants(record("graph").digest, max_depth=1), *ALL) == {"model": 1}
    assert lineage.ancestors(record("data").digest) == []
    assert lineage.descendants(record("verdict").digest) == []
    assert lineage.ancestors(record("none").digest) == []


def test_equal_bytes_of_another_run_lead_nowhere(runs: Runs) -> None:
    first = (("a", "", "data"), ("b", "data", "model"), ("c", "model", "verdict"), ("d", "model verdict", "pushed"))
    second = (
        ("a", "", "data2"),
        ("b", "data2", "model2"),
        ("c", "model2", "verdict"),
        ("d", "model2 verdict", "pushed2"),
    )
    runs.run("r1", *first)
    runs.run("r2", *second)
    lineage = runs.store.lineage
    assert set(names(lineage.descendants(record("data").digest), *ALL)) == {"model", "verdict", "pushed"}
    assert set(names(lineage.ancestors(record("pushed").digest), *ALL)) == {"model", "verdict", "data"}
    assert set(names(lineage.ancestors(record("verdict").digest), *ALL)) == {"model2", "data2"}
    assert set(names(lineage.ancestors(record("verdict").digest, run="r1"), *ALL)) == {"model", "data"}
    assert set(names(lineage.descendants(record("model2").digest, run="r2"), *ALL)) == {"verdict", "pushed2"}


def test_what_was_brought_in_from_another_run_is_followed(runs: Runs) -> None:
    runs.run("r1", ("a", "", "data"), ("b", "data", "model"))
    runs.run("r2", ("e", "model", "blend"))
    runs.run("r3", ("f", "blend", "pushed"), pipeline="q")
    lineage = runs.store.lineage
    assert names(lineage.ancestors(record("pushed").digest), *ALL) == {"blend": 1, "model": 2, "data": 3}
    assert names(lineage.descendants(record("data").digest), *ALL) == {"model": 1, "blend": 2, "pushed": 3}


def test_a_failed_node_leads_nowhere(runs: Runs) -> None:
    runs.run("r1", ("a", "", "data"))
    runs.run("r2", ("b", "data", "model"), state="failed")
    assert runs.store.lineage.descendants(record("data").digest) == []


def test_makings_tell_code_and_packages(runs: Runs) -> None:
    runs.run("r1", ("a", "", "data"))
    (making,) = runs.store.lineage.makings(record("data").digest)
    assert (making.run, making.node, making.component, making.slot) == ("r1", "a", "m:a", "data")
    told = making.to_json()
    assert (told["packages"], told["parts"]) == ({"numpy": "2"}, {"code m.a": "1"})


def test_a_digest_may_be_shortened_while_it_is_one(runs: Runs) -> None:
    runs.run("r1", ("a", "", " ".join(f"artifact{n}" for n in range(2000))))
    lineage = runs.store.lineage
    digest = record("artifact7").digest
    assert lineage.find(digest) == lineage.find(digest[7:23]) == record("artifact7")
    short = Counter(record(f"artifact{n}").digest[:11] for n in range(2000)).most_common(1)[0][0]
    with pytest.raises(UsageError, match="Several"):
        lineage.find(short)
    for bad in ("", "sha256:", "abc", "xyz1", "sha256:" + "0" * 65, "%%%%", "'; DROP TABLE run; --"):
        with pytest.raises(UsageError):
            lineage.find(bad)
    with pytest.raises(UsageError, match="No artifact"):
        lineage.find(digest, type_name="Model")


def test_artifacts_by_page_and_filter(runs: Runs) -> None:
    for n in range(3):
        runs.run(f"r{n}", ("a", "", f"x{n}"), ("b", f"x{n}", f"y{n}"), pipeline="p" if n < 2 else "q")
    lineage = runs.store.lineage
    pages, after = [], 0
    while page := lineage.artifacts(after=after, limit=4):
        pages.append([found for _, found in page])
        after = page[-1][0]
    assert [len(page) for page in pages] == [4, 2]
    assert [found for _, found in lineage.artifacts(pipeline="q")] == [record("x2"), record("y2")]
    assert [found for _, found in lineage.artifacts(pipeline="p", node="b", run="r1")] == [record("y1")]
    assert lineage.artifacts(type_name="Model") == []
    assert len(lineage.artifacts(type_name="Artifact")) == 6
