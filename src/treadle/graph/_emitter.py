"""Writing ONNX: nodes and constants with fresh names, each only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

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

    def splice(self, graph: onnx.GraphProto, given: Sequence[str]) -> str:
        """Put a whole graph in; the name of its one result, as double.

        Args:
            graph: Columns of double or float in, one out.
            given: The tensors that its inputs are, of double.
        """
        inner = compose.add_prefix_graph(graph, self._name("body") + "/")
        for value, tensor in zip(inner.input, given, strict=True):
            kind = value.type.tensor_type.elem_type
            self.nodes.append(helper.make_node("Cast", [tensor], [value.name], name=value.name, to=kind))
        self.nodes.extend(inner.node)
        self.initializers.extend(inner.initializer)
        return self.node("Cast", inner.output[0].name, to=TensorProto.DOUBLE)

    def name_results(self, results: Sequence[tuple[str, str]]) -> None:
        """Give tensors the public names of outputs; the last thing to do, since the old names are gone then.

        Args:
            results: Pairs of a tensor and a name. What is an input or has a name already is copied.
        """
        made = {name for node in self.nodes for name in node.output}
        named: dict[str, str] = {}
        for tensor, name in results:
            if tensor in made and tensor not in named:
                named[tensor] = name
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [named.get(name, name) for name in names]
        for tensor, name in results:
            if named.get(tensor) != name:
                source = named.get(tensor, tensor)
                self.nodes.append(helper.make_node("Identity", [source], [name], name=f"/{name}"))

    def _name(self, stem: str) -> str:
        name = unused(f"/{stem}_{len(self._known)}", self._reserved)
        self._reserved.add(name)
        return name


def _content(attribute: object) -> object:
    return attribute.SerializeToString() if isinstance(attribute, onnx.TensorProto) else repr(attribute)
