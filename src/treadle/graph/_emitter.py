"""Writing ONNX: nodes and constants with fresh names, each only once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from treadle.graph._wire import Attribute, Element, Operation, tensor_bytes

if TYPE_CHECKING:
    import onnx


class Emitter:
    """A growing list of ONNX nodes. Emitting the same thing twice gives the first result again.

    Args:
        reserved: Names that no tensor may have, as the graph's inputs.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.nodes: list[Operation | bytes] = []
        """Nodes in their order; those of a spliced graph as it wrote them."""
        self.initializers: list[bytes] = []
        self._reserved = set(reserved)
        self._known: dict[tuple[object, ...], str] = {}

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Emit a node with one result and return the result's name."""
        key = (op, *inputs, domain, *((name, _content(value)) for name, value in sorted(attributes.items())))
        if key not in self._known:
            name = self._name(op.lower())
            self.nodes.append(Operation(op, list(inputs), [name], attributes, domain))
            self._known[key] = name
        return self._known[key]

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """The name of a constant tensor."""
        array = np.array(values, dtype=dtype)
        key = ("constant", *_content(array))
        if key not in self._known:
            name = self._name("constant")
            self.initializers.append(tensor_bytes(name, array))
            self._known[key] = name
        return self._known[key]

    def splice(self, graph: onnx.GraphProto, given: Sequence[str]) -> str:
        """Put a whole graph in; the name of its one result, as double.

        Args:
            graph: Columns of double or float in, one out.
            given: The tensors that its inputs are, of double.
        """
        from onnx import compose

        inner = compose.add_prefix_graph(graph, self._name("body") + "/")
        for value, tensor in zip(inner.input, given, strict=True):
            kind = value.type.tensor_type.elem_type
            self.nodes.append(Operation("Cast", [tensor], [value.name], {"to": kind}))
        self.nodes.extend(node.SerializeToString() for node in inner.node)
        self.initializers.extend(tensor.SerializeToString() for tensor in inner.initializer)
        return self.node("Cast", inner.output[0].name, to=Element.DOUBLE)

    def name_results(self, results: Sequence[tuple[str, str]]) -> None:
        """Give tensors the public names of outputs; the last thing to do, since the old names are gone then.

        Args:
            results: Pairs of a tensor and a name. What is an input or has a name already is copied.
        """
        ours = [node for node in self.nodes if isinstance(node, Operation)]  # a spliced graph's names are its own
        made = {name for node in ours for name in node.outputs}
        named: dict[str, str] = {}
        for tensor, name in results:
            if tensor in made and tensor not in named:
                named[tensor] = name
        for node in ours:
            for names in (node.inputs, node.outputs):
                names[:] = [named.get(name, name) for name in names]
        for tensor, name in results:
            if named.get(tensor) != name:
                source = named.get(tensor, tensor)
                self.nodes.append(Operation("Identity", [source], [name]))

    def _name(self, stem: str) -> str:
        name = unused(f"/{stem}_{len(self._known)}", self._reserved)
        self._reserved.add(name)
        return name


def unused(name: str, taken: Container[str]) -> str:
    """``name``, with as many ``_`` behind it as it takes to be none of ``taken``."""
    while name in taken:
        name += "_"
    return name


def _content(value: Attribute) -> tuple[object, ...]:
    if not isinstance(value, np.ndarray):
        return (repr(value),)
    return (str(value.dtype), value.shape, repr(value.tolist()) if value.dtype == object else value.tobytes())
