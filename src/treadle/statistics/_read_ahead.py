"""Reading in a thread of its own while what came before is counted: both let the interpreter go, so both proceed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 2  # batches that wait; more would only be memory
_WAIT = 0.1


def read_ahead(items: Callable[[], Iterable[Item]]) -> Iterator[Item]:
    """The items, in their order, made in another thread a little ahead of their use.

    What making them raises is raised here, after the items before it. If the caller stops early, so does the thread.

    Args:
        items: Makes the items; called in the thread.
    """
    made: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(what: tuple[Item] | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                made.put(what, timeout=_WAIT)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for item in items():
                if not put((item,)):
                    return
            put(None)
        except BaseException as error:  # raised again where the items are used
            put(error)

    thread = threading.Thread(target=run, name="treadle-reading", daemon=True)
    thread.start()
    try:
        while (got := made.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0]
    finally:
        stopped.set()
        thread.join()
