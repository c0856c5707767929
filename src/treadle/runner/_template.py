"""The template: a process with one thread that forks a child for each node.

It imports pure-Python modules only, because a library that starts threads makes forking unsafe; that there is one
thread is checked before every fork. It speaks JSON lines: ``{"start": id, "node": name, "task": folder, "log": file}``,
``{"kill": id}``, ``{"prepare": name, "imports": [[module, name]], "place": {...}, "sources": [path]}`` and
``{"drop": name}`` come in, ``{"started": id, "process": n}``, ``{"done": id}`` and ``{"ended": id, "status": n}`` go
out (status negative: killed by that signal).

A child that is prepared imports what its node is going to import and waits for the node's task; it serves that node or
none. That a child has left its result is told before it has gone: what comes next is written down while its memory is
given back. But another node begins only when it has gone, with everything it started. When the template's input ends,
because the driver is done or dead, it kills what still runs and goes; when it is killed itself, its children are too.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from treadle.pipeline import compile_early, is_installed
from treadle.runner._child import run_task
from treadle.runner._prepared import LATER, wait_for_task
from treadle.runner._reads import ReadTracer
from treadle.runner._task import RESULT
from treadle.runner._tree import adopt_orphans, die_with_parent, kill_descendants, kill_group, kill_tree

_LOOK_SECONDS = 1.0
"""After which it looks for ended children unasked: the write that wakes it happens in a signal and can be refused."""
_DONE = signal.SIGUSR1
"""A child has left its result."""


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    adopt_orphans()
    _Template().serve()


@dataclass(slots=True)
class _Child:
    """A child that is at a task."""

    task: int
    result: str
    """The file that it leaves at last."""
    is_done: bool = False
    """Whether it has."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A child that waits for its node's task."""

    process: int
    pipe: int
    """Its task is written here; closed, it ends."""


