"""The transform graph: a traced ``preprocess`` whose analyses have become constants."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import ModelFormatError, TransformError
from treadle.graph import (
    Bulk,
    Output,
    Pixels,
    column_of,
    dump_nodes,
    inputs_of,
    load_nodes,
    lower,
    replace_nodes,
    rewrite,
    walk,
)
from treadle.graph import body_nodes as b
from treadle.graph import list_nodes as lists
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._history import with_past
from treadle.transform._trace import Preprocess, Traced, trace
from treadle.transform.analysis._agreement import proof_of
from treadle.transform.analysis._analyzers import Analysis
from treadle.transform.analysis._phases import Batches, from_batches, resolve
from treadle.transform.fitted._target import fold_of_row

if TYPE_CHECKING:
    import onnx

    from treadle.schema import Schema

FORMAT = "treadle.transform/1"
FILE = "graph.json"
ROW_ID = "__row_id__"
_SERVING = "SERVING"


def analyze(preprocess: Preprocess, schema: Schema, batches: Batches, *, label: str | None = None) -> TransformGraph:
    """Trace ``preprocess`` and compute its analyses: one pass over the data per phase.

    Args:
        preprocess: From symbolic columns to outputs by name; called once.
        schema: The types of the raw columns, and which of them a request has.
        batches: From the columns wanted to the batches of the training data.
        label: The output that is the label; it may use columns that a request does not have.

    Raises:
        TransformError: ``preprocess`` asks for something that cannot be, ``label`` is no output, or a feature needs a
            column that a request does not have.
        UserCodeError: ``preprocess`` raised.
    """
    outputs = trace_outputs(preprocess, schema, label)
    resolved = resolve(list(outputs.values()), from_batches(batches))
    return TransformGraph(dict(zip(outputs, resolved, strict=True)), label)


def trace_outputs(preprocess: Preprocess, schema: Schema, label: str | None) -> dict[str, n.Node]:
    """The outputs of ``preprocess``, analyses not yet made; raises as :func:`analyze`."""
    outputs = trace(preprocess, schema)
    if label is not None and label not in outputs:
        raise TransformError(f"There is no output {label!r} to be the label.", hint=f"There are: {', '.join(outputs)}.")
    _check_served({name: output for name, output in outputs.items() if name != label}, schema)
    return {name: output.node for name, output in outputs.items()}


class TransformGraph:
    """Raw rows to features and label, in bulk as in serving. Made by :func:`analyze`.

    An output of ``one_hot`` is several columns, named ``name=category``; every other output is one column.
    """

    def __init__(self, outputs: Mapping[str, n.Node], label: str | None) -> None:
        self.label = label
        """The output that is the label."""
        self._outputs = dict(outputs)
        self._columns = {name: _column_names(name, node) for name, node in outputs.items()}
        names = [column for columns in self._columns.values() for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise TransformError(f"Two outputs have a column {twice[0]!r}.", hint="Rename one of them.")

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs of ``preprocess``, in their order."""
        return tuple(self._outputs)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the feature matrix: all outputs' but the label's."""
        return tuple(column for name, columns in self._columns.items() if name != self.label for column in columns)

    @property
    def nodes(self) -> Mapping[str, n.Node]:
        """What each output is computed by."""
        return dict(self._outputs)

    def keeping(self, features: Iterable[str]) -> TransformGraph:
        """The graph with these features alone, in the order of ``preprocess``, and the label."""
        kept = {self._known(name) for name in features}
        return TransformGraph(
            {name: node for name, node in self._outputs.items() if name in kept or name == self.label}, self.label
        )

    def columns_of(self, output: str) -> tuple[str, ...]:
        """The columns of an output."""
        return self._columns[self._known(output)]

    def categories_of(self, output: str) -> tuple[str, ...] | None:
        """What an output's ids stand for, in their order: a vocabulary, buckets; ``None`` where it is not known."""
        node = self._outputs[self._known(output)]
        found = n.categories(node.x if isinstance(node, n.OneHot) else node)
        return None if found is None else found.labels

    def inputs_for(self, outputs: Iterable[str] | None = None) -> tuple[str, ...]:
        """The raw columns that some outputs are computed from; of all outputs by default."""
        nodes = [self._outputs[self._known(name)] for name in (self._outputs if outputs is None else outputs)]
        return tuple(dict.fromkeys(node.name for node in inputs_of(nodes)))

    @property
    def has_folds(self) -> bool:
        """Whether the rows that were analyzed are to be transformed ``out_of_fold``."""
        return any(isinstance(node, t.OutOfFold) for node in walk(self._outputs.values()))

    def transform(
        self, table: pa.Table | pa.RecordBatch, outputs: Sequence[str] | None = None, *, out_of_fold: bool = False
    ) -> pa.Table:
        """Outputs as float32 columns, with ``__row_id__`` beside them where the table has it.

        Args:
            table: Raw rows; columns that the outputs do not need are not looked at.
            outputs: Which outputs; all by default.
            out_of_fold: Whether these are rows that were analyzed: ``target_encode`` then leaves a row's own fold out,
                by its ``__row_id__``.

        Raises:
            InputColumnError: A column is not there.
            InputValueError: A value does not fit its feature's type.
        """
        names = tuple(self._outputs if outputs is None else outputs)
        columns = [column for name in names for column in self.columns_of(name)]
        values = np.empty((len(columns), table.num_rows), np.float32)
        self._fill(values.T, self._bulk_of(names, out_of_fold=out_of_fold), table)
        arrays = {name: column_of(column) for name, column in zip(columns, values, strict=True)}
        if ROW_ID in table.schema.names:
            arrays[ROW_ID] = table.column(ROW_ID)
        return pa.table(arrays)

    def feature_matrix(self, table: pa.Table | pa.RecordBatch, *, out_of_fold: bool = False) -> npt.NDArray[np.float32]:
        """The features ``[N, F]``, columns as in :attr:`feature_names`; arguments and errors as :meth:`transform`."""
        matrix = np.empty((table.num_rows, len(self.feature_names)), np.float32)
        self._fill(matrix, self._bulk_of(self._features, out_of_fold=out_of_fold), table)
        return matrix

    def feature_model(self) -> onnx.ModelProto:
        """The ONNX graph from raw features to ``features`` ``[N, F]`` float32; the label is not in it."""
        return lower([Output("features", tuple(self._outputs[name] for name in self._features))])

    def function_proofs(self) -> list[dict[str, Any]]:
        """How far each body of a ``numpy_function`` is from it: over the training data, and over the rows kept of it.

        The first was found by :func:`analyze`, the second is computed now: ``function``, ``tolerance``, ``rows``,
        ``max_difference``, ``witnesses`` and ``max_difference_of_witnesses``.
        """
        features = [self._outputs[name] for name in self._features]
        return [proof_of(node) for node in walk(features) if isinstance(node, b.Proven)]

    def request_schema(self, schema: Schema) -> Schema:
        """The schema with what a request must bring of the past, for the windows and lags of the features."""
        features = [self._outputs[name] for name in self._features]
        past = [
            node for node in inputs_of(features) if isinstance(node, lists.Past) and node.name not in schema.features
        ]
        return with_past(schema, past) if past else schema

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``graph.json`` into an existing directory; the same graph gives the same bytes."""
        stored = dump_nodes(list(self._outputs.values()))
        document = {"format": FORMAT, "outputs": list(self._outputs), "label": self.label, **stored}
        (Path(path) / FILE).write_bytes(canonical_json(document))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TransformGraph:
        """Read what :meth:`save` wrote.

        Raises:
            ModelFormatError: It is not there, not whole, or of a format this version does not know.
        """
        file = Path(path) / FILE
        try:
            document: dict[str, Any] = json.loads(file.read_bytes())
            found = document["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFormatError(
                f"There is no transform graph here: {type(error).__name__}.", where={"file": str(file)}
            ) from error
        if found != FORMAT:
            raise ModelFormatError(
                f"The transform graph is of format {found!r}; this version of Treadle reads {FORMAT!r}.",
                where={"file": str(file)},
            )
        return cls(dict(zip(document["outputs"], load_nodes(document), strict=True)), document["label"])

    @cached_property
    def _features(self) -> tuple[str, ...]:
        return tuple(name for name in self._outputs if name != self.label)

    @cached_property
    def _bulks(self) -> dict[tuple[tuple[str, ...], bool], Bulk]:
        return {}

    def _bulk_of(self, outputs: tuple[str, ...], *, out_of_fold: bool = False) -> Bulk:
        """A loaded graph for these outputs, kept: a session costs milliseconds."""
        key = (outputs, out_of_fold)
        if key not in self._bulks:
            nodes = [self._outputs[self._known(output)] for output in outputs]
            whole = rewrite(nodes, _folded) if out_of_fold else nodes
            self._bulks[key] = Bulk([Output(f"/{i}", (node,)) for i, node in enumerate(whole)])
        return self._bulks[key]

    @staticmethod
    def _fill(matrix: npt.NDArray[np.float32], bulk: Bulk, table: pa.Table | pa.RecordBatch) -> None:
        """Write the outputs, columns beside each other, into a matrix of any layout."""
        for start, results in bulk.pieces(table):
            column = 0
            for result in results:
                rows, width = result.shape
                matrix[start : start + rows, column : column + width] = result
                column += width

    def _known(self, output: str) -> str:
        if output not in self._outputs:
            raise TransformError(f"There is no output {output!r}.", hint=f"There are: {', '.join(self._outputs)}.")
        return output


def _folded(node: n.Node) -> n.Node:
    """What analyzed rows get in the place of what requests get."""
    return t.FoldPick(node.x, node.table, fold_of_row(node.folds)) if isinstance(node, t.OutOfFold) else node


def _column_names(name: str, node: n.Node) -> tuple[str, ...]:
    if isinstance(node, n.Stack):
        return tuple(column for i, x in enumerate(node.xs) for column in _column_names(f"{name}[{i}]", x))
    if t.is_sequence(node) and (node.kind == n.Kind.KEY or isinstance(node, t.There | t.OfTokens | Pixels)):
        return tuple(f"{name}[{i}]" for i in range(n.width(node)))
    if not isinstance(node, n.OneHot) and not t.is_sequence(node):
        return (name,)
    found = n.categories(node.x) if isinstance(node, n.OneHot) else node.known
    assert found is not None, "checked when it was traced"
    return tuple(f"{name}={label}" for label in found.labels)


def _check_served(features: Mapping[str, Traced], schema: Schema) -> None:
    """A feature needs nothing that a request does not have; what its analyses are over is training data."""
    serving = schema.environment(_SERVING).features
    nodes = [feature.node for feature in features.values()]
    analyses = {id(node): n.Number(0.0) for node in walk(nodes) if isinstance(node, Analysis)}
    for (name, feature), node in zip(features.items(), replace_nodes(nodes, analyses), strict=True):
        # What a request brings of the past is its own feature, also of a column that it does not have itself.
        needed = [found.name for found in inputs_of([node]) if not isinstance(found, lists.Past)]
        absent = [found for found in needed if found not in serving]
        if absent:
            raise TransformError(
                f"The feature {name!r} needs {absent[0]!r}, which a request does not have.",
                where={**feature.line, "environment": _SERVING},
                hint=f"Leave it out, make it the label, or take {_SERVING} from the feature's not_in in the schema.",
            )
