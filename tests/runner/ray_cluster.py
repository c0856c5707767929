"""A Ray cluster of two machines' worth of raylets on this one, and `treadle run --backend ray` against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def cluster() -> Iterator[Any]:
    """Two raylets: the first has a thing called ``scale``, the second one called ``oven``."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "resources": {"scale": 1}})
    try:
        made.add_node(num_cpus=2, resources={"oven": 1})
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


def command(target: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "treadle", "run", target, "--backend", "ray", "--json", *more]


def environment(address: str) -> dict[str, str]:
    return {**os.environ, "RAY_ADDRESS": address, "TREADLE_HOME": "", "RAY_DEDUP_LOGS": "0", "PYTHONWARNINGS": ""}


def run_on(address: str, target: str, parameters: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    settings = [part for name, value in parameters.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    ended = subprocess.run(
        command(target, *settings), cwd=folder, env=environment(address), capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.startswith("{"), ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


@contextmanager
def driver(address: str) -> Iterator[subprocess.Popen[str]]:
    """A process as in `ray_driver`."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("ray_driver.py"))],
        env=environment(address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate(timeout=60)
