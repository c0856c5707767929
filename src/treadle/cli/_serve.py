"""``treadle serve``: models over HTTP."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option, note


@click.command("serve")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--port", default=8501, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--log", type=click.Path(path_type=Path), help="Folder of the request log. [default: log in the store]")
@click.option("--no-log", is_flag=True, help="Write no request log.")
@click.option("--seal-rows", default=100_000, show_default=True, type=click.IntRange(1), help="Rows of a log segment.")
@click.option("--seal-seconds", default=60.0, show_default=True, type=Number(0.1), help="Age of a log segment.")
@click.option("--name", help="The model's name, where DIR is one model. [default: the folder's]")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="Threads of one prediction.")
@json_option
def command(
    folder: Path,
    port: int,
    host: str,
    log: Path | None,
    no_log: bool,
    seal_rows: int,
    seal_seconds: float,
    name: str | None,
    threads: int,
    as_json: bool,
) -> int:
    """Serve the models in DIR over HTTP until SIGTERM or Ctrl-C.

    DIR is one servable, or a folder of NAME/VERSION/ servables in which the one-line file NAME/champion names the
    version that answers; a new version is taken into service when that file changes. SIGUSR1 seals the request
    log at once.
    """
    from treadle.config import home
    from treadle.errors import UsageError
    from treadle.serving import Ready, serve

    if no_log and log is not None:
        raise UsageError("--log and --no-log cannot stand together.", hint="Leave one of them out.")
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    folder_of_log = None if no_log else log if log is not None else home() / "log"

    def announce(ready: Ready) -> None:
        if host not in ("127.0.0.1", "::1", "localhost"):
            note("Anybody who reaches this address can send requests: there is no authentication.")
        models = ", ".join(_shown(model, version) for model, version in ready.models.items())
        note(f"Serving {models} at {ready.url}")
        if as_json:
            emit_json({"url": ready.url, "models": ready.models})

    serve(
        folder,
        host=host,
        port=port,
        log=folder_of_log,
        seal_rows=seal_rows,
        seal_seconds=seal_seconds,
        name=name,
        threads=threads,
        on_ready=announce,
    )
    return 0


def _shown(model: str, version: int | None) -> str:
    if version is None:
        return f"{model} (no champion yet)"
    return f"{model} (version {version})" if version else model
