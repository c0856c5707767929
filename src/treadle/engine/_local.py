"""The engine of one machine: threads.

Arrow, numpy and ONNX Runtime work outside the interpreter's lock, so threads share the cores without copying a
batch; processes would pay for sending every batch and result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from treadle.config import num_threads
from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class LocalEngine:
    """Runs functions over batches in threads of this process.

    Args:
        workers: How many threads; by default the threads this process may use. One worker means no thread at all.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers cannot do anything.")
        self.workers = workers or num_threads()

    def map_batches(self, fn: Callable[[pa.RecordBatch], T], source: Iterable[pa.RecordBatch]) -> Iterator[T]:
        """The function's result for every batch, in order; see :class:`Engine`."""
        if self.workers == 1:
            yield from map(fn, source)
            return
        waiting: deque[Future[T]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="treadle-engine") as pool:
            try:
                for batch in source:
                    waiting.append(pool.submit(fn, batch))
                    if len(waiting) > self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def map_batches(
    fn: Callable[[pa.RecordBatch], T], source: Iterable[pa.RecordBatch], *, workers: int | None = None
) -> Iterator[T]:
    """The function's result for every batch of the source, in order, by the engine of this machine.

    Examples:
        >>> import pyarrow as pa
        >>> batches = pa.table({"x": [1, 2, 3]}).to_batches(max_chunksize=2)
        >>> list(map_batches(lambda batch: batch.num_rows, batches, workers=2))
        [2, 1]
    """
    return LocalEngine(workers).map_batches(fn, source)
