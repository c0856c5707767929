"""What an engine promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class Engine(Protocol):
    """Runs a function over the batches of a source.

    Obligations: one result per batch, in the order of the batches, each batch once; an exception of the function
    ends the iteration and is the caller's; batches are read no faster than results are taken, so memory does not
    grow with the source; when the iterator is closed, nothing goes on in the background.
    """

    def map_batches(self, fn: Callable[[pa.RecordBatch], T], source: Iterable[pa.RecordBatch]) -> Iterator[T]:
        """The function's result for every batch.

        Args:
            fn: Called with one batch at a time, perhaps in several threads at once; it must not change what it shares.
            source: The batches.
        """
        ...
