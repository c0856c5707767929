"""Which row goes into which split: by a hash of the row or of a column, or by time.

A hash split is a function of the row alone: rows keep their split when more data arrives. All rows with one value
of the chosen column go into one split, so an entity is never on both sides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import DataError, UsageError

Weights = Mapping[str, float] | Sequence[tuple[str, float]]


def check_splits(splits: Weights, *, ordered: bool) -> dict[str, float]:
    """Names and weights of splits, checked, in their order: pairs as given, a mapping by name.

    The order of a mapping is not used, because it is lost wherever parameters pass through JSON.

    Raises:
        UsageError: A name that is no folder name or stands twice, a weight that is not positive, or a mapping where
            the order matters.
    """
    if isinstance(splits, Mapping):
        if ordered and len(splits) > 1:
            raise UsageError(
                "A split by time needs an order.", hint='Give pairs, oldest first: [["train", 8], ["eval", 2]].'
            )
        pairs = sorted(splits.items())
    else:
        pairs = [(name, weight) for name, weight in splits]
    if not pairs:
        raise UsageError("No split is named.", hint="For example: splits={'train': 9, 'eval': 1}.")
    for name, weight in pairs:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise UsageError(f"{name!r} is not a name for a split.", hint="Use letters, digits, - and _.")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
            raise UsageError(f"The weight of split {name!r} is {weight!r}, not a positive number.")
    if len({name for name, _ in pairs}) != len(pairs):
        raise UsageError("A split is named twice.")
    return dict(pairs)


def hash_of_values(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """One evenly spread number per row from a column's value; equal values, equal numbers; null is a value.

    Numbers and moments are hashed by their text, so 3 hashes alike as an integer of any width.
    """
    text = pc.cast(column, pa.string()).combine_chunks()
    if isinstance(text, pa.ChunkedArray):  # an array of no rows stays chunked
        text = pa.concat_arrays(text.chunks) if text.num_chunks else pa.array([], pa.string())
    encoded = text.dictionary_encode()
    words = [b"v" + word.encode() for word in encoded.dictionary.to_pylist()] + [b"null"]
    hashes = np.array(
        [int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "big") for word in words], np.uint64
    )
    indices = encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(hashes[indices])


def assign_by_hash(hashes: npt.NDArray[np.uint64], splits: Mapping[str, float]) -> npt.NDArray[np.intp]:
    """The number of each row's split, in the order of ``splits``."""
    return np.searchsorted(_bounds(splits)[:-1], hashes / 2.0**64, side="right")


def time_bounds(times: pa.ChunkedArray, splits: Mapping[str, float], name: str) -> npt.NDArray[np.int64]:
    """The first moment (microseconds) of every split but the first: the oldest rows go into the first split.

    Rows of one moment stay together.

    Raises:
        DataError: A row has no time.
    """
    if times.null_count:
        raise DataError(
            f"{times.null_count} rows have no event time, so they belong to no split by time.",
            where={"column": name},
            hint="Exclude them with a row filter, or split by row.",
        )
    moments = np.sort(pc.cast(times, pa.int64()).to_numpy())
    if not len(moments):
        return np.zeros(len(splits) - 1, dtype=np.int64)
    cuts = np.minimum((_bounds(splits)[:-1] * len(moments)).round().astype(np.int64), len(moments) - 1)
    return moments[cuts]


def assign_by_time(times: pa.ChunkedArray, bounds: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The number of each row's split, from its moment."""
    return np.asarray(np.searchsorted(bounds, pc.cast(times, pa.int64()).to_numpy(), side="right"))


def cuts_of(hashes: npt.NDArray[np.uint64], splits: Mapping[str, float]) -> npt.NDArray[np.uint64]:
    """The first hash of every split but the first, so that each split has its share of these rows.

    Rounded to whole rows; a split that gets none begins beyond every hash.
    """
    ordered = np.append(np.sort(hashes), np.uint64(2**64 - 1))
    return np.asarray(ordered[(_bounds(splits)[:-1] * len(hashes)).round().astype(np.int64)])


def _bounds(splits: Mapping[str, float]) -> npt.NDArray[np.float64]:
    weights = np.array(list(splits.values()), dtype=np.float64)
    return np.asarray(np.cumsum(weights) / weights.sum())
