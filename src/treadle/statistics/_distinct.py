"""How many distinct values: the k smallest hashes (Bar-Yossef et al. 2002; estimator of Beyer et al. 2007).

The state is a function of the set of values alone, so order, batches and merges cannot change it. With k = 4096 the
relative standard error is 1 / sqrt(k - 2) = 1.6 %; up to k distinct values the count is exact.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Hashes: TypeAlias = npt.NDArray[np.uint64]

K = 4096
_FACTOR = 0x9E3779B97F4A7C15
_MOST_BYTES = 1 << 22  # of text hashed at once
_SHORT = 64
_LOWER_HALF = np.uint64(2**33 - 1)


class DistinctSketch:
    """The K smallest hashes of the values seen."""

    __slots__ = ("_hashes", "_waiting", "_waiting_hashes")

    def __init__(self, hashes: Hashes | None = None) -> None:
        self._hashes: Hashes = np.empty(0, np.uint64) if hashes is None else hashes
        self._waiting: list[Hashes] = []  # small ones that are not sorted in yet
        self._waiting_hashes = 0

    @property
    def hashes(self) -> Hashes:
        """Ascending, each once, at most K."""
        if self._waiting:
            every = np.concatenate([self._hashes, *self._waiting])
            found = _smallest(np.partition(every, 4 * K)[: 4 * K]) if len(every) > 8 * K else every[:0]
            self._hashes = found if len(found) == K else _smallest(every)
            self._waiting, self._waiting_hashes = [], 0
        return self._hashes

    def add(self, hashes: Hashes) -> None:
        """Add values by their hashes (see :func:`mix`); a value may be added again and again."""
        if len(self._hashes) == K:
            small = hashes < self._hashes[-1]
            hashes = hashes[small] if small.any() else hashes[:0]
        if not len(hashes):
            return
        self._waiting.append(hashes)
        self._waiting_hashes += len(hashes)
        if self._waiting_hashes > K:
            _ = self.hashes

    def add_keys(self, keys: npt.NDArray[np.int64]) -> None:
        """Add values by 64-bit keys that tell them apart."""
        mixed = _stir(keys)
        if len(self._hashes) == K:
            # the last step leaves the upper half as it is, and that is enough to know nearly all that are too large
            small = mixed <= (self._hashes[-1] | _LOWER_HALF)
            if not small.any():
                return
            mixed = mixed[small]
        self.add(_finish(mixed))

    def merge(self, other: DistinctSketch) -> None:
        """Add the values of another sketch."""
        self.add(other.hashes)

    def estimate(self) -> int:
        """About how many distinct values were added; exact below K."""
        if len(self.hashes) < K:
            return len(self.hashes)
        return round((K - 1) * 2.0**64 / (float(self.hashes[-1]) + 1.0))


def _smallest(hashes: Hashes) -> Hashes:
    """The K smallest, ascending and each once; all of them if they are fewer."""
    ordered = np.sort(hashes)
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    kept: Hashes = ordered[first][:K]
    return kept


def mix(values: npt.NDArray[np.int64] | Hashes) -> Hashes:
    """A bijection of 64-bit numbers that spreads them evenly (finaliser of splitmix64, Steele et al. 2014)."""
    return _finish(_stir(values))


def _stir(values: npt.NDArray[np.int64] | Hashes) -> Hashes:
    """All of :func:`mix` but its last step."""
    mixed: Hashes = values.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    shifted = mixed >> np.uint64(30)
    mixed ^= shifted
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= np.right_shift(mixed, np.uint64(27), out=shifted)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed


def _finish(mixed: Hashes) -> Hashes:
    return mixed ^ (mixed >> np.uint64(31))


def hash_text(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Hashes:
    """Hashes of byte strings that lie one after another.

    A polynomial in an odd constant modulo 2**64, mixed with the length; no loop over the strings.

    Args:
        data: The bytes of all strings.
        offsets: N + 1 positions; string i is ``data[offsets[i]:offsets[i + 1]]``.
    """
    lengths = np.diff(offsets)
    if len(lengths) and offsets[-1] - offsets[0] > _MOST_BYTES:
        return np.concatenate([_hash_parts(data, offsets, part) for part in _parts(offsets)])
    return mix(_sums(data, offsets, lengths) ^ mix(lengths.astype(np.uint64)))


def _sums(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Hashes:
    sums = np.zeros(len(lengths), np.uint64)
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return sums
    body = data[offsets[0] : offsets[-1]]
    powers = _powers(int(lengths.max()))
    if len(lengths) > 1 and len(powers) <= _SHORT and lengths.min() == lengths.max():
        # codes and ids: every string is a row of a matrix
        for letters, factor in zip(body.reshape(len(lengths), -1).T, powers, strict=True):
            sums += (letters.astype(np.uint64) + np.uint64(1)) * factor
        return sums
    starts = offsets[:-1][filled] - offsets[0]
    place = np.arange(len(body), dtype=np.int64) - np.repeat(starts, lengths[filled])
    sums[filled] = np.add.reduceat((body.astype(np.uint64) + np.uint64(1)) * powers[place], starts)
    return sums


def _parts(offsets: npt.NDArray[np.int64]) -> list[slice]:
    """Runs of strings of about ``_MOST_BYTES``; a longer string is a run of its own."""
    parts, start = [], 0
    while start < len(offsets) - 1:
        stop = int(np.searchsorted(offsets, offsets[start] + _MOST_BYTES, side="right")) - 1
        stop = max(stop, start + 1)
        parts.append(slice(start, stop + 1))
        start = stop
    return parts


def _hash_parts(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], part: slice) -> Hashes:
    ends = offsets[part]
    if ends[-1] - ends[0] <= _MOST_BYTES:
        return hash_text(data, ends)
    total, length = 0, int(ends[-1] - ends[0])  # one long string, piece by piece: the memory stays small
    for start in range(0, length, _MOST_BYTES):
        piece = np.array([ends[0] + start, min(ends[0] + start + _MOST_BYTES, ends[-1])])
        total += int(_sums(data, piece, np.diff(piece))[0]) * pow(_FACTOR, start, 2**64)
    return mix(np.array([total % 2**64], np.uint64) ^ mix(np.array([length], np.uint64)))


def _powers(length: int) -> Hashes:
    powers: Hashes = np.cumprod(np.full(length, _FACTOR, np.uint64), dtype=np.uint64)
    return powers
