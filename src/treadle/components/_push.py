"""push: a servable that passed -> a version on the server, and the champion."""

from __future__ import annotations

from pathlib import Path

from treadle.artifact import Examples, Output, Pushed, ServableArtifact, Verdict, canonical_json
from treadle.components._approval import Approval, check_approval
from treadle.pipeline import component


@component(cache=False)
def push(
    servable: ServableArtifact,
    verdict: Verdict,
    examples: Examples,
    approval: Approval | None = None,
    *,
    name: str,
    serving: str,
    alias: str = "champion",
    pushed: Output[Pushed],
) -> None:
    """Register a servable that passed, put it where the server reads, and move the alias to it.

    A verdict that is not ``passed`` pushes nothing; the record says so. Before anything is pushed, the real rows that
    the servable carries are predicted here and now, and compared with what its graph and the native model predicted
    of them; the record holds that proof beside the servable's own. The node always runs, since what it changes lies
    outside the store; doing it again changes nothing.

    Args:
        servable: The servable.
        verdict: Its verdict.
        examples: The data it was trained on; their spans are recorded with the version.
        approval: That somebody approved this servable; one that is for other bytes is refused.
        name: The model's name.
        serving: The folder the server reads.
        alias: The alias to move.
        pushed: ``pushed.json``: what was done.
    """
    from treadle.config import home
    from treadle.evaluation import Verdict as Judgement
    from treadle.registry import Registry, publish_version, write_alias
    from treadle.servable import servable_digest

    if approval is not None:
        check_approval(approval, servable)
    judgement = Judgement.load(verdict.path / "verdict.json")
    record: dict[str, object] = {"pushed": judgement.passed, "name": name, "reasons": list(judgement.reasons)}
    if judgement.passed:
        registry = Registry(home())
        digest = servable_digest(servable.path)
        served = registry.find(f"{name}@{alias}")
        if served is None or served.digest != digest:  # else nothing is pushed, and nothing is loaded that predicts
            from treadle.servable import Servable

            loaded = Servable.load(servable.path)
            record["proof"] = {**loaded.manifest["parity"], "again": loaded.warm_up()}
        spans = {key: examples.properties[key] for key in ("first_span", "last_span")}
        version = registry.register(name, digest, {**spans, "verdict": verdict.digest})
        publish_version(servable.path, Path(serving), name, version.version)
        write_alias(Path(serving), name, alias, version.version)
        registry.promote(name, version.version, alias=alias, reason=judgement.reasons[0])
        record |= {"version": version.version, "digest": digest, "alias": alias}
    (pushed.path / "pushed.json").write_bytes(canonical_json(record))
    pushed.properties.update(record)
