"""A real PostgreSQL server in a folder, for the length of a test session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Where ``initdb`` and ``postgres`` are, if they are anywhere."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    beside = shutil.which("initdb")
    places = [*versions, *([Path(beside).resolve().parent] if beside else [])]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


@contextmanager
def server(bin_: Path) -> Iterator[str]:
    """The URL of a server that listens on a socket of its own; it is gone afterwards.

    PostgreSQL refuses to run as root, so root hands it to the user ``postgres`` or ``nobody``.
    """
    user = next((name for name in ("postgres", "nobody") if _exists(name)), None) if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="treadle-pg-", dir="/tmp"))  # a socket's path is short
    process = None
    try:
        if user:
            shutil.chown(folder, user)
        options = {"user": user, "cwd": folder} if user else {"cwd": folder}
        data = folder / "data"
        subprocess.run(
            [bin_ / "initdb", "-D", data, "-U", "treadle", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, **options,
        )  # fmt: skip
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [bin_ / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=50"],
                stdout=log, stderr=log, **options,
            )  # fmt: skip
        ready = [bin_ / "pg_isready", "-h", folder, "-t", "1", "-q"]
        if not any(subprocess.run(ready).returncode == 0 or process.poll() is not None for _ in _patience(folder)):
            raise RuntimeError((folder / "log").read_text())
        yield f"postgresql://treadle@/postgres?host={folder}"
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for the clients
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _patience(_: Path) -> Iterator[int]:
    import time

    for attempt in range(100):
        yield attempt
        time.sleep(0.1)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
