"""Running a graph: ONNX Runtime, with threads pinned and results the same for a row alone and in a batch.

Nothing here imports ``onnx``: a server runs models without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from treadle.errors import InputValueError, ModelFormatError
from treadle.graph.steps._preparation import METADATA, Preparation, load
from treadle.graph.values._python import Tensor
from treadle.graph.values._ragged import METADATA as LISTS
from treadle.graph.values._ragged import Padding, Ragged
from treadle.graph.values._ragged import load as load_lists

_TENSORS = {
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(string)": "string",
    "tensor(bool)": "bool",
}
_INEXACT = ["NoopElimination"]
"""Leaves out what adds nothing, and judges that in float32: 1e-126 is 0 to it, and 1.00000001 is 1."""
_PART = 1 << 23
"""So many numbers of images at once."""


class Session:
    """A loaded graph. Safe to call from several threads.

    Args:
        model: The serialised ONNX model.
        threads: Threads for one call (intra-op). With 1, the default, a call uses the caller's thread alone and
            the order of every sum is fixed.

    Raises:
        ModelFormatError: ONNX Runtime refuses the model.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3  # errors are raised; warnings would go to the terminal
        if threads > 1:
            # A waiting thread that spins takes a core from the server beside it.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_INEXACT
            )
        except Exception as error:  # onnxruntime's own classes share no root but Exception
            raise ModelFormatError(f"ONNX Runtime refuses the model: {error}") from error
        # The method behind the public one: that one asks every input for its name again, a fifth of a row's time.
        self._run: Any = getattr(self._session, "_sess", self._session).run
        self._outputs = [output.name for output in self._session.get_outputs()]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._prepared: dict[str, Preparation | Padding] = {
            **load(metadata.get(METADATA, "{}")),
            **load_lists(metadata.get(LISTS, "{}")),
        }
        self._prepare = {name: each.compiled() for name, each in self._prepared.items()}
        given = {node.name: node.type for node in self._session.get_inputs()}
        self.inputs = dict(pair for name, type_ in given.items() for pair in self._raw_inputs(name, type_))
        """The raw features that are fed, and their tensors; what is prepared of them is not among them."""
        widths = [node.shape[1] for node in self._session.get_inputs() if self._is_image(node.name)]
        self._most_rows = max(1, _PART // sum(widths)) if widths else 0
        self._only_prepared = self.inputs.keys() - given.keys()

    @property
    def outputs(self) -> Sequence[str]:
        """The names of the results, in the order of :meth:`run`."""
        return self._outputs

    def run(self, feed: Mapping[str, Tensor | Ragged]) -> list[Tensor]:
        """The outputs for a feed of ``[N, 1]`` tensors and lists, in the order of :attr:`outputs`.

        Raises:
            ModelFormatError: The feed does not fit the graph, or the runtime failed.
        """
        if self._prepared:
            rows = len(next(iter(feed.values()))) if feed else 0
            if self._most_rows and rows > self._most_rows:
                return self._run_in_parts(feed, rows, self._most_rows)
            feed = self._with_prepared(feed)
        try:
            results: list[Tensor] = self._run(self._outputs, feed, None)
        except Exception as error:  # as above
            raise ModelFormatError(f"ONNX Runtime cannot run the graph: {error}") from error
        return results

    def _run_in_parts(self, feed: Mapping[str, Any], rows: int, most: int) -> list[Tensor]:
        """Wide rows, as of images, a part at a time: all at once they would not fit into memory."""
        parts = []
        for start in range(0, rows, most):
            try:
                parts.append(self.run({name: tensor[start : start + most] for name, tensor in feed.items()}))
            except InputValueError as error:
                row = error.where.get("row")
                if isinstance(row, int):
                    error.where["row"] = row + start
                raise
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _is_image(self, name: str) -> bool:
        return name in self._prepared and self._prepared[name].tensor == "bytes"

    def _raw_inputs(self, name: str, type_: str) -> list[tuple[str, str]]:
        if name in self._prepared:
            each = self._prepared[name]
            return [(feature, each.tensor) for feature in each.features]
        return [(name, _TENSORS.get(type_, type_))]

    def _with_prepared(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        whole = {name: tensor for name, tensor in feed.items() if name not in self._only_prepared}
        for name, each in self._prepared.items():
            absent = [feature for feature in each.features if feature not in feed]
            if absent:
                raise ModelFormatError(f"The feed lacks {absent[0]!r}, of which {name!r} is made.")
            whole[name] = self._prepare[name](feed)
        return whole
