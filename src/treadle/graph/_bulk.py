"""Running a graph over tables: the served graph, cut where text ends.

A string costs ten times a number in ONNX Runtime. So the parts that depend on one text feature alone run on the
column's dictionary (its distinct values) and are taken back by code; everything else runs as it is served. The
operations are the same, row by row, and so are the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from treadle.errors import InputValueError
from treadle.graph._arrow_memory import gaps_of, values_of
from treadle.graph._lowering import Output, columns_of, lower_cut, lower_for_bulk
from treadle.graph._nodes import Cut, Input, Kind, Lookup, Node, categories, width
from treadle.graph._nodes_lists import tensor_of_list
from treadle.graph._nodes_text import Bag, Prepared, Present, Weighted
from treadle.graph._passes import inputs_of, replace_nodes, simplify, walk
from treadle.graph._session import Session
from treadle.graph._values import InputSpec, encode_table
from treadle.graph._values_arrow import encode_text, plain
from treadle.graph._values_python import MISSING_TEXT, Tensor

_TENSOR = {Kind.NUMBER: "float64", Kind.KEY: "int64", Kind.TIME: "int64", Kind.TEXT: "string", Kind.BYTES: "bytes"}


def spec_of(node: Input) -> InputSpec:
    """How a raw feature enters the graph."""
    tensor = tensor_of_list(node.type) if node.kind == Kind.LIST else _TENSOR[node.kind]
    return InputSpec(node.name, node.type, tensor, node.required)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What one text feature's dictionary is run through, and the inputs it becomes."""

    text: InputSpec
    session: Session
    names: tuple[str, ...]


class Bulk:
    """Outputs over tables, as the served graph gives them row by row.

    Args:
        outputs: What to compute.
        threads: Threads for one batch.
    """

    def __init__(self, outputs: Sequence[Output], *, threads: int = 1) -> None:
        # What leaves the graph decides how an integer enters it, so this has to be said before the cut.
        converted = [columns_of(output) for output in outputs]
        flat = simplify([node for nodes in converted for node in nodes])
        rest, cuts = _cut(flat)
        found = iter(rest)
        planned = [
            Output(output.name, tuple(next(found) for _ in nodes), output.as_float32)
            for output, nodes in zip(outputs, converted, strict=True)
        ]
        self._cuts = [
            _Cut(
                spec_of(text),
                _session([Output(name, (node,), as_float32=False) for name, node in made], threads),
                tuple(name for name, _ in made),
            )
            for text, made in cuts
        ]
        # For each output, the column that it is as it enters, or nothing where the graph makes it.
        self._entering = [_column_itself(output) for output in planned]
        computed = [output for output, column in zip(planned, self._entering, strict=True) if column is None]
        self._specs = [spec_of(node) for node in inputs_of(rest) if not isinstance(node, Cut)]
        self._graph = _Graph(computed, threads) if computed else None
        self.columns = tuple(dict.fromkeys(node.name for node in inputs_of(flat)))
        """The raw columns that are read."""

    def run(self, table: pa.Table | pa.RecordBatch) -> list[Tensor]:
        """The outputs, ``[N, width]`` each, in order; not to be written to.

        Raises:
            InputColumnError: A required column is not there.
            InputValueError: A value does not fit its feature's type.
        """
        feed: dict[str, Any] = encode_table(self._specs, table)
        for cut in self._cuts:
            codes, values = dictionary(cut.text, table)
            results = cut.session.run({cut.text.name: values.reshape(-1, 1)})
            feed |= {name: result[codes] for name, result in zip(cut.names, results, strict=True)}
        computed = iter(self._graph.run(feed) if self._graph is not None else ())
        return [next(computed) if column is None else feed[column] for column in self._entering]


