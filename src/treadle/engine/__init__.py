"""One seam for work on many batches: ``map_batches(fn, source) -> results``.

The function may return the bytes of an accumulator, which the caller merges, or a transformed batch. Rooms below
the components take batches or an engine as an argument; they do not import this room.
"""

from treadle.engine._engine import Engine
from treadle.engine._local import LocalEngine, map_batches

__all__ = ["Engine", "LocalEngine", "map_batches"]
