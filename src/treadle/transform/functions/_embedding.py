"""Embeddings by lookup: the row of a table for each id."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, describe, key
from treadle.transform._location import user_line
from treadle.transform.functions._vectors import Vector


def embedding(x: Column, table: Sequence[Sequence[float]] | npt.NDArray[np.floating]) -> Vector:
    """The row of a table that an id names, as a vector; missing where the id is below 0, too large or missing.

    Args:
        x: A column of integers, as of ``lookup(x, file=...)``: 0 is the first row.
        table: ``[ids, dimensions]`` finite numbers; they become part of the graph.
    """
    ids = key(x) if isinstance(x, Column) and x.node.kind == n.Kind.KEY else None
    if ids is None:
        raise TransformError(f"embedding needs ids, and this is {describe(x)}.", where=user_line())
    try:
        rows = np.array(table, dtype=np.float64)
    except (ValueError, TypeError):
        rows = np.empty(0)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise TransformError("A table is rows of the same number of finite numbers.", where=user_line())
    inside = t.Within(len(rows), ids)  # one behind the last row: missing
    whole = n.Table((*map(tuple, rows.tolist()), (math.nan,) * rows.shape[1]))
    return Vector([Column(n.Pick(inside, whole, column)) for column in range(rows.shape[1])])
