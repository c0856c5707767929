"""Three nodes that publish and commit, as a run does: ``python three_nodes.py STORE``. Doing it again finishes it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from treadle.artifact import Artifact, canonical_json, digest_bytes, digest_tree
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore
from treadle.storage import ArtifactStore, check, stored

NODES = ("read", "train", "push")


def work(folder: Path) -> None:
    """Each node is used again if it was committed and is whole; otherwise it is done."""
    store = ArtifactStore(folder)
    with store.in_use(), MetadataStore(folder / "metadata.sqlite") as metadata:
        for dead in metadata.running():
            metadata.abandon_run(dead, {"what": "died"})
        run = os.urandom(8).hex()
        metadata.begin_run(run, pipeline="p", ir={})
        before: list[ArtifactRecord] = []
        for node in NODES:
            attempt = Attempt(run, node, f"m:{node}", "because", fingerprint(node), {"n": node}, {"x": before})
            hits = [hit for hit in metadata.successes(fingerprint(node)) if is_whole(store, hit.outputs.values())]
            if hits:
                metadata.record_unrun(attempt, "cached", reused=hits[0])
                before = list(hits[0].outputs.values())
                continue
            execution = metadata.start_execution(attempt)
            staged = store.stage()
            (staged / "folder").mkdir()
            (staged / "folder" / "data").write_bytes(node.encode() * 1000)
            before = [ArtifactRecord(store.publish(staged, Artifact).digest, "Artifact")]
            metadata.finish_execution(execution, "ran", outputs={"o": before[0]})
        metadata.finish_run(run, "succeeded")


def fingerprint(node: str) -> str:
    return digest_bytes(canonical_json({"n": node}))


def is_whole(store: ArtifactStore, records: object) -> bool:
    return all(check(store, record.digest).state == "whole" for record in records)  # type: ignore[attr-defined]


def assert_nothing_lost(folder: Path, *, done: bool) -> None:
    """What is committed is there and whole, what is there is whole; with ``done``, each node succeeded exactly once."""
    store = ArtifactStore(folder)
    for found in stored(store):
        assert digest_tree(found.path) == found.digest, "half visible"
    with MetadataStore(folder / "metadata.sqlite") as metadata:
        for node in NODES:
            hits = metadata.successes(fingerprint(node))
            assert all(is_whole(store, hit.outputs.values()) for hit in hits), "committed, but lost"
            assert len(hits) <= 1, "doubled"
            assert hits or not done
    assert not done or len(list(stored(store))) == len(NODES)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
