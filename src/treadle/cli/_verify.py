"""``treadle verify``: whether the store's artifacts are whole."""

from __future__ import annotations

import click

from treadle.cli._output import emit_json, json_option, note


@click.command("verify")
@click.argument("digests", nargs=-1, metavar="[DIGEST]...")
@click.option("--run", help="The artifacts that this run read or made.")
@json_option
def command(digests: tuple[str, ...], run: str | None, *, as_json: bool) -> int:
    """Read every artifact and compare its bytes with its digest; or only some artifacts, or those of a run.

    Exit code 1 when one is damaged, or when one that was asked for is not there. A damaged artifact is made anew by
    the next run that needs it.
    """
    from treadle.config import home
    from treadle.runner import find_run, history
    from treadle.storage import check, open_artifacts, stored

    store = open_artifacts(home())
    with history() as metadata:
        asked = [metadata.lineage.find(digest).digest for digest in digests]
        asked += sorted(metadata.digests_of(find_run(metadata, run).id)) if run else []
        checks = [check(store, digest) for digest in asked or (found.digest for found in stored(store))]
        bad = [found for found in checks if found.state != "whole"]
        types = {found.digest: ", ".join(metadata.lineage.types(found.digest)) for found in bad}
    if as_json:
        names = ("damaged", "missing")
        told = {name: [found.digest for found in bad if found.state == name] for name in names}
        emit_json({"artifacts": len(checks), "bytes": sum(found.size for found in checks), **told})
    else:
        for found in bad:
            click.echo(f"{found.state:<8} {found.digest}  {types[found.digest]}  {store.path(found.digest)}")
        click.echo(f"{len(checks) - len(bad):,} of {len(checks):,} artifacts are whole.")
    if bad and not as_json:
        note("Hint: run the pipeline again: what is damaged or gone is made anew; check the disk")
    return 1 if bad else 0