class _Graph:
    """The part that runs row by row."""

    def __init__(self, outputs: Sequence[Output], threads: int) -> None:
        lowered = lower_for_bulk(outputs)
        self._session = Session(lowered.model, threads=threads)
        self._orders = lowered.orders

    def run(self, feed: Mapping[str, Any]) -> list[Tensor]:
        results = self._session.run({name: feed[name] for name in self._session.inputs})
        return [r if order is None else r[:, order] for r, order in zip(results, self._orders, strict=True)]


def _column_itself(output: Output) -> str | None:
    node = output.nodes[0]
    return node.name if isinstance(node, Input) and len(output.nodes) == 1 and not output.as_float32 else None


def dictionary(spec: InputSpec, table: pa.Table | pa.RecordBatch) -> tuple[Tensor, Tensor]:
    """A text column as codes ``[N]`` and the distinct values ``[D]``, of which the last is the missing one."""
    if spec.name not in table.schema.names:
        feed = encode_table([spec], table.slice(0, 1))  # says what is wrong if the column is required
        return np.zeros(table.num_rows, dtype=np.int64), np.asarray(feed[spec.name]).reshape(-1)
    encoded = _encoded(table.column(spec.name))
    try:
        values = encode_text(spec.name, encoded.dictionary)
    except InputValueError as error:
        raise _in_table(error, encoded) from error.__cause__
    codes, gaps = values_of(encoded.indices).astype(np.intp), gaps_of(encoded.indices)
    if gaps is not None:
        codes[gaps] = len(values)
    return codes, np.append(values, MISSING_TEXT).astype(object)


def _in_table(error: InputValueError, encoded: pa.DictionaryArray) -> InputValueError:
    """The error with the row of the table, where it names one of the dictionary."""
    if "row" in error.where:
        import pyarrow.compute as pc

        error.where["row"] = pc.index(encoded.indices, error.where["row"]).as_py()
    return error


def _encoded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """The column in one piece with one dictionary; one that it has from its file is kept."""
    if pa.types.is_dictionary(column.type):
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries().combine_chunks()
        return column
    array = plain(column)
    return (array.cast(pa.string()) if pa.types.is_null(array.type) else array).dictionary_encode()


def _session(outputs: Sequence[Output], threads: int) -> Session:
    return Session(lower_cut(outputs), threads=threads)


def _cut(targets: list[Node]) -> tuple[list[Node], list[tuple[Input, list[tuple[str, Node]]]]]:
    """Replace each first result that is no longer text, and depends on one text feature, by an input."""
    sources: dict[int, set[Input]] = {}
    replaced: dict[int, Node] = {}
    cuts: dict[Input, list[tuple[str, Node]]] = {}
    inner = _inner(targets)
    for node in walk(targets):
        found = {node} if isinstance(node, Input) else set().union(*(sources[id(o)] for o in node.operands))
        sources[id(node)] = found
        text = next(iter(found)) if len(found) == 1 else None
        if text is None or text.kind != Kind.TEXT or node.kind == Kind.TEXT or id(node) in inner:
            continue
        if all(o.kind == Kind.TEXT or id(o) in inner or not sources[id(o)] for o in node.operands):
            name = f"/cut_{len(replaced)}"
            replaced[id(node)] = Cut(name, "cut", node.kind, found=categories(node), wide=width(node))
            cuts.setdefault(text, []).append((name, node))
    if not replaced:
        return targets, []
    return replace_nodes(targets, replaced), list(cuts.items())


def _inner(targets: list[Node]) -> set[int]:
    """Steps on the way from tokens to a bag, which is one result: nothing else takes them."""
    users: dict[int, set[type[Node]]] = {id(node): {Node} for node in targets}
    nodes = list(walk(targets))
    for node in nodes:
        for operand in node.operands:
            users.setdefault(id(operand), set()).add(type(node))
    return {id(node) for node in nodes if users.get(id(node), {Node}) <= _USERS_INSIDE.get(type(node), frozenset())}


_USERS_INSIDE: dict[type[Node], frozenset[type[Node]]] = {
    Lookup: frozenset({Bag}),
    Bag: frozenset({Present, Weighted}),
    Prepared: frozenset({Weighted}),
}
