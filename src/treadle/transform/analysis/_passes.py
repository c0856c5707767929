"""One pass: the accumulators of a phase, fed batch by batch from one run of one graph."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import pyarrow as pa

from treadle.graph import MISSING_INT, MISSING_TEXT, Bulk, Output, dictionary, inputs_of, spec_of
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform.analysis._analyzers import Accumulator, Analysis, Coded, Values
from treadle.transform.analysis._terms import repeat_rows


class Scan:
    """What one pass over the data computes."""

    def __init__(self, passes: Sequence[Pass]) -> None:
        self._passes = passes
        wanted = {id(node): node for one in passes for node in one.wanted}
        self._order = list(wanted)
        self._sequences = {key for key, node in wanted.items() if t.is_sequence(node)}
        outputs = [Output(f"/{i}", (node,), as_float32=False) for i, node in enumerate(wanted.values())]
        self._bulk = Bulk(outputs) if outputs else None
        self.columns = sorted({node.name for node in inputs_of([x for one in passes for x in one.columns])})
        """The raw columns that are read."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Give a batch to every accumulator."""
        found: dict[int, Values] = {}
        if self._bulk is not None:
            results = self._bulk.run(batch)
            found = {
                key: each if key in self._sequences else each[:, 0]
                for key, each in zip(self._order, results, strict=True)
            }
        for one in self._passes:
            one.add(batch, found)


class Pass:
    """One accumulator over one column, or over several."""

    def __init__(self, node: Analysis) -> None:
        self.analyzer = node.analyzer
        self.columns = (node.x, *node.also)
        self.state: Accumulator = node.analyzer.create()
        # Text of one feature is counted by the column's dictionary: a graph over strings is slow, over few is not.
        self._texts = {id(x): _Text(x) for x in self.columns if _is_text_of_one(x)}
        self.wanted = [x for x in self.columns if id(x) not in self._texts]
        """The columns that the graph computes row by row."""

    def fresh(self) -> Pass:
        """The same pass with an accumulator that has seen nothing."""
        same = copy(self)
        same.state = self.analyzer.create()
        return same

    def add(self, batch: pa.RecordBatch, found: dict[int, Values]) -> None:
        """Take in a batch.

        Args:
            batch: The raw rows.
            found: The wanted columns, by the identity of their nodes.
        """
        if len(self.columns) > 1:
            add_columns: Any = self.state.add_columns  # type: ignore[attr-defined]
            add_columns([self._column(x, batch, found) for x in self.columns])
            return
        x = self.columns[0]
        if id(x) in self._texts:
            codes, values = self._texts[id(x)].coded(batch)
            counts = np.bincount(codes, minlength=len(values))
            if values.ndim > 1 and hasattr(self.state, "add_rows"):
                self.state.add_rows(values, counts)
                return
            if values.ndim > 1:
                values, counts = repeat_rows(values, counts)
            present = values != MISSING_TEXT
            self.state.add(values[present], counts[present])
        else:
            values = found[id(x)]
            if values.ndim > 1 and hasattr(self.state, "add_rows"):
                self.state.add_rows(values, np.ones(len(values), dtype=np.int64))
                return
            mark = {n.Kind.KEY: MISSING_INT, n.Kind.TEXT: MISSING_TEXT}.get(x.kind)
            self.state.add(values if mark is None else values[values != mark])

    def _column(self, x: n.Node, batch: pa.RecordBatch, found: dict[int, Values]) -> Values | Coded:
        if id(x) in self._texts:
            codes, values = self._texts[id(x)].coded(batch)
            return _coded(codes, values, MISSING_TEXT)
        if x.kind in (n.Kind.KEY, n.Kind.TEXT, n.Kind.TIME):
            values, codes = np.unique(found[id(x)], return_inverse=True)
            return _coded(codes, values, MISSING_TEXT if x.kind == n.Kind.TEXT else MISSING_INT)
        return np.require(found[id(x)], np.float64, "W")  # a user's code may write into it, and raw data is Arrow's


class _Text:
    """Text that depends on one raw feature: computed on the feature's distinct values."""

    def __init__(self, node: n.Node) -> None:
        self._spec = spec_of(inputs_of([node])[0])
        self._is_sequence = t.is_sequence(node)
        mapped = not isinstance(node, n.Input)
        self._map = Bulk([Output("/text", (node,), as_float32=False)]) if mapped else None

    def coded(self, batch: pa.RecordBatch) -> tuple[Values, Values]:
        """Codes and values; values may repeat, and one of them is the missing text. Sequences are rows of values."""
        codes, values = dictionary(self._spec, batch)
        if self._map is not None:
            given = [None if value == MISSING_TEXT else value for value in values]
            found = self._map.run(pa.table({self._spec.name: pa.array(given, pa.string())}))[0]
            values = found if self._is_sequence else found[:, 0]
        return codes, values


def _is_text_of_one(node: n.Node) -> bool:
    inputs = inputs_of([node])
    return node.kind == n.Kind.TEXT and len(inputs) == 1 and inputs[0].kind == n.Kind.TEXT


def _coded(codes: Values, values: Values, missing: str | int) -> Coded:
    """Each value once, the missing one as -1."""
    distinct: dict[Any, int] = {}
    ids = [-1 if value == missing else distinct.setdefault(value, len(distinct)) for value in values.tolist()]
    return Coded(np.array(ids, dtype=np.int64)[codes], list(distinct))
