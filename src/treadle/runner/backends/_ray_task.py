"""What a Ray worker does for one node: start its process and wait for it.

The node's process is forked from a template of its own, as on one machine: nothing of the worker leaks into it, nothing
of it into the next, and it ends, with everything it started, when the worker does. Runs on the cluster's machines.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from treadle.runner._task import REQUEST
from treadle.runner._workers import Workers
from treadle.runner.backends._contract import Began, Ended, Task

BEGAN = "began.mark"
"""The file in a task's folder by which the driver knows that it is at work."""


def run_node(folder: str, log: str, directory: str) -> dict[str, Any]:
    """Run the task in a folder; its exit status, or that this machine does not see the folder.

    Args:
        folder: The task's folder.
        log: Where its output goes.
        directory: The working directory of the run, used when it is here too.
    """
    place = Path(folder)
    if not (place / REQUEST).is_file():
        return {"unseen": socket.gethostname()}
    with Workers(directory if Path(directory).is_dir() else None) as workers:
        workers.start(Task(0, place, Path(log)))
        while True:
            for event in workers.wait(1.0):
                if isinstance(event, Began):
                    (place / BEGAN).touch()
                elif isinstance(event, Ended):
                    return {"status": event.status}
