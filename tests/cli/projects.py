"""A project in a folder of its own, run and served by the program itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from in_process import called

TAXI = Path(__file__).parents[2] / "examples" / "taxi" / "data"
_PROGRAM = [sys.executable, "-m", "treadle"]
_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def treadle(*args: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The program: a process of its own where it loads the project's modules."""
    if args[0] in {"init", "validate"}:
        done = called(*args, cwd=cwd)
    else:
        command = [*_PROGRAM, *map(str, args)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=_ENVIRONMENT)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(done.stdout.splitlines()[-1])


def served(project: Path, model: str, request: dict[str, Any]) -> list[float]:
    """What the project's server predicts; its log is in ``log``."""
    command = [*_PROGRAM, "serve", "serving", "--port", "0", "--log", "log", "--seal-seconds", "0.3", "--json"]
    server = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT)
    assert server.stdout is not None
    try:
        url = json.loads(server.stdout.readline())["url"]
        post = urllib.request.Request(
            f"{url}/v1/models/{model}:predict", json.dumps(request).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(post, timeout=30) as answer:
            return json.load(answer)["predictions"]
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        server.stdout.close()
