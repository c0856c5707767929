"""Arrow's memory as numpy's: values and gaps as they lie there.

``pyarrow.compute`` would do as well, for more: it takes a twentieth of a second to load, some microseconds a call, and
its scalars load pandas wherever that is installed.
"""

from __future__ import annotations

from itertools import pairwise, repeat

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.graph.values._python import Tensor


def values_of(array: pa.Array) -> Tensor:
    """The values of a column of integers or floats, not copied; whatever lies where one is missing."""
    dtype = np.dtype(array.type.to_pandas_dtype())
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), dtype)
    values = np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
    values.flags.writeable = False  # Arrow's memory may be, and is somebody's data
    return values


def gaps_of(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    """Where a column is null; ``None`` for nowhere."""
    if not array.null_count:
        return None
    valid = array.buffers()[0]
    if valid is None:  # a column of nothing but nulls
        return np.ones(len(array), np.bool_)
    byte, bit = divmod(array.offset, 8)
    bits = np.unpackbits(np.frombuffer(valid, np.uint8, offset=byte), count=bit + len(array), bitorder="little")
    gaps: npt.NDArray[np.bool_] = bits[bit:] == 0
    return gaps


def texts_of(array: pa.Array) -> list[str | None]:
    """The texts of a column of strings.

    Raises:
        UnicodeDecodeError: A text is not UTF-8, which Arrow does not check.
    """
    _, offsets, data = array.buffers()
    gaps = gaps_of(array)
    if offsets is None or data is None or not len(array):
        return [None] * len(array) if gaps is not None else [""] * len(array)
    kind = np.dtype(np.int64 if pa.types.is_large_string(array.type) else np.int32)
    ends = np.frombuffer(offsets, kind, len(array) + 1, array.offset * kind.itemsize).tolist()
    whole = bytes(memoryview(data)[ends[0] : ends[-1]])
    places = [slice(start - ends[0], end - ends[0]) for start, end in pairwise(ends)]
    there = repeat(True) if gaps is None else (~gaps).tolist()
    if whole.isascii():
        text = whole.decode()
        return [text[place] if is_there else None for place, is_there in zip(places, there, strict=False)]
    return [whole[place].decode() if is_there else None for place, is_there in zip(places, there, strict=False)]


def column_of(values: npt.NDArray[np.float32]) -> pa.Array:
    """A column of numbers that lie behind each other, not copied."""
    return pa.Array.from_buffers(pa.float32(), len(values), [None, pa.py_buffer(values)])
