"""Rows that stand on both sides of a split: a model that has seen the answers looks better than it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.errors import UsageError
from treadle.ingest._examples import ROW_ID, ExamplesReader, read_examples
from treadle.ingest._scan import missing_column
from treadle.ingest._splits import hash_of_values

_EXAMPLES = 5
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class SharedRows:
    """What two splits have in common."""

    splits: tuple[str, str]
    duplicates: int
    """Rows of the second split that stand in the first with the same values."""
    duplicate_share: float | None
    """The same as a share of the second split; ``None`` if that is empty."""
    same_key: int | None
    """Rows of the second split whose key stands in the first, whatever the other values; ``None`` without a key."""
    same_key_share: float | None
    row_ids: tuple[str, ...]
    """Some of these rows, by their ids in the second split."""


@dataclass(frozen=True, slots=True)
class Leakage:
    """Between each two splits of examples, what stands in both."""

    pairs: tuple[SharedRows, ...]
    columns: tuple[str, ...]
    """The columns that were compared."""
    key: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether any row stands on both sides."""
        return any(pair.duplicates or pair.same_key for pair in self.pairs)

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON-able fields."""
        return {"format": "treadle.leakage/1", "found": self.found, **asdict(self)}


def find_leakage(path: str | os.PathLike[str], *, key: str | Sequence[str] = (), ignore: Sequence[str] = ()) -> Leakage:
    """Compare the splits of an Examples directory, each with those after it.

    Rows are compared by 64-bit hashes of their values as text: two of ten million different rows agree by chance with
    a probability of about three in a million.

    Args:
        path: The Examples directory.
        key: Columns that together name an entity: near duplicates are rows of one entity on both sides.
        ignore: Columns that differ in copies of one row, as the time of an export.

    Raises:
        MissingColumnError: A column that is not there.
        UsageError: Nothing is left to compare.
    """
    reader = read_examples(path)
    keys = (key,) if isinstance(key, str) else tuple(key)
    for name in (*keys, *ignore):
        if name not in reader.manifest.columns:
            raise missing_column(name, reader.manifest.columns, [reader.path])
    columns = tuple(name for name in reader.manifest.columns if name not in ignore)
    if not columns:
        raise UsageError("Every column is ignored: nothing is left to compare.")
    rows = {split: _hashes(reader, split, columns) for split in reader.splits}
    entities = {split: _hashes(reader, split, keys) for split in reader.splits} if keys else None
    pairs = [_compare(reader, pair, rows, entities) for pair in combinations(reader.splits, 2)]
    return Leakage(tuple(pairs), columns, keys)


def _compare(
    reader: ExamplesReader,
    pair: tuple[str, str],
    rows: Mapping[str, Hashes],
    entities: Mapping[str, Hashes] | None,
) -> SharedRows:
    first, second = pair
    same = np.isin(rows[second], rows[first])
    near = None if entities is None else np.isin(entities[second], entities[first])
    shown = np.flatnonzero(same if near is None else same | near)[:_EXAMPLES]
    ids = reader.table(second, [ROW_ID]).column(0).take(shown).to_pylist() if len(shown) else []
    count = len(same)
    return SharedRows(
        pair,
        int(same.sum()),
        float(same.mean()) if count else None,
        None if near is None else int(near.sum()),
        float(near.mean()) if near is not None and count else None,
        tuple(ids),
    )


def _hashes(reader: ExamplesReader, split: str, columns: Sequence[str]) -> Hashes:
    """A number for each row from its values in these columns, in their order."""
    parts = [np.zeros(0, np.uint64)]
    for batch in reader.batches(split, columns):
        total = np.zeros(batch.num_rows, np.uint64)
        for column in batch.columns:
            mixed = total * _MULTIPLIER + hash_of_values(pa.chunked_array([column]))
            total = mixed ^ (mixed >> np.uint64(29))
        parts.append(total)
    return np.concatenate(parts)
