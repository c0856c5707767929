"""The template: a process with one thread that forks a child for each node.

It imports pure-Python modules only, because a library that starts threads makes forking unsafe; that there is one
thread is checked before every fork. It speaks JSON lines: ``{"start": id, "task": folder, "log": file}`` and
``{"kill": id}`` come in, ``{"ended": id, "status": n}`` goes out (n negative: killed by that signal). When its input
ends, because the driver is done or dead, it kills what still runs and goes.
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


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
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
            ready, _, _ = select.select([0, self._wake], [], [])
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
        for process in self._children:
            _kill(process)
        for process in self._children:
            os.waitpid(process, 0)

    def _obey(self, message: dict[str, Any]) -> None:
        if "kill" in message:
            for process, task in self._children.items():
                if task == message["kill"]:
                    _kill(process)
            return
        _check_single_threaded()
        process = os.fork()
        if process == 0:
            self._become_child(message)
        self._children[process] = message["start"]

    def _become_child(self, message: dict[str, Any]) -> NoReturn:
        status = 1
        try:
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
                answer = {"ended": task, "status": os.waitstatus_to_exitcode(status)}
                os.write(1, json.dumps(answer).encode() + b"\n")


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


def _kill(process: int) -> None:
    """End a child and everything it started."""
    try:
        os.killpg(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # not yet its own group, or gone already
        os.kill(process, signal.SIGKILL)


def _check_single_threaded() -> None:
    tasks = "/proc/self/task"
    threads = len(os.listdir(tasks)) if os.path.isdir(tasks) else threading.active_count()
    if threads != 1:
        raise RuntimeError(f"the template has {threads} threads; forking it would not be safe")
