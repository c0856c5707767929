"""ONNX models as bytes: the few messages of its protobuf that we write.

Loading the ``onnx`` package takes as long as transforming some hundred thousand rows, so a graph that stays in this
process is written here. One that leaves it is read back and checked by ``onnx`` itself (``_model``). The numbers of
the fields are those of ``onnx.proto``.

Opset 21 with IR 10 is the newest pair that onnxruntime 1.20 and onnxruntime-web 1.20 run; ``ai.onnx.ml`` 5 is
the first with ``TreeEnsemble``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

OPSET = 21
ML_OPSET = 5
IR_VERSION = 10
PRODUCER = "treadle"
_OPSETS = (("", OPSET), ("ai.onnx.ml", ML_OPSET))
Attribute: TypeAlias = "int | str | Sequence[int] | npt.NDArray[Any]"
"""The kinds of attributes that our operations have; an array of Python strings is a tensor of strings."""


class Element(IntEnum):
    """What a tensor holds, by ONNX's number for it."""

    FLOAT = 1
    INT8 = 3
    INT16 = 5
    INT64 = 7
    STRING = 8
    BOOL = 9
    DOUBLE = 11
    UINT64 = 13


_ELEMENTS = {np.dtype(element.name.lower()): element for element in Element if element.name not in ("STRING", "FLOAT")}
_ELEMENTS |= {np.dtype(object): Element.STRING, np.dtype(np.float32): Element.FLOAT}


@dataclass(slots=True)
class Operation:
    """A node of an ONNX graph; it is called as its first output."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    domain: str = ""

    def __bytes__(self) -> bytes:
        return b"".join(
            (
                *(_text(1, name) for name in self.inputs),
                *(_text(2, name) for name in self.outputs),
                _text(3, self.outputs[0]),
                _text(4, self.op),
                *(_bytes(5, _attribute(name, self.attributes[name])) for name in sorted(self.attributes)),
                _text(7, self.domain) if self.domain else b"",
            )
        )


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output of a graph: ``[N, columns]``."""

    name: str
    element: Element
    columns: int

    def __bytes__(self) -> bytes:
        shape = _bytes(1, _text(2, "N")) + _bytes(1, _int(1, self.columns))
        return _text(1, self.name) + _bytes(2, _bytes(1, _int(1, self.element) + _bytes(2, shape)))


def serialize(model: onnx.ModelProto) -> bytes:
    """The bytes of a model of the package's; the same model gives the same bytes."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def tensor_bytes(name: str, array: npt.NDArray[Any]) -> bytes:
    """A constant tensor."""
    element = _ELEMENTS[array.dtype]
    if element == Element.STRING:
        content = b"".join(_text(6, text) for text in array.reshape(-1).tolist()) + _text(8, name)
    else:
        content = _text(8, name) + _bytes(9, array.tobytes())
    return b"".join(_int(1, size) for size in array.shape) + _int(2, element) + content


def model_bytes(
    name: str,
    operations: Iterable[Operation | bytes],
    inputs: Iterable[Value],
    outputs: Iterable[Value],
    constants: Iterable[bytes],
    *,
    metadata: Mapping[str, str],
) -> bytes:
    """A model of the one opset and IR version; what is written already is taken as it is."""
    graph = b"".join(
        (
            *(_bytes(1, bytes(operation)) for operation in operations),
            _text(2, name),
            *(_bytes(5, constant) for constant in constants),
            *(_bytes(11, bytes(value)) for value in inputs),
            *(_bytes(12, bytes(value)) for value in outputs),
        )
    )
    return b"".join(
        (
            _int(1, IR_VERSION),
            _text(2, PRODUCER),
            _bytes(7, graph),
            *(_bytes(8, _text(1, name) + _int(2, version)) for name, version in _OPSETS),
            *(_bytes(14, _text(1, key) + _text(2, value)) for key, value in metadata.items()),
        )
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        content, kind = _int(3, value), 2
    elif isinstance(value, str):
        content, kind = _text(4, value), 3
    elif isinstance(value, np.ndarray):
        content, kind = _bytes(5, tensor_bytes(name, value)), 4
    else:
        content, kind = b"".join(_int(8, item) for item in value), 7
    return _text(1, name) + content + _int(20, kind)


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number is that of 64 bits."""
    if 0 <= value < 128:
        return bytes((value,))
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
