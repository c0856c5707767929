"""The template: a process with one thread that forks a child for each node.

It imports pure-Python modules only, because a library that starts threads makes forking unsafe; that there is one
thread is checked before every fork. It speaks JSON lines: ``{"start": id, "task": folder, "log": file}`` and
``{"kill": id}`` come in; ``{"started": id, "process": n}`` and ``{"ended": id, "status": n}`` go out (status negative:
killed by that signal). A node ends with everything it started. When the template's input ends, because the driver is
done or dead, it kills what still runs and goes; when it is killed itself, its children are too.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from treadle.runner._child import run_task
from treadle.runner._tree import adopt_orphans, die_with_parent, kill_descendants, kill_group, kill_tree

_LOOK_SECONDS = 1.0
"""After which it looks for ended children unasked: the write that wakes it happens in a signal and can be refused."""


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    adopt_orphans()
    _Template().serve()


class _Template:
    def __init__(self) -> None:
        self._children: dict[int, int] = {}  # process id -> task id
        self._wake, wake_in = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_in, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_in)

    def serve(self) -> None:
        gc.collect()
        gc.freeze()  # children that never touch these objects share their pages
        pending = b""
        while True:
            ready, _, _ = select.select([0, self._wake], [], [], _LOOK_SECONDS)
            if self._wake in ready:
                os.read(self._wake, 4096)
            self._reap()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    break
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
        kill_descendants()
        for process in self._children:
            kill_tree(process)
            os.waitpid(process, 0)

    def _obey(self, message: dict[str, Any]) -> None:
        if "kill" in message:
            for process, task in self._children.items():
                if task == message["kill"]:
                    kill_tree(process)
            return
        _check_single_threaded()
        template = os.getpid()
        process = os.fork()
        if process == 0:
            self._become_child(message, template)
        self._children[process] = message["start"]
        _say({"started": message["start"], "process": process})

    def _become_child(self, message: dict[str, Any], template: int) -> NoReturn:
        status = 1
        try:
            die_with_parent(template)
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.close(self._wake)
            _redirect(message["log"])
            status = run_task(Path(message["task"]))
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            task = self._children.pop(process, None)
            if task is not None:
                kill_group(process)
                _say({"ended": task, "status": os.waitstatus_to_exitcode(status)})


def _redirect(log: str) -> None:
    os.makedirs(os.path.dirname(log), exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _say(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _check_single_threaded() -> None:
    tasks = "/proc/self/task"
    threads = len(os.listdir(tasks)) if os.path.isdir(tasks) else threading.active_count()
    if threads != 1:
        raise RuntimeError(f"the template has {threads} threads; forking it would not be safe")
