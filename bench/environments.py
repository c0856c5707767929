"""The environments that peers are measured in: one folder each under ``build/peers``, built by ``make peers``.

A peer never enters Treadle's own environment. Versions are pinned; where the newest release does not start as it is
installed, the pin that mends it stands beside it. What cannot be installed is said and left out of the tables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "build" / "peers"
SCRIPTS = Path(__file__).with_name("peers")
PEERS = {
    "kedro": ("kedro==1.7.0",),
    "dagster": ("dagster==1.13.29",),
    "prefect": ("prefect==3.8.8",),
    "metaflow": ("metaflow==2.19.39",),
    "zenml": ("zenml[local]==0.98.0",),
    "tfdv": ("tensorflow-data-validation==1.16.1", "dill", "setuptools<80"),  # its Beam dropped dill
    "evidently": ("evidently==0.7.23", "pandas<3", "pyarrow", "numpy<2"),
    "whylogs": ("whylogs==1.6.4", "pandas<3", "pyarrow", "numpy<2", "setuptools<80"),
    "ydata": ("ydata-profiling==4.18.4", "pandas<3", "pyarrow", "numpy<2", "setuptools<80"),
}
# Installed against the peer's own word: it asks for releases that then refuse what it says to them.
FORCED = {"prefect": ("fastapi==0.115.14",)}


def python(peer: str) -> Path | None:
    """The peer's interpreter, or nothing where `make peers` has not built it."""
    path = FOLDER / peer / "bin" / "python"
    return path if path.exists() and (FOLDER / peer / "complete").exists() else None


def settings(home: Path) -> dict[str, str]:
    """What keeps a peer's state in one folder and its telemetry off."""
    return {
        **os.environ,
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home / "metaflow"),
        "METAFLOW_USER": "bench",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "USERNAME": "bench",
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_CONFIG_PATH": str(home / "zenml"),
    }


def build(names: list[str]) -> int:
    """Build the named environments, or all; the number that failed."""
    installer = FOLDER / "uv" / "bin" / "python"
    if not installer.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER / "uv")], check=True)
        subprocess.run([str(installer), "-m", "pip", "install", "-q", "uv"], check=True)
    failed = 0
    for name in names or PEERS:
        if python(name) is not None:
            continue
        folder = FOLDER / name
        uv = [str(installer.with_name("uv"))]
        try:
            subprocess.run([*uv, "venv", "-q", "--clear", "-p", sys.executable, str(folder)], check=True)
            target = str(folder / "bin" / "python")
            subprocess.run([*uv, "pip", "install", "-q", "-p", target, *PEERS[name]], check=True)
            for package in FORCED.get(name, ()):
                subprocess.run([*uv, "pip", "install", "-q", "-p", target, package], check=True)
        except subprocess.CalledProcessError:
            print(f"{name} could not be installed: it is left out", file=sys.stderr)
            failed += 1
        else:
            (folder / "complete").touch()
    return failed


if __name__ == "__main__":
    build(sys.argv[1:])
