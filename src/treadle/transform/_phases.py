"""Running the analyses: one pass over the data per phase, reading only the columns the phase needs.

An analysis is ready when the column it is over depends on no other analysis; the ready ones make a phase. Their
results are put in as constants, and what was waiting for them may become ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from treadle.graph import MISSING_INT, MISSING_TEXT, Bulk, Output, dictionary, inputs_of, rewrite, spec_of, walk
from treadle.graph import nodes as n
from treadle.transform._analyzers import Accumulator, Analysis, Analyzer, Values

Batches: TypeAlias = "Callable[[list[str] | None], Iterator[pa.RecordBatch]]"
"""From the columns wanted to the batches of the data; called once per phase."""


def resolve(targets: Sequence[n.Node], batches: Batches) -> list[n.Node]:
    """The targets with every analysis replaced by its result."""
    resolved = list(targets)
    while ready := _ready(resolved):
        results = _run(ready, batches)
        resolved = _substitute(resolved, results)
    return resolved


def _substitute(targets: Sequence[n.Node], results: Mapping[int, n.Node]) -> list[n.Node]:
    return rewrite(targets, lambda node: results.get(id(node), node))


def _ready(targets: Sequence[n.Node]) -> list[Analysis]:
    waiting = [node for node in walk(targets) if isinstance(node, Analysis)]
    return [node for node in waiting if not any(isinstance(below, Analysis) for below in walk([node.x]))]


def _run(ready: Sequence[Analysis], batches: Batches) -> dict[int, n.Node]:
    passes: dict[tuple[Analyzer, int], _Pass] = {}
    for node in ready:
        passes.setdefault((node.analyzer, id(node.x)), _Pass(node))
    todo = list(passes.values())
    numeric = [p for p in todo if not p.is_dictionary]
    bulk = Bulk([Output(f"/{i}", (p.x,), as_float32=False) for i, p in enumerate(numeric)]) if numeric else None
    columns = sorted({node.name for node in inputs_of([p.x for p in todo])})
    for batch in batches(columns):
        if bulk is not None:
            for one, values in zip(numeric, bulk.run(batch), strict=True):
                one.add(values[:, 0])
        for one in todo:
            if one.is_dictionary:
                one.add_dictionary(batch)
    results = {key: one.state.result() for key, one in passes.items()}
    return {id(node): results[(node.analyzer, id(node.x))][node.field] for node in ready}


class _Pass:
    """One accumulator over one column."""

    def __init__(self, node: Analysis) -> None:
        self.x = node.x
        self.state: Accumulator = node.analyzer.create()
        inputs = inputs_of([node.x])
        # Text of one feature is counted by the column's dictionary: a graph over strings is slow, over few is not.
        self.is_dictionary = node.x.kind == n.Kind.TEXT and len(inputs) == 1 and inputs[0].kind == n.Kind.TEXT
        if self.is_dictionary:
            self._spec = spec_of(inputs[0])
            mapped = not isinstance(node.x, n.Input)
            self._map = Bulk([Output("/text", (node.x,), as_float32=False)]) if mapped else None

    def add(self, values: Values) -> None:
        if self.x.kind == n.Kind.KEY:
            values = values[values != MISSING_INT]
        elif self.x.kind == n.Kind.TEXT:
            values = values[values != MISSING_TEXT]
        self.state.add(values)

    def add_dictionary(self, batch: pa.RecordBatch) -> None:
        codes, values = dictionary(self._spec, batch)
        counts = np.bincount(codes, minlength=len(values))
        if self._map is not None:
            given = [None if value == MISSING_TEXT else value for value in values]
            column = pa.table({self._spec.name: pa.array(given, pa.string())})
            values = self._map.run(column)[0][:, 0]
        present = values != MISSING_TEXT
        self.state.add(values[present], counts[present])
