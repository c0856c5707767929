"""CRC-32C (Castagnoli, RFC 3720 appendix B.4) of many byte strings at once, in numpy.

The register is linear in the message over GF(2): a message is cut into equal segments whose registers are computed
side by side and then joined in pairs; zeros before a message do not change a register that begins with zero, so every
message may be filled up at its front.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78
_SEGMENT = 64
_MASK_DELTA = 0xA282EAD8

Words = npt.NDArray[np.uint32]


def crc32c(messages: Sequence[bytes]) -> Words:
    """The checksum of every message."""
    lengths = np.array([len(message) for message in messages], dtype=np.int64)
    result = np.zeros(len(messages), np.uint32)
    segments = np.maximum(1, -(-lengths // _SEGMENT))
    levels = np.ceil(np.log2(segments)).astype(np.int64)
    for level in np.unique(levels):
        places = np.flatnonzero(levels == level)
        width = _SEGMENT << int(level)
        step = max(1, (16 << 20) // width)
        for start in range(0, len(places), step):
            chosen = places[start : start + step]
            text = b"".join(messages[place].rjust(width, b"\0") for place in chosen)
            data = np.frombuffer(text, np.uint8).reshape(len(chosen), 1 << int(level), _SEGMENT)
            result[chosen] = _registers(data)
    # the register begins with ones: by linearity, add what they become after that many zeros
    return result ^ _after_zeros(np.full(len(messages), 0xFFFFFFFF, np.uint32), lengths) ^ np.uint32(0xFFFFFFFF)


def masked_crc32c(messages: Sequence[bytes]) -> Words:
    """The checksum as TFRecord files store it: rotated right by 15 bits, plus a constant."""
    crc = crc32c(messages)
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


def _registers(data: npt.NDArray[np.uint8]) -> Words:
    table = _table()
    register: Words = np.zeros(data.shape[:2], np.uint32)
    for place in range(_SEGMENT):
        register = table[(register ^ data[:, :, place]) & np.uint32(0xFF)] ^ (register >> np.uint32(8))
    zeros = 6  # 2**6 bytes: one segment
    while register.shape[1] > 1:
        register = _advance(register[:, 0::2], zeros) ^ register[:, 1::2]
        zeros += 1
    return register[:, 0]


def _after_zeros(register: Words, lengths: npt.NDArray[np.int64]) -> Words:
    """Every register after a number of zero bytes."""
    for bit in range(int(lengths.max(initial=0)).bit_length()):
        register = np.where(lengths >> bit & 1, _advance(register, bit), register)
    return register


def _advance(register: Words, bit: int) -> Words:
    """The registers after ``2 ** bit`` zero bytes."""
    tables = _zero_tables(bit)
    result: Words = tables[0][register & np.uint32(0xFF)]
    for place in range(1, 4):
        result = result ^ tables[place][(register >> np.uint32(8 * place)) & np.uint32(0xFF)]
    return result


@cache
def _table() -> Words:
    register: Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        register = np.where(register & 1, (register >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), register >> np.uint32(1))
    return register


@cache
def _zero_tables(bit: int) -> tuple[Words, ...]:
    """What each byte of a register becomes after ``2 ** bit`` zero bytes."""
    bytes_of = [np.arange(256, dtype=np.uint32) << np.uint32(8 * place) for place in range(4)]
    if bit == 0:
        table = _table()
        return tuple(table[word & np.uint32(0xFF)] ^ (word >> np.uint32(8)) for word in bytes_of)
    return tuple(_advance(_advance(word, bit - 1), bit - 1) for word in bytes_of)
