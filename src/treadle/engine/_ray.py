"""Ray: every part is a task; results stay in the cluster's memory until they are taken or merged there."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from treadle.config import num_threads, ray_address
from treadle.engine._sending import Outcome, attempt, attempt_merge, result_of, send
from treadle.engine._tree import FAN_IN, merge_in_order
from treadle.engine._writing import write_parts
from treadle.errors import EngineError, MissingDependencyError

_PATIENCE = 10
"""Seconds to wait for an answer from where the cluster should be."""

P = TypeVar("P")
R = TypeVar("R")


class RayEngine:
    """Runs functions as tasks of Ray; see :class:`Engine`.

    Ray tries a task whose worker was lost up to three times again.

    Args:
        address: Of the cluster. By default the one this process is connected to, else ``RAY_ADDRESS``, else a new
            one on the cores of this machine.

    Raises:
        MissingDependencyError: Ray is not installed.
        EngineError: The cluster cannot be reached.
    """

    name = "ray"

    def __init__(self, address: str | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError("The engine ray needs Ray.", hint="pip install 'treadle[ray]'") from error
        self._own = not ray.is_initialized()
        if self._own:
            _connect(ray, address or ray_address())
        self._attempt = ray.remote(max_retries=3)(_attempt)
        self._merge = ray.remote(max_retries=3)(_attempt_merge)

    def map(self, fn: Callable[[P], R], parts: Sequence[P]) -> Iterator[R]:
        """The function's result for every part, in order."""
        return self._take(self._begin(fn, parts))

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged by the workers."""
        running = self._begin(fn, parts)
        function = self._bytes(merge)
        while len(running) > FAN_IN:
            groups = [running[start : start + FAN_IN] for start in range(0, len(running), FAN_IN)]
            running = [self._merge.remote(function, *group) for group in groups]
        return merge_in_order(self._take(running), merge)

    def write(
        self, fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, *, suffix: str = ".parquet"
    ) -> list[R]:
        """A file for every part, written by the workers: all of them, whole, or none."""
        return write_parts(self.map, fn, parts, folder, suffix)

    def close(self) -> None:
        """Leave the cluster, if this engine went there; one that it started ends."""
        import ray

        if self._own and ray.is_initialized():
            ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, fn: object, parts: Sequence[object]) -> list[Any]:
        import ray

        sent = send(fn, parts, ray.cloudpickle.dumps)
        function = ray.put(sent.fn)
        return [self._attempt.remote(function, part) for part in sent.parts]

    def _bytes(self, fn: object) -> Any:
        import ray

        return ray.put(send(fn, [], ray.cloudpickle.dumps).fn)

    def _take(self, running: list[Any]) -> Iterator[Any]:
        import ray

        waiting = deque(running)
        try:
            while waiting:
                try:
                    outcome = ray.get(waiting.popleft())
                except ray.exceptions.RayError as error:
                    raise _failure(error) from error
                yield result_of(outcome, ray.cloudpickle.loads)
        finally:
            for reference in waiting:
                ray.cancel(reference)
            if waiting:
                ray.wait(list(waiting), num_returns=len(waiting))  # nothing goes on when this ends


def _attempt(fn: bytes, part: bytes) -> Outcome:
    from ray import cloudpickle

    return attempt(fn, part, cloudpickle.loads, cloudpickle.dumps)


def _attempt_merge(merge: bytes, *outcomes: Outcome) -> Outcome:
    from ray import cloudpickle

    return attempt_merge(merge, outcomes, cloudpickle.loads, cloudpickle.dumps)


def _connect(ray: Any, address: str | None) -> None:
    settings: dict[str, Any] = {"address": address}
    if address in (None, "local"):  # a cluster of our own, whatever else runs on this machine
        settings = {"address": "local", "num_cpus": num_threads(), "include_dashboard": False}
    try:
        _knock(settings["address"])
        ray.init(log_to_driver=False, logging_level="ERROR", **settings)
    except Exception as error:
        raise EngineError(
            f"Ray cannot be reached: {_first_line(error)}.",
            where={"address": address},
            hint="RAY_ADDRESS says where the cluster is, as in 10.0.0.1:6379. One that asks for a token wants "
            "RAY_AUTH_MODE=token, and the token in ~/.ray/auth_token.",
        ) from error


def _knock(address: str) -> None:
    """Fail at once where nobody listens; Ray goes on trying for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():  # else a word, such as auto
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _failure(error: Exception) -> EngineError:
    return EngineError(
        f"Ray could not do it: {_first_line(error)}.",
        hint="Is the same Python with treadle on all machines, and enough memory? ray logs says more.",
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
