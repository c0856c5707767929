"""A result of an analysis as a column."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.graph import nodes as n
from treadle.transform._column import Column, number
from treadle.transform.analysis._analyzers import Analysis, Analyzer


def analysis(analyzer: Analyzer, field: str, over: Sequence[Column], kind: n.Kind = n.Kind.NUMBER) -> Column:
    """A result of an analysis over the columns, the first of which is ``x``."""
    nodes = [number(column) for column in over]
    return Column(Analysis(analyzer, field, kind, nodes[0], tuple(nodes[1:])))
