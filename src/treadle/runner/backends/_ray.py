"""Ray: every node is a Ray task that asks the cluster for what the node declares.

Ray finds the machine, the driver does everything else: a task is never retried by Ray (the driver retries what may
pass, and records each attempt), and what a lost worker left behind is in a folder that nobody reads. The store's folder
must be seen by every machine of the cluster under the same path.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from treadle.config import ray_address
from treadle.errors import BackendError, MissingDependencyError, NodeLostError
from treadle.runner._child import describe_error
from treadle.runner._task import RESULT, write_json
from treadle.runner.backends._contract import Began, Ended, Launcher, Task
from treadle.runner.backends._ray_task import BEGAN, run_node

_KILLED = -9
_NAMES = {"cpu": "CPU", "gpu": "GPU", "memory": "memory"}


class RayBackend:
    """Runs nodes on a Ray cluster.

    Args:
        address: The cluster, as `ray.init` takes it. When not given: the one this process is connected to, the one that
            ``RAY_ADDRESS`` names, one that runs on this machine, or a new one on this machine.
    """

    name = "ray"

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def launcher(self) -> AbstractContextManager[Launcher]:
        """Connects when the first node is to run: a run that reuses everything needs no cluster."""
        return RayLauncher(self._address)

    def limits(self, workers: int) -> Mapping[str, float]:  # noqa: ARG002
        """None: the cluster's scheduler sees to it."""
        return {}


class RayLauncher:
    """Nodes as tasks of a Ray cluster."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._ray: Any = None
        self._owned = False
        self._tasks: dict[Any, Task] = {}
        """By Ray's reference to what will come back."""
        self._begun: set[int] = set()
        self._refused: list[Ended] = []

    def warm_up(self) -> None:
        """Connect, if not connected yet."""
        if self._ray is not None:
            return
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError(
                "The backend ray needs Ray", hint='install it: pip install "treadle[ray]"'
            ) from error
        if not ray.is_initialized():
            _check_reachable(self._address or ray_address() or "")
            try:
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.WARNING)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise _unreachable(self._address, error) from error
            self._owned = True
        self._ray = ray
        self._function = ray.remote(run_node)

    def start(self, task: Task) -> None:
        """Submit a node; Ray starts it when a machine has room."""
        self.warm_up()
        offered = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        known = {name for node in offered for name in node}
        asked = {_NAMES.get(name, name): amount for name, amount in task.needs.items() if amount > 0}
        asked = {name: amount for name, amount in asked.items() if name in known or name in _NAMES.values()}
        if not any(all(node.get(name, 0.0) >= amount for name, amount in asked.items()) for node in offered):
            shown = ", ".join(f"{name} {amount:g}" for name, amount in asked.items())
            self._refuse(
                task,
                f"No machine of the Ray cluster has {shown}",
                "declare less (resources=), or add such a machine: an autoscaler is not waited for",
            )
            return
        reference = self._function.options(
            num_cpus=asked.pop("CPU", 0.0),
            num_gpus=asked.pop("GPU", 0.0),
            memory=int(asked.pop("memory", 0.0)) or None,
            resources=asked,
            max_retries=0,
            name="treadle node",
        ).remote(str(task.folder), str(task.log), os.getcwd())
        self._tasks[reference] = task

    def kill(self, task: int) -> None:
        """Cancel a node's task; its worker is killed, and the node with it."""
        for reference, known in self._tasks.items():
            if known.id == task:
                self._ray.cancel(reference, force=True)

    def wait(self, seconds: float) -> list[Began | Ended]:
        """The nodes that began or ended."""
        happened: list[Began | Ended] = list(self._refused)
        self._refused.clear()
        if not self._tasks:
            return happened
        ready, _ = self._ray.wait(list(self._tasks), timeout=0.0 if happened else seconds)
        for task in self._tasks.values():
            if task.id not in self._begun and (task.folder / BEGAN).exists():
                self._begun.add(task.id)
                happened.append(Began(task.id))
        return [*happened, *(self._end(reference) for reference in ready)]

    def close(self) -> None:
        """Cancel what is left, and leave a cluster that this launcher connected to."""
        for reference in self._tasks:
            with contextlib.suppress(Exception):  # the cluster may be gone already
                self._ray.cancel(reference, force=True)
        for reference in self._tasks:  # what was cancelled has ended before its folder is cleared
            with contextlib.suppress(Exception):
                self._ray.get(reference, timeout=10.0)
        self._tasks.clear()
        if self._owned:
            self._owned = False
            self._ray.shutdown()
        self._ray = None

    def __enter__(self) -> RayLauncher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, reference: Any) -> Ended:
        task = self._tasks.pop(reference)
        exceptions = self._ray.exceptions
        try:
            told = self._ray.get(reference)
        except (exceptions.TaskCancelledError, exceptions.WorkerCrashedError) as error:
            return Ended(task.id, _KILLED, f"ended with its Ray worker ({type(error).__name__})")
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, NodeLostError):
                return Ended(task.id, _KILLED, f"was lost on its machine ({error.cause.what})")
            self._refuse(
                task,
                f"The Ray worker could not start the node: {error.cause}",
                "every machine of the cluster needs the same Python, Treadle and project as this one",
            )
            return self._refused.pop()
        except exceptions.RayError as error:  # the machine, its raylet or its memory
            return Ended(task.id, _KILLED, f"was lost with its machine ({type(error).__name__})")
        if "unseen" in told:
            self._refuse(
                task,
                f"A machine of the Ray cluster does not see the store: {told['unseen']}",
                "put TREADLE_HOME on a file system that every machine has under the same path",
            )
            return self._refused.pop()
        return Ended(task.id, told["status"])

    def _refuse(self, task: Task, what: str, hint: str) -> None:
        """End a task with an error that trying again would not mend."""
        error = BackendError(what, where={"backend": "ray", "folder": str(task.folder)}, hint=hint)
        told = {**describe_error(error, "", []), "traceback": None}
        told["where"].pop("node")
        write_json(task.folder / RESULT, {"error": told, "transient": False, "reads": {}})
        self._refused.append(Ended(task.id, 1))


def _check_reachable(address: str) -> None:
    """Ray itself tries for a minute before it says that nobody is there.

    Raises:
        BackendError: When nobody listens at the address.
    """
    host, _, port = address.rpartition("://")[2].partition("?")[0].rpartition(":")
    if not (host and port.isdecimal()):  # "auto", "local", or none
        return
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except OSError as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str | None, error: Exception) -> BackendError:
    return BackendError(
        f"The Ray cluster cannot be reached: {error}",
        where={"backend": "ray", "address": address or None},
        hint="`ray status` tells how it is; RAY_ADDRESS names the cluster. One that asks for a token wants "
        "RAY_AUTH_MODE=token, and the token in ~/.ray/auth_token",
    )
