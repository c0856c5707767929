"""``treadle export``: a run with all its artifacts, as one archive."""

from __future__ import annotations

from pathlib import Path

import click

from treadle.cli._output import emit_json, json_option


@click.command("export")
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(run: str, file: Path, *, as_json: bool) -> int:
    """Write RUN (an id, or "last") with everything its nodes read or made to FILE, a plain tar that is new."""
    from treadle.config import home
    from treadle.metadata import export_run
    from treadle.runner import find_run, history
    from treadle.storage import open_artifacts

    with history() as metadata:
        done = export_run(metadata, open_artifacts(home()), find_run(metadata, run).id, file)
    if as_json:
        emit_json({"run": done.run, "file": str(file), "artifacts": done.artifacts, "bytes": done.size})
    else:
        click.echo(f"Run {done.run} with {done.artifacts:,} artifacts, {done.size:,} bytes, is in {file}.")
    return 0
