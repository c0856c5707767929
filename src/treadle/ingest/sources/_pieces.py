"""Rows of a text in pieces: a text of one piece is read once, a longer one for its types and again for its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from treadle.ingest.sources._promise import Refused

Cut = Callable[[], Iterator[bytes]]
"""The pieces, from the first, as often as asked."""
Read = Callable[[bytes, int, bool], tuple[pa.Table, list[Refused]]]
"""The rows of a piece and those that cannot be read, from how many came before and whether the types are known."""


class Pieces:
    """The two passes over one text; memory holds a piece."""

    def __init__(self, cut: Cut, read: Read) -> None:
        self._cut, self._read = cut, read
        self._kept: pa.Table | None = None
        self.num_rows = 0
        """How many rows there are; known when :meth:`learn` has ended."""
        self.refused: list[Refused] = []

    def learn(self) -> Iterator[pa.Table]:
        """The first pass: rows in types that hold their own piece."""
        for number, (table, refused) in enumerate(self._pass(known=False)):
            self._kept = table if number == 0 else None
            self.num_rows += table.num_rows
            self.refused += refused
            yield table

    def tables(self) -> Iterator[pa.Table]:
        """The rows; of a text of one piece as :meth:`learn` gave them, of another as ``read`` gives them at last."""
        if self._kept is not None:
            yield self._kept
            return
        for table, _ in self._pass(known=True):
            yield table

    def _pass(self, *, known: bool) -> Iterator[tuple[pa.Table, list[Refused]]]:
        seen = 0
        for piece in self._cut():
            table, refused = self._read(piece, seen, known)
            seen += table.num_rows + len(refused)
            yield table, refused
