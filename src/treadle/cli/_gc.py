"""``treadle gc``: what the store no longer needs; shown first, removed when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option, note

if TYPE_CHECKING:
    from treadle.metadata import MetadataStore, Pins, Retention
    from treadle.storage import ArtifactStore

_DAY = 86_400
_BESIDE = {
    "analyses": "{files:,} analyses of data spans, {bytes:,} bytes, not used lately.",
    "code": "{files:,} files of what was read of code, {bytes:,} bytes, that no kept run would ask for.",
}


@click.command("gc")
@click.option("--delete", is_flag=True, help="Remove it; without this, it is only shown.")
@click.option("--keep-runs", default=10, show_default=True, help="Newest runs of each pipeline whose artifacts stay.")
@click.option(
    "--keep-days",
    type=Number(min=0),
    default=30.0,
    show_default=True,
    help="Artifacts of runs stay that began less than this many days before the newest, and analyses of data spans"
    " that were used in as many days.",
)
@click.option("--keep", "pinned", multiple=True, metavar="DIGEST|RUN", help="This stays too; may be repeated.")
@click.option(
    "--versions",
    type=click.Choice(["servable", "lineage"]),
    default="servable",
    show_default=True,
    help="Of registered versions: the servable and its verdict, or all that they were made from."
    " A version that an alias points at always keeps all.",
)
@click.option(
    "--wait",
    type=Number(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for runs to end.",
)
@json_option
def command(
    keep_runs: int,
    keep_days: float,
    pinned: tuple[str, ...],
    versions: str,
    wait: float,
    *,
    delete: bool,
    as_json: bool,
) -> int:
    """Show, or with --delete remove, artifacts that nothing live needs.

    What runs that are kept read or made stays, and so do registered versions and what a run at work is writing.
    Lineage stays as a whole. A node whose outputs were removed simply runs again when it is needed; what was known of a
    data span, and what was read of code that no kept run names, is found out again.
    """
    from treadle.config import home
    from treadle.metadata import Retention, collect, plan_collection
    from treadle.runner import history
    from treadle.storage import open_artifacts

    policy = Retention(runs=keep_runs, days=keep_days)
    with history() as metadata:
        store = open_artifacts(home())
        store.claim(metadata.identity)

        def pins() -> Pins:
            return _pins(metadata, store, pinned, all_lineage=versions == "lineage")

        beside: dict[str, dict[str, int]] = {}

        def look_beside(runs: frozenset[str]) -> None:
            beside.update(_beside(metadata, policy, runs, delete=delete))

        if delete:
            found = collect(metadata, store, policy, pins=pins, then=look_beside, wait_seconds=wait)
        else:
            found = plan_collection(metadata, store, policy, pins=pins())
            look_beside(found.runs_kept)
        if as_json:
            emit_json({"deleted": delete, **found.to_json(), **beside})
            return 0
        types = {artifact.digest: ", ".join(metadata.lineage.types(artifact.digest)) for artifact in found.leaves}
    for artifact in found.leaves:
        click.echo(f"{artifact.digest}  {artifact.size:>12,}  {types[artifact.digest] or 'named by no run'}")
    verb = "Removed" if delete else "Would remove"
    click.echo(
        f"{verb} {len(found.leaves):,} artifacts, {found.bytes_freed:,} bytes;"
        f" {found.stays:,} stay, {found.bytes_left:,} bytes, with {len(found.runs_kept):,} runs."
    )
    for name, text in _BESIDE.items():
        if beside[name]["files"]:
            click.echo(f"{verb} {text.format(**beside[name])}")
    if (found.leaves or any(unused["files"] for unused in beside.values())) and not delete:
        note("Hint: treadle gc --delete removes them")
    return 0


def _beside(
    metadata: MetadataStore, policy: Retention, runs: frozenset[str], *, delete: bool
) -> dict[str, dict[str, int]]:
    """What lies beside the artifacts to save time, and nothing will ask for again."""
    import time

    from treadle.config import home
    from treadle.runner import prune_code
    from treadle.transform import AnalysisCache

    now = time.time()
    return {
        "analyses": AnalysisCache(home() / "analyses").prune(now - policy.days * _DAY, delete=delete)._asdict(),
        "code": prune_code(metadata, runs, before=now - policy.unknown_days * _DAY, delete=delete)._asdict(),
    }


def _pins(metadata: MetadataStore, store: ArtifactStore, named: tuple[str, ...], *, all_lineage: bool) -> Pins:
    """What the registry and the command line want kept."""
    from treadle.metadata import Pins, pins_of

    runs = frozenset(name for name in named if metadata.run(name) is not None)
    digests = [metadata.lineage.find(name).digest for name in named if name not in runs]
    versions, served = _registered(metadata, store)
    kept = [pins_of(metadata, digests, with_ancestors=False)]
    kept.append(pins_of(metadata, versions, with_ancestors=all_lineage))
    kept.append(pins_of(metadata, served, with_ancestors=True))
    return Pins(frozenset().union(*(pins.digests for pins in kept)), runs)


def _registered(metadata: MetadataStore, store: ArtifactStore) -> tuple[set[str], set[str]]:
    """The artifacts of registered versions, and of those of them that an alias points at.

    The registry knows a servable by the digest of its manifest, the store by the digest of the whole.
    """
    from treadle.registry import Registry

    if not Registry.exists(store.root):
        return set(), set()
    registry = Registry(store.root)
    servables = _servables(metadata, store)
    versions: set[str] = set()
    served: set[str] = set()
    for name in registry.names():
        aliased = set(registry.aliases(name).values())
        for version in registry.versions(name):
            found = set(servables.get(version.digest, ()))
            verdict = version.properties.get("verdict")
            found |= {verdict} if isinstance(verdict, str) else set()
            versions |= found
            served |= found if version.version in aliased else set()
    return versions, served


def _servables(metadata: MetadataStore, store: ArtifactStore) -> dict[str, list[str]]:
    """The digests of servables' manifests, and the artifacts that hold them."""
    from treadle.artifact import ServableArtifact, digest_bytes

    found: dict[str, list[str]] = {}
    after = 0
    while page := metadata.lineage.artifacts(type_name=ServableArtifact.type_name, after=after, limit=1000):
        after = page[-1][0]
        for _, artifact in page:
            if (manifest := store.read(artifact.digest, "manifest.json")) is not None:
                found.setdefault(digest_bytes(manifest), []).append(artifact.digest)
    return found
