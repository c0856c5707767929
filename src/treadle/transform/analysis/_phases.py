"""Running the analyses: one pass over the data per phase, reading only the columns the phase needs.

An analysis is ready when the column it is over depends on no other analysis; the ready ones make a phase. Their
results are put in as constants, and what was waiting for them may become ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from treadle.graph import nodes as n
from treadle.graph import rewrite, walk
from treadle.transform.analysis._analyzers import Analysis
from treadle.transform.analysis._passes import Pass, Scan
from treadle.transform.fitted._numpy_function import PythonCall

Batches: TypeAlias = "Callable[[list[str] | None], Iterator[pa.RecordBatch]]"
"""From the columns wanted to the batches of the data; called once per phase."""


Read: TypeAlias = "Callable[[Sequence[Pass]], None]"
"""Gives the data to the accumulators of a phase."""


def resolve(targets: Sequence[n.Node], read: Read) -> list[n.Node]:
    """The targets with every analysis replaced by its result; one over what Python computes waits for that."""
    resolved = list(targets)
    while ready := _ready(resolved):
        results = _run(ready, read)
        resolved = _substitute(resolved, results)
    return resolved


def from_batches(batches: Batches) -> Read:
    """One pass over all of the data a phase."""

    def read(passes: Sequence[Pass]) -> None:
        scan = Scan(passes)
        for batch in batches(scan.columns):
            scan.add(batch)

    return read


def _substitute(targets: Sequence[n.Node], results: Mapping[int, n.Node]) -> list[n.Node]:
    return rewrite(targets, lambda node: results.get(id(node), node))


def _ready(targets: Sequence[n.Node]) -> list[Analysis]:
    waiting = [node for node in walk(targets) if isinstance(node, Analysis)]
    return [
        node for node in waiting if not any(isinstance(below, Analysis | PythonCall) for below in walk(node.operands))
    ]


def _run(ready: Sequence[Analysis], read: Read) -> dict[int, n.Node]:
    passes: dict[tuple[object, ...], Pass] = {}
    for node in ready:
        passes.setdefault(_key(node), Pass(node))
    read(list(passes.values()))
    results = {key: one.state.result() for key, one in passes.items()}
    return {id(node): results[_key(node)][node.field] for node in ready}


def _key(node: Analysis) -> tuple[object, ...]:
    return (node.analyzer, *map(id, node.operands))