class _Template:
    def __init__(self) -> None:
        self._children: dict[int, _Child] = {}  # by process id
        self._due: list[dict[str, Any]] = []
        """Tasks to begin as soon as those that are done have gone, with what they hold: memory, files, locks."""
        self._prepared: dict[str, _Prepared] = {}  # by node
        self._compiled: set[str] = set()
        """The user's sources that were compiled, or could not be: one that changes is compiled by who imports it."""
        self._later: list[str] = []
        """To be imported when there is nothing else to do."""
        self._is_light = True
        """No node that was heard of imports anything: modules for all would be memory that every fork maps anew."""
        self._wake, wake_in = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_in, False)
        for told in (signal.SIGCHLD, _DONE):
            signal.signal(told, lambda *_: None)
        signal.set_wakeup_fd(wake_in)

    def serve(self) -> None:
        is_installed(__file__)  # where Python lies is looked up once, not by every child
        _share_pages()
        with contextlib.suppress(BrokenPipeError):  # there is nobody to tell any more
            self._listen()
        kill_descendants()
        for process in [*self._children, *(child.process for child in self._prepared.values())]:
            kill_tree(process)
            os.waitpid(process, 0)

    def _listen(self) -> None:
        """Obey until the input ends."""
        pending = b""
        while True:
            ready, _, _ = select.select([0, self._wake], [], [], 0 if self._later else _LOOK_SECONDS)
            if self._wake in ready and _DONE in os.read(self._wake, 4096):
                self._tell_done()
            self._reap()
            self._begin_due()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    break
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            elif not ready and self._later:  # nobody waits: children will not have to import this themselves
                with contextlib.suppress(ImportError):  # a Python without it; what needs it will tell
                    import_module(self._later.pop(0))
                if not self._later:
                    _share_pages()

    def _obey(self, message: dict[str, Any]) -> None:
        if "start" in message:
            self._due.append(message)
            self._begin_due()
        elif "prepare" in message:
            self._prepare(message)
        elif "drop" in message:
            if (child := self._prepared.pop(message["drop"], None)) is not None:
                os.close(child.pipe)
                kill_tree(child.process)
                os.waitpid(child.process, 0)
        else:
            self._kill(message["kill"])

    def _begin_due(self) -> None:
        while self._due and not any(child.is_done for child in self._children.values()):
            self._begin(self._due.pop(0))

    def _begin(self, message: dict[str, Any]) -> None:
        process = self._hand_over(message) or self._fork(lambda: _work(message))
        self._children[process] = _Child(message["start"], os.path.join(message["task"], RESULT))
        _say({"started": message["start"], "process": process})

    def _kill(self, task: int) -> None:
        for process, child in self._children.items():
            if child.task == task:
                kill_tree(process)
        for message in [message for message in self._due if message["start"] == task]:
            self._due.remove(message)
            _say({"ended": task, "status": -signal.SIGKILL})

    def _tell_done(self) -> None:
        for child in self._children.values():
            if not child.is_done and os.path.exists(child.result):
                child.is_done = True
                _say({"done": child.task})

    def _prepare(self, message: dict[str, Any]) -> None:
        for source in set(message["sources"]) - self._compiled:
            self._compiled.add(source)
            with contextlib.suppress(Exception):  # whoever imports it tells
                compile_early(source)
        if self._is_light and message["imports"]:
            self._is_light = False
            self._later = list(LATER)
        reading, writing = os.pipe()

        def wait() -> int:
            os.close(writing)
            with _place_for_early_words() as printed:
                _redirect(printed.fileno())
                task, tracer = wait_for_task(message, reading)
                printed.seek(0)
                return _work(task, tracer, printed.read())

        self._prepared[message["prepare"]] = _Prepared(self._fork(wait), writing)
        os.close(reading)

    def _hand_over(self, message: dict[str, Any]) -> int | None:
        """Give a task to the child that was prepared for it, if there is one; its process id."""
        child = self._prepared.pop(message["node"], None)
        if child is None:
            return None
        try:
            os.write(child.pipe, json.dumps(message).encode() + b"\n")
        except BrokenPipeError:  # an import has ended it; the node's own import will tell why
            return None
        finally:
            os.close(child.pipe)
        return child.process

    def _fork(self, work: Callable[[], int]) -> int:
        _check_single_threaded()
        template = os.getpid()
        process = os.fork()
        if process == 0:
            self._become_child(work, template)
        return process

    def _become_child(self, work: Callable[[], int], template: int) -> NoReturn:
        status = 1
        try:
            die_with_parent(template)
            os.setsid()
            for pipe in (signal.set_wakeup_fd(-1), self._wake, *(child.pipe for child in self._prepared.values())):
                os.close(pipe)
            for told in (signal.SIGCHLD, _DONE):
                signal.signal(told, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            status = work()
            if os.getppid() == template:
                os.kill(template, _DONE)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._children or self._prepared:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            child = self._children.pop(process, None)
            if child is not None:
                kill_group(process)
                _say({"ended": child.task, "status": os.waitstatus_to_exitcode(status)})
            for node in [node for node, child in self._prepared.items() if child.process == process]:
                os.close(self._prepared.pop(node).pipe)


def _work(message: dict[str, Any], tracer: ReadTracer | None = None, printed: bytes = b"") -> int:
    """Run a task, with its output in its log, after what was printed before."""
    try:
        output = _log(message["log"])
    except FileNotFoundError:  # the run's first
        os.makedirs(os.path.dirname(message["log"]), exist_ok=True)
        output = _log(message["log"])
    os.write(output, printed)
    _redirect(output)
    os.close(output)
    return run_task(Path(message["task"]), tracer)


def _log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _place_for_early_words() -> IO[bytes]:
    """Where a process prints that has no log yet."""
    if hasattr(os, "memfd_create"):  # no disk has a part in it
        return open(os.memfd_create("printed"), "w+b")
    return tempfile.TemporaryFile()


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _share_pages() -> None:
    """Children that never touch the objects of now share their pages."""
    gc.collect()
    gc.freeze()


def _say(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _check_single_threaded() -> None:
    tasks = "/proc/self/task"
    threads = len(os.listdir(tasks)) if os.path.isdir(tasks) else threading.active_count()
    if threads != 1:
        raise RuntimeError(f"the template has {threads} threads; forking it would not be safe")
