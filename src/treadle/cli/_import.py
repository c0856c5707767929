"""``treadle import``: bring an exported run into this store."""

from __future__ import annotations

from pathlib import Path

import click

from treadle.cli._output import emit_json, json_option


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--trust", is_flag=True, help="Let later runs use what this run made, as if it had run here.")
@click.option(
    "--max-bytes", type=click.IntRange(min=0), help="Refuse more than this; what the disk has free otherwise."
)
@json_option
def command(file: Path, max_bytes: int | None, *, trust: bool, as_json: bool) -> int:
    """Bring the run in FILE and its artifacts into this store, every digest verified.

    An archive can claim that anything was made by anything. Without --trust its artifacts can be looked at and
    compared, but no run takes them for its own results.
    """
    from treadle.config import home
    from treadle.metadata import import_run, open_metadata
    from treadle.storage import open_artifacts

    with open_metadata(home()) as metadata:
        store = open_artifacts(home())
        store.claim(metadata.identity)
        done = import_run(metadata, store, file, trust=trust, max_bytes=max_bytes)
    if as_json:
        emit_json({"run": done.run, "new": done.new, "artifacts": done.artifacts, "bytes": done.size})
    else:
        here = "is here now" if done.new else "was here already; its artifacts are whole now"
        click.echo(f"Run {done.run} {here}: {done.artifacts:,} artifacts, {done.size:,} bytes.")
    return 0
