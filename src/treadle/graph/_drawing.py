"""A graph as boxes and arrows, from our nodes or from an ONNX model, and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy.typing as npt
import onnx
from onnx import numpy_helper

from treadle.graph._nodes import CONSTANTS, Input, Node, Table
from treadle.graph._passes import walk

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that is computed, or comes in, or goes out."""

    name: str
    """What refers to it; each once."""
    title: str
    detail: str
    role: str
    """``input``, ``step`` or ``output``."""
    sources: tuple[str, ...]
    """The boxes it is computed from, in order."""


def boxes_of_nodes(outputs: Mapping[str, Node]) -> list[Box]:
    """The boxes of a transform graph, sources first; constants stand in the box that uses them."""
    names: dict[int, str] = {}
    boxes = []
    for node in walk(outputs.values()):
        if isinstance(node, CONSTANTS):
            continue
        name = node.name if isinstance(node, Input) else f"%{len(names)}"
        names[id(node)] = name
        if isinstance(node, Input):
            boxes.append(Box(name, node.name, node.type, "input", ()))
            continue
        sources = tuple(names[id(operand)] for operand in node.operands if id(operand) in names)
        boxes.append(Box(name, _title(node), _detail(node), "step", sources))
    boxes += [
        Box(f"={name}", name, "", "output", (names[id(node)],)) for name, node in outputs.items() if id(node) in names
    ]
    return boxes


def boxes_of_model(model: onnx.ModelProto) -> list[Box]:
    """The boxes of an ONNX model, sources first; constants stand in the box that uses them."""
    graph = model.graph
    constants = {tensor.name: _values(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    made: dict[str, str] = {}
    boxes = []
    for value in graph.input:
        if value.name not in constants:
            made[value.name] = value.name
            kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
            boxes.append(Box(value.name, value.name, kind, "input", ()))
    for index, node in enumerate(graph.node):
        name = f"%{index}"
        sources = tuple(dict.fromkeys(made[tensor] for tensor in node.input if tensor in made))
        detail = ", ".join(constants[tensor] for tensor in node.input if tensor in constants)
        made |= dict.fromkeys(node.output, name)
        boxes.append(Box(name, node.op_type, detail or _attributes(node), "step", sources))
    boxes += [Box(f"={v.name}", v.name, "", "output", (made[v.name],)) for v in graph.output if v.name in made]
    return boxes


def text_of(boxes: Sequence[Box]) -> list[str]:
    """A line per box: ``%3 = divide(%2)  4.66``."""
    lines = []
    for box in boxes:
        if box.role == "input":
            lines.append(f"{box.name}: {box.detail}")
        elif box.role == "output":
            lines.append(f"{box.title} = {box.sources[0]}")
        else:
            detail = f"  {box.detail}" if box.detail else ""
            lines.append(f"{box.name} = {box.title}({', '.join(box.sources)}){detail}")
    return lines


def _title(node: Node) -> str:
    for name in ("op", "part"):
        setting = getattr(node, name, None)
        if isinstance(setting, str):
            return setting
    return type(node).__name__


def _detail(node: Node) -> str:
    parts = [_constant(operand) for operand in node.operands if isinstance(operand, CONSTANTS)]
    for field in fields(node):
        value = getattr(node, field.name)
        if not field.metadata.get("shown", True):
            continue
        if field.name not in ("op", "part") and isinstance(value, str | int | float) and not isinstance(value, bool):
            parts.append(f"{field.name} {value}")
    return ", ".join(parts)


def _constant(node: Node) -> str:
    if isinstance(node, Table):
        return f"a table of {len(node.rows):,} rows"
    value = next(iter(getattr(node, field.name) for field in fields(node)))
    return _few([str(part) for part in value]) if isinstance(value, tuple) else _short(value)


def _values(array: npt.NDArray[Any]) -> str:
    first = array.reshape(-1)[: _SHOWN + 1].tolist()
    values = [value.decode() if isinstance(value, bytes) else value for value in first]
    return _short(values[0]) if array.size == 1 else _few([_short(value) for value in values], array.size)


def _attributes(node: onnx.NodeProto) -> str:
    parts = []
    for attribute in node.attribute:
        if attribute.name == "keys_tensor":
            parts.append(f"{onnx.helper.get_attribute_value(attribute).dims[0]:,} keys")
        elif attribute.type == onnx.AttributeProto.INT:
            parts.append(f"{attribute.name} {attribute.i}")
    return ", ".join(parts)


def _few(parts: Sequence[str], count: int | None = None) -> str:
    count = len(parts) if count is None else count
    more = f", … {count:,}" if count > _SHOWN else ""
    return f"[{', '.join(parts[:_SHOWN])}{more}]"


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
