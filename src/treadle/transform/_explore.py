"""Looking at what ``preprocess`` gives, with numpy functions that no server could run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.graph import Bulk, Output, replace_nodes, walk
from treadle.graph import nodes as n
from treadle.transform._graph import TransformGraph
from treadle.transform._trace import Preprocess, trace
from treadle.transform.analysis._agreement import called
from treadle.transform.analysis._analyzers import Analysis
from treadle.transform.analysis._phases import Batches, from_batches, resolve
from treadle.transform.fitted._numpy_function import PythonCall

if TYPE_CHECKING:
    from treadle.schema import Schema


def explore(preprocess: Preprocess, schema: Schema, table: pa.Table) -> pa.Table:
    """The outputs of ``preprocess`` for a table, analysed over this table: to look at, and no more.

    Here alone a ``numpy_function`` needs no ``body``. There is no graph to save or to serve: that is :func:`analyze`.

    Raises:
        TransformError: As :func:`analyze`.
        UserCodeError: ``preprocess`` or a numpy function raised.
    """
    outputs = trace(preprocess, schema, exploring=True)
    targets = [output.node for output in outputs.values()]
    while True:
        targets = resolve(targets, from_batches(_batches(table)))
        calls = [node for node in walk(targets) if isinstance(node, PythonCall)]
        ready = [node for node in calls if not any(isinstance(x, PythonCall | Analysis) for x in walk(node.xs))]
        if not ready:
            break
        inputs: dict[int, n.Node] = {}
        for node in ready:
            name = f"/numpy_{len(table.schema.names)}"
            table = table.append_column(name, pa.array(_computed(node, table)))
            inputs[id(node)] = n.Input(name, "float", n.Kind.NUMBER)
        targets = replace_nodes(targets, inputs)
    return TransformGraph(dict(zip(outputs, targets, strict=True)), None).transform(table)


def _batches(table: pa.Table) -> Batches:
    return lambda columns: iter(table.select(columns or []).to_batches())


def _computed(node: PythonCall, table: pa.Table) -> npt.NDArray[np.float64]:
    bulk = Bulk([Output("/xs", node.xs, as_float32=False)])
    return called(node.function, list(bulk.run(table)[0].T), dict(node.line))
