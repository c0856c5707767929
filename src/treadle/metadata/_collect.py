"""Garbage collection: what a store no longer needs, shown first, then taken out.

**What is needed by anything live cannot leave.** Who collects is alone with the store: no run is at work between the
question what is needed and the answer, so nothing can begin to be needed meanwhile. An artifact leaves in one
rename; a collector that dies in the middle has collected less, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from treadle.errors import UsageError
from treadle.metadata._retention import Retention
from treadle.metadata._store import MetadataStore
from treadle.storage import ArtifactStore, Stored, clear_litter, empty_bin, stored, take_out


@dataclass(frozen=True, slots=True)
class Pins:
    """What stays whatever the policy says: the needs of whoever is not in the lineage, such as the registry."""

    digests: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collection:
    """What leaves and what stays."""

    leaves: tuple[Stored, ...]
    stays: int
    """Artifacts that stay."""
    bytes_left: int
    """Bytes that what stays takes."""
    runs_kept: frozenset[str] = field(default_factory=frozenset)

    @property
    def bytes_freed(self) -> int:
        """Bytes of what leaves."""
        return sum(found.size for found in self.leaves)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "artifacts": [{"digest": found.digest, "bytes": found.size} for found in self.leaves],
            "collected": len(self.leaves),
            "bytes_freed": self.bytes_freed,
            "kept": self.stays,
            "bytes_kept": self.bytes_left,
            "runs_kept": len(self.runs_kept),
        }


def plan_collection(
    metadata: MetadataStore,
    store: ArtifactStore,
    policy: Retention,
    *,
    pins: Pins,
    clock: Callable[[], float] = time.time,
) -> Collection:
    """What `collect` would take out now. Changes nothing.

    Raises:
        UsageError: When the lineage is empty but the store is not: it is not this store's lineage, or it was lost.
    """
    needed = metadata.kept(policy, pinned=pins.digests, runs=pins.runs)
    now = clock()
    leaves: list[Stored] = []
    stays = bytes_left = 0
    for found in stored(store):
        is_young = found.digest not in needed.known and now - found.changed_at < policy.unknown_days * 86_400
        if found.digest in needed.digests or is_young:
            stays += 1
            bytes_left += found.size
        else:
            leaves.append(found)
    if leaves and not needed.known:
        raise UsageError(
            "The lineage knows no artifact at all, so nothing says what the store must keep",
            where={"store": store.root},
            hint="bring back metadata.sqlite from a backup, or remove the store's folder as a whole",
        )
    return Collection(tuple(leaves), stays, bytes_left, needed.runs)


def collect(
    metadata: MetadataStore,
    store: ArtifactStore,
    policy: Retention,
    *,
    pins: Callable[[], Pins],
    then: Callable[[frozenset[str]], object] | None = None,
    wait_seconds: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> Collection:
    """Take out what nothing needs any more, and what dead processes left behind.

    Args:
        metadata: The lineage.
        store: The artifacts.
        policy: Which runs' artifacts stay.
        pins: Asked once nobody else can be at work.
        then: Called with the runs that stay, when the artifacts have left and still nobody else can be at work: for
            what lies beside the artifacts.
        wait_seconds: How long to wait for runs to end.
        clock: Seconds since 1970.

    Raises:
        StoreInUseError: When a run is at work.
    """
    with store.alone(wait_seconds=wait_seconds), metadata.alone(wait_seconds=wait_seconds):
        found = plan_collection(metadata, store, policy, pins=pins(), clock=clock)
        for artifact in found.leaves:
            take_out(store, artifact.digest)
        clear_litter(store, older_than_seconds=7 * 86_400)
        if then is not None:
            then(found.runs_kept)
    empty_bin(store)
    return found


def pins_of(metadata: MetadataStore, digests: Iterable[str], *, with_ancestors: bool) -> Pins:
    """Pins for artifacts, and for everything they were made from when asked."""
    wanted = set(digests)
    if with_ancestors:
        wanted |= {found.artifact.digest for digest in sorted(wanted) for found in metadata.lineage.ancestors(digest)}
    return Pins(digests=frozenset(wanted))
