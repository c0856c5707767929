"""The driver's side of the template: start a node's process, hear how it ended, end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import treadle
from treadle.errors import NodeLostError
from treadle.runner._tree import kill_group
from treadle.runner.backends._contract import Began, Ended, Task

# -P and a path of our own: a file of the user's that is named like a standard module must not be found here.
_MAIN = "import sys; sys.path.append(sys.argv[1]); from treadle.runner._template import main; main()"
_TREADLE = str(Path(treadle.__file__).absolute().parent.parent)


class Workers:
    """Processes for nodes, forked from one template that is started when it is first needed.

    The template inherits the environment and the working directory of the moment it starts. Not for use by
    several threads at once; a process may hold any number.

    Args:
        directory: Another working directory for the nodes.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._template: subprocess.Popen[bytes] | None = None
        self._pending = b""
        self._alive: dict[int, int] = {}  # task -> process
        self._done: set[int] = set()
        """Tasks of which the end has been told, while their processes are still there."""

    def warm_up(self) -> None:
        """Start the template if it is not running; returns at once."""
        if self._template is None:
            self._template = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, _TREADLE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                cwd=self._directory,
            )

    def start(self, task: Task) -> None:
        """Start a process for a task."""
        self.warm_up()
        self._say({"start": task.id, "node": task.node, "task": str(task.folder), "log": str(task.log)})

    def prepare(
        self, node: str, imports: Sequence[tuple[str, str]], place: Mapping[str, Any], sources: Sequence[str] = ()
    ) -> None:
        """Start the process of a node before its task is known; it imports, and waits."""
        self.warm_up()
        self._say({"prepare": node, "imports": list(imports), "place": dict(place), "sources": list(sources)})

    def drop(self, node: str) -> None:
        """End the process that was prepared for a node."""
        self._say({"drop": node})

    def kill(self, task: int) -> None:
        """End a task's process and everything it started."""
        self._say({"kill": task})

    def wait(self, seconds: float) -> list[Began | Ended]:
        """The processes that have begun or ended, after waiting for one for at most this long.

        Raises:
            NodeLostError: When the template itself has died.
        """
        deadline = time.monotonic() + seconds
        happened: list[Began | Ended] = []
        while self._template is not None and not happened:
            assert self._template.stdout is not None
            output = self._template.stdout.fileno()
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            happened = self._hear(os.read(output, 65536), self._template)
        return happened

    def _hear(self, data: bytes, template: subprocess.Popen[bytes]) -> list[Began | Ended]:
        """What the template has said; nothing new, when a process has gone whose end was told before."""
        if not data:
            for process in self._alive.values():  # they die with the template, but not what they started
                kill_group(process)
            raise NodeLostError(
                "The process that starts nodes has died",
                where={"status": template.wait()},
                hint="run again: what has succeeded is reused",
            )
        *lines, self._pending = (self._pending + data).split(b"\n")
        happened: list[Began | Ended] = []
        for message in map(json.loads, lines):
            if "started" in message:
                self._alive[message["started"]] = message["process"]
                happened.append(Began(message["started"]))
            elif "done" in message:
                self._done.add(message["done"])
                happened.append(Ended(message["done"], 0))
            else:
                self._alive.pop(message["ended"], None)
                if message["ended"] not in self._done:
                    happened.append(Ended(message["ended"], message["status"]))
                self._done.discard(message["ended"])
        return happened

    def close(self) -> None:
        """End the template and with it every process it still has."""
        template, self._template = self._template, None
        if template is None:
            return
        for pipe in (template.stdin, template.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        template.wait()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _say(self, message: dict[str, object]) -> None:
        assert self._template is not None
        assert self._template.stdin is not None
        try:
            self._template.stdin.write(json.dumps(message).encode() + b"\n")
            self._template.stdin.flush()
        except BrokenPipeError as error:
            raise NodeLostError(
                "The process that starts nodes has died", hint="run again: what has succeeded is reused"
            ) from error
