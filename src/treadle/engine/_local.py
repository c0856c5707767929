"""The engine of one machine: threads.

Arrow, numpy and ONNX Runtime work outside the interpreter's lock, so threads share the cores without copying a
batch; processes would pay for their start, and for sending every result (measured in ADR 30).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from treadle.config import num_threads
from treadle.engine._tree import merge_in_order
from treadle.engine._writing import write_parts
from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

P = TypeVar("P")
R = TypeVar("R")


class LocalEngine:
    """Runs functions in threads of this process; see :class:`Engine`.

    What it is given need not be a list: ``map`` takes any iterable, such as the batches of a stream, and reads it no
    faster than results are taken. Functions may be any.

    Args:
        workers: How many threads; by default the threads this process may use. One worker means no thread at all.
    """

    name = "local"

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers cannot do anything.")
        self.workers = workers or num_threads()

    def map(self, fn: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """The function's result for every part, in order."""
        if self.workers == 1:
            yield from map(fn, parts)
            return
        waiting: deque[Future[R]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="treadle-engine") as pool:
            try:
                for part in parts:
                    waiting.append(pool.submit(fn, part))
                    if len(waiting) > self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def map_batches(self, fn: Callable[[pa.RecordBatch], R], source: Iterable[pa.RecordBatch]) -> Iterator[R]:
        """The function's result for every batch of a stream, in order."""
        return self.map(fn, source)

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged."""
        return merge_in_order(self.map(fn, parts), merge)

    def write(
        self, fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, *, suffix: str = ".parquet"
    ) -> list[R]:
        """A file for every part: all of them, whole, or none."""
        return write_parts(self.map, fn, parts, folder, suffix)

    def close(self) -> None:
        """Nothing goes on between calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def map_batches(
    fn: Callable[[pa.RecordBatch], R], source: Iterable[pa.RecordBatch], *, workers: int | None = None
) -> Iterator[R]:
    """The function's result for every batch of the source, in order, by the engine of this machine.

    Examples:
        >>> import pyarrow as pa
        >>> batches = pa.table({"x": [1, 2, 3]}).to_batches(max_chunksize=2)
        >>> list(map_batches(lambda batch: batch.num_rows, batches, workers=2))
        [2, 1]
    """
    return LocalEngine(workers).map_batches(fn, source)
