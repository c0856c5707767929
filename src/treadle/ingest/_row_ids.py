"""Names of rows: 128 bits from the digest of a file's bytes and the number of the row in it.

The same bytes give the same ids, wherever the file lies and whatever it is called.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def row_ids(digest: str, first: int, count: int) -> pa.Array:
    """The ids of ``count`` rows of a file, from row number ``first`` (0 is the first row).

    Args:
        digest: ``sha256:<hex>`` of the file's bytes.
        first: The number of the first row.
        count: How many.

    Returns:
        A string array of 32 lower-case hexadecimal characters each. Within one file no two are equal: each half is
        a bijection of the row number.
    """
    return _hex(np.stack([_half(digest, first, count, half) for half in (0, 1)], axis=1))


def row_hashes(digest: str, first: int, count: int) -> npt.NDArray[np.uint64]:
    """One evenly spread number per row: the first half of its id."""
    return _half(digest, first, count, 0)


def _half(digest: str, first: int, count: int, half: int) -> npt.NDArray[np.uint64]:
    seed = hashlib.sha256(f"treadle.row_id/1:{digest}".encode()).digest()
    key = int.from_bytes(seed[8 * half : 8 * half + 8], "big")
    return _mix(np.arange(first, first + count, dtype=np.uint64) ^ np.uint64(key))


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection of 64-bit numbers that spreads them evenly (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _hex(halves: npt.NDArray[np.uint64]) -> pa.Array:
    count = len(halves)
    data = np.ascontiguousarray(halves).astype(">u8").view(np.uint8).reshape(-1)
    text = np.empty(2 * len(data), dtype=np.uint8)
    text[0::2] = _HEX[data >> 4]
    text[1::2] = _HEX[data & 15]
    offsets = np.arange(count + 1, dtype=np.int32) * 32
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
