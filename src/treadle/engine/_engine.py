"""What an engine promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self, TypeVar

P = TypeVar("P")
R = TypeVar("R")


class Engine(Protocol):
    """Runs a function over the parts of some data, here or elsewhere.

    A part says where rows are, and a function reads them where it runs (``treadle.ingest.Scan.parts``). Which parts
    there are, and how results are put together, never depends on the engine; so neither do the results.

    Obligations: a result for every part, in the order of the parts. An exception of the function is the caller's, the
    one of the first part that has one; nothing is tried again because of it. A worker that is lost is another matter:
    its parts run again elsewhere. So a function may run more than once, and must leave nothing behind but what
    :meth:`write` gives it to write.

    An engine elsewhere takes functions and parts that can be sent to another process: a function at the top level
    of a module that is installed there, or a ``functools.partial`` of one.
    """

    name: str
    """The word that users choose it by."""

    def map(self, fn: Callable[[P], R], parts: Sequence[P]) -> Iterator[R]:
        """The function's result for every part, in order.

        Args:
            fn: Called with one part at a time, several at once; it must not change what it shares.
            parts: What to call it with.

        Raises:
            EngineFunctionError: The function or a part cannot be sent to where it is to run.
            EngineError: The engine could not do it.
        """
        ...

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged.

        Eight neighbours are merged at a time, and so on upwards: the tree depends on the number of parts alone.

        Args:
            fn: As in :meth:`map`.
            merge: From a few results, in order, to one; it may use them up.
            parts: What to call the function with.

        Returns:
            ``None`` if there is no part.
        """
        ...

    def write(
        self, fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, *, suffix: str = ".parquet"
    ) -> list[R]:
        """A file for every part, ``part-00000`` and so on: all of them, whole, or none.

        Args:
            fn: Called with a part and the file to write; what it returns is given back.
            parts: What is written, in this order.
            folder: Where; made if it is not there. Workers elsewhere must see it by the same path.
            suffix: The end of the names of the files.
        """
        ...

    def close(self) -> None:
        """Stop what this engine started. What was running before goes on."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
