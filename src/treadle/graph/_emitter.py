"""Writing ONNX: nodes and constants with fresh names, each only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from treadle.graph._model import unused


class Emitter:
    """A growing list of ONNX nodes. Emitting the same thing twice gives the first result again.

    Args:
        reserved: Names that no tensor may have, as the graph's inputs.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._reserved = set(reserved)
        self._known: dict[tuple[object, ...], tuple[str, ...]] = {}

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Emit a node with one result and return the result's name."""
        return self.node_with(op, inputs, 1, **attributes)[0]

    def node_with(self, op: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Emit a node with several results; ``domain`` is given among the attributes."""
        key = (op, *inputs, outputs, *((name, _content(value)) for name, value in sorted(attributes.items())))
        if key not in self._known:
            names = tuple(self._name(op.lower()) for _ in range(outputs))
            self.nodes.append(helper.make_node(op, list(inputs), list(names), name=names[0], **attributes))
            self._known[key] = names
        return self._known[key]

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """The name of a constant tensor."""
        array = np.array(values, dtype=dtype)
        content = repr(array.tolist()) if array.dtype == object else array.tobytes()
        key = ("constant", str(array.dtype), array.shape, content)
        if key not in self._known:
            name = self._name("constant")
            self.initializers.append(numpy_helper.from_array(array, name))
            self._known[key] = (name,)
        return self._known[key][0]

    def name_result(self, tensor: str, name: str) -> None:
        """Give a tensor the public ``name`` of an output."""
        for node in self.nodes:
            if tensor in node.output:
                _rename(self.nodes, tensor, name)
                return
        self.nodes.append(helper.make_node("Identity", [tensor], [name], name=f"/{name}"))

    def _name(self, stem: str) -> str:
        name = unused(f"/{stem}_{len(self._known)}", self._reserved)
        self._reserved.add(name)
        return name


def _content(attribute: object) -> object:
    return attribute.SerializeToString() if isinstance(attribute, onnx.TensorProto) else repr(attribute)


def _rename(nodes: Iterable[onnx.NodeProto], old: str, new: str) -> None:
    for node in nodes:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
