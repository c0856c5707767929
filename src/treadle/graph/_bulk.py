"""Running a graph over tables: the served graph, cut where text ends.

A string costs ten times a number in ONNX Runtime. So the parts that depend on one text feature alone run on the
column's dictionary (its distinct values) and are taken back by code; everything else runs on each column by itself.
The operations are the same, row by row, and so are the results.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from treadle.errors import InputValueError
from treadle.graph._cuts import cut
from treadle.graph._lowering import Output, columns_of, lower_for_bulk
from treadle.graph._nodes import Cut, Input, Kind, Node
from treadle.graph._nodes_lists import tensor_of_list
from treadle.graph._passes import inputs_of, simplify
from treadle.graph._session import Session
from treadle.graph.values._arrow import encode_text, plain
from treadle.graph.values._arrow_memory import gaps_of, values_of
from treadle.graph.values._boundary import InputSpec, encode_table
from treadle.graph.values._python import MISSING_TEXT, Tensor

_ROWS = 16384
_TEXT_ROWS = 4 * _ROWS
_TENSOR = {Kind.NUMBER: "float64", Kind.KEY: "int64", Kind.TIME: "int64", Kind.TEXT: "string", Kind.BYTES: "bytes"}


def spec_of(node: Input) -> InputSpec:
    """How a raw feature enters the graph."""
    tensor = tensor_of_list(node.type) if node.kind == Kind.LIST else _TENSOR[node.kind]
    return InputSpec(node.name, node.type, tensor, node.required)


@dataclass(frozen=True, slots=True)
class _Text:
    """What one text feature's dictionary is run through, and the columns it becomes."""

    spec: InputSpec
    session: Session

    def coded(self, table: pa.Table | pa.RecordBatch) -> _Coded:
        codes, values = dictionary(self.spec, table)
        results = self.session.run({self.spec.name: values.reshape(-1, 1)})
        return _Coded(codes, dict(zip(self.session.outputs, results, strict=True)))


@dataclass(frozen=True, slots=True)
class _Coded:
    codes: Tensor
    results: dict[str, Tensor]

    def rows(self, start: int, stop: int) -> dict[str, Tensor]:
        """The columns of some rows."""
        return {name: result[self.codes[start:stop]] for name, result in self.results.items()}


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
        rest, cuts = cut(flat)
        found = iter(rest)
        columns = [
            [_Column(next(found), output.as_float32) for _ in nodes]
            for output, nodes in zip(outputs, converted, strict=True)
        ]
        self._names = [[column.name for column in of_output] for of_output in columns]
        once = {column.name: column for of_output in columns for column in of_output}
        computed = [Output(name, (column.node,), column.as_float32) for name, column in once.items() if column.is_made]
        self._session = Session(lower_for_bulk(computed), threads=threads) if computed else None
        taken = once.keys() | {node.name for output in computed for node in inputs_of(output.nodes)}
        self._texts = [
            _Text(spec_of(text), Session(lower_for_bulk(_taken(made, taken)), threads=threads)) for text, made in cuts
        ]
        self._specs = [spec_of(node) for node in inputs_of(rest) if not isinstance(node, Cut)]
        self.columns = tuple(dict.fromkeys(node.name for node in inputs_of(flat)))
        """The raw columns that are read."""

    def run(self, table: pa.Table | pa.RecordBatch) -> list[Tensor]:
        """The outputs, ``[N, width]`` each, in order; not to be written to.

        Raises:
            InputColumnError: A required column is not there.
            InputValueError: A value does not fit its feature's type.
        """
        return self._run(table, [text.coded(table) for text in self._texts], 0)

    def pieces(self, table: pa.Table | pa.RecordBatch) -> Iterator[tuple[int, list[Tensor]]]:
        """The outputs of as many rows at a time as stay in a processor's cache, each with the first row's number.

        A text's distinct values are computed for more rows than that at once.

        Raises:
            InputColumnError: A required column is not there.
            InputValueError: A value does not fit its feature's type.
        """
        for start in range(0, table.num_rows, _TEXT_ROWS):
            many = table.slice(start, _TEXT_ROWS)
            with _counted_from(start):
                texts = [text.coded(many) for text in self._texts]
            for first in range(0, many.num_rows, _ROWS):
                with _counted_from(start + first):
                    results = self._run(many.slice(first, _ROWS), texts, first)
                yield start + first, results

    def _run(self, table: pa.Table | pa.RecordBatch, texts: Sequence[_Coded], first: int) -> list[Tensor]:
        rows = table.num_rows
        found: dict[str, Any] = encode_table(self._specs, table)
        for text in texts:
            found |= text.rows(first, first + rows)
        if self._session is not None:
            results = self._session.run({name: found[name] for name in self._session.inputs})
            found |= zip(self._session.outputs, results, strict=True)
        return [_beside([found[name] for name in names], rows) for names in self._names]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of an output: it enters as it is, comes from a text's dictionary, or is made row by row."""

    node: Node
    as_float32: bool

    @property
    def is_made(self) -> bool:
        return not isinstance(self.node, Cut) and (self.as_float32 or not isinstance(self.node, Input))

    @property
    def name(self) -> str:
        if self.is_made:
            return f"/made_{id(self.node)}_{self.as_float32}"
        assert isinstance(self.node, Input)
        return _as_float32(self.node.name) if self.as_float32 else self.node.name


def _taken(made: Sequence[tuple[str, Node]], taken: Container[str]) -> list[Output]:
    """What a text's dictionary is run through: for the graph, for outputs, or both."""
    both = [(name, node, False) for name, node in made] + [(_as_float32(name), node, True) for name, node in made]
    return [Output(name, (node,), as_float32) for name, node, as_float32 in both if name in taken]


def _as_float32(name: str) -> str:
    return f"{name}/float32"


def _beside(columns: Sequence[Tensor], rows: int) -> Tensor:
    if len(columns) == 1:
        return columns[0]
    return np.concatenate(columns, axis=1) if columns else np.empty((rows, 0), np.float32)


@contextmanager
def _counted_from(start: int) -> Iterator[None]:
    """Errors about a row of a part say which row of the whole it is."""
    try:
        yield
    except InputValueError as error:
        row = error.where.get("row")
        if isinstance(row, int):
            error.where["row"] = start + row
        raise


def dictionary(spec: InputSpec, table: pa.Table | pa.RecordBatch) -> tuple[Tensor, Tensor]:
    """A text column as codes ``[N]`` and the distinct values ``[D]``, of which the last is the missing one."""
    if spec.name not in table.schema.names:
        feed = encode_table([spec], table.slice(0, 1))  # says what is wrong if the column is required
        return np.zeros(table.num_rows, dtype=np.int64), np.asarray(feed[spec.name]).reshape(-1)
    encoded = _encoded(table.column(spec.name))
    try:
        values = encode_text(spec.name, encoded.dictionary)
    except InputValueError:
        encoded, values = _of_rows(spec, encoded)
    codes, gaps = values_of(encoded.indices).astype(np.intp), gaps_of(encoded.indices)
    if gaps is not None:
        codes[gaps] = len(values)
    return codes, np.append(values, MISSING_TEXT).astype(object)


def _of_rows(spec: InputSpec, encoded: pa.DictionaryArray) -> tuple[pa.DictionaryArray, Tensor]:
    """A column whose dictionary holds a wrong value, with the values of its rows alone: perhaps no row has it."""
    encoded = encoded.dictionary_decode().dictionary_encode()
    try:
        return encoded, encode_text(spec.name, encoded.dictionary)
    except InputValueError as error:
        raise _in_table(error, encoded) from error.__cause__


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
