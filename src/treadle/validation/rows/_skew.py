"""Feature skew: the same rows as training saw them and as serving saw them, joined by their ids, value by value.

Distributions cannot see that two sides hold the same values in other rows, or that a unit changed in one row of fifty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import MissingColumnError
from treadle.schema import is_reserved, plain_type, to_plain
from treadle.validation._values import Mask

Places = npt.NDArray[np.int64]
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """How the rows of two sides found each other."""

    training_rows: int
    serving_rows: int
    matched: int
    """Rows whose id is once on each side."""
    training_only: int
    """Ids that serving does not have."""
    serving_only: int
    """Ids that training does not have."""
    without_id: int
    """Rows of either side whose id is missing."""
    repeated: int
    """Rows of either side whose id is not theirs alone; they are not compared."""


@dataclass(frozen=True, slots=True)
class FeatureSkew:
    """One feature in the rows that matched."""

    matches: int
    """Rows in which both sides have the value, within the tolerance, or neither has one."""
    differs: int
    """Rows in which both sides have a value, and not the same."""
    training_only: int
    """Rows in which serving has no value."""
    serving_only: int
    """Rows in which training has no value."""
    largest: float | None
    """The largest difference of numbers."""
    confusion: tuple[tuple[Any, Any, int], ...]
    """The most frequent pairs that are not the same: (training, serving, rows)."""
    samples: tuple[tuple[str, Any, Any], ...]
    """A few such rows: (id, training, serving)."""
    note: str = ""
    """Why the feature was not compared; empty if it was."""

    @property
    def share(self) -> float | None:
        """The share of the matched rows that are not the same; ``None`` without rows."""
        rows = self.matches + self.differs + self.training_only + self.serving_only
        return None if not rows or self.note else 1 - self.matches / rows


@dataclass(frozen=True, slots=True)
class SkewReport:
    """What a comparison by ids found."""

    joined: Joined
    features: dict[str, FeatureSkew]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able fields."""
        names = Joined.__dataclass_fields__
        features = {}
        for name, skew in self.features.items():
            fields = {field: getattr(skew, field) for field in FeatureSkew.__dataclass_fields__}
            fields["confusion"] = [[_plain(one), _plain(two), rows] for one, two, rows in skew.confusion]
            fields["samples"] = [[row_id, _plain(one), _plain(two)] for row_id, one, two in skew.samples]
            features[name] = {**fields, "share": skew.share}
        return {"joined": {name: getattr(self.joined, name) for name in names}, "features": features}


def feature_skew(
    training: pa.Table,
    serving: pa.Table,
    *,
    on: str | Sequence[str],
    features: Sequence[str] | None = None,
    relative: float = 1e-6,
    absolute: float = 0.0,
    digits: int | None = None,
    samples: int = 5,
) -> SkewReport:
    """Compare rows that have the same id, feature by feature.

    Args:
        training: Rows as training saw them.
        serving: Rows as serving saw them, in any order.
        on: The column or columns that name a row.
        features: The columns to compare; by default all that both sides have.
        relative: The largest difference of numbers that is none, as a share of the larger one. The default forgives
            what float32 loses.
        absolute: The same in units of the feature.
        digits: Round numbers to so many decimals before they are compared.
        samples: How many rows to show of each feature.

    Raises:
        MissingColumnError: A side does not have an id, or a feature that is asked for.
    """
    keys = [on] if isinstance(on, str) else list(on)
    for side in (training, serving):
        for name in (*keys, *(features or ())):
            if name not in side.column_names:
                raise MissingColumnError(f"There is no column {name!r}.", where={"column": name})
    names = features or [
        name
        for name in training.column_names
        if name in serving.column_names and name not in keys and not is_reserved(name)
    ]
    joined, left, right = _join(training, serving, keys)
    ids = _ids(training, keys, left)
    found = {}
    for name in names:
        one, two = training[name].take(pa.array(left)), serving[name].take(pa.array(right))
        found[name] = _compare(one, two, ids, (relative, absolute, digits), samples)
    return SkewReport(joined, found)


def _join(training: pa.Table, serving: pa.Table, keys: list[str]) -> tuple[Joined, Places, Places]:
    codes = np.zeros(training.num_rows + serving.num_rows, np.int64)
    absent = np.zeros(len(codes), np.bool_)
    for key in keys:
        both = [_key(side[key]) for side in (training, serving)]
        if both[0].type != both[1].type:
            both = [side.cast(pa.string()) for side in both]
        encoded = pa.chunked_array([chunk for side in both for chunk in side.chunks], both[0].type)
        encoded = encoded.combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        absent |= np.asarray(encoded.is_null().to_numpy(zero_copy_only=False), np.bool_)
        indices = pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        _, codes = np.unique(codes * (len(encoded.dictionary) + 1) + indices, return_inverse=True)
    split = training.num_rows
    sides = ((codes[:split], absent[:split]), (codes[split:], absent[split:]))
    seen = [set(np.unique(side[~gone]).tolist()) for side, gone in sides]
    (left, left_codes, left_again), (right, right_codes, right_again) = (_once(*side) for side in sides)
    _, first, second = np.intersect1d(left_codes, right_codes, return_indices=True)
    joined = Joined(
        training_rows=split,
        serving_rows=serving.num_rows,
        matched=len(first),
        training_only=len(seen[0] - seen[1]),
        serving_only=len(seen[1] - seen[0]),
        without_id=int(absent.sum()),
        repeated=left_again + right_again,
    )
    order = np.argsort(left[first], kind="stable")  # in the order of the training rows
    return joined, left[first][order], right[second][order]


def _once(codes: Places, absent: Mask) -> tuple[Places, Places, int]:
    """The rows whose id is theirs alone, their ids, and how many rows share theirs."""
    rows = np.flatnonzero(~absent)
    _, places, counts = np.unique(codes[rows], return_index=True, return_counts=True)
    kept = rows[places[counts == 1]]
    return kept, codes[kept], int(counts[counts > 1].sum())


def _compare(
    one: pa.ChunkedArray, two: pa.ChunkedArray, ids: list[str], limits: tuple[float, float, int | None], samples: int
) -> FeatureSkew:
    kinds = {plain_type(side.type) for side in (one, two) if not pa.types.is_null(side.type)}
    if len(kinds) > 1 and not all(_is_number(kind) for kind in kinds):
        words = " and ".join(sorted(map(str, kinds)))
        return FeatureSkew(0, 0, 0, 0, None, (), (), f"the types differ: {words}")
    absent = [_absent(side) for side in (one, two)]
    both = ~absent[0] & ~absent[1]
    largest = None
    same = np.zeros(len(one), np.bool_)
    if kinds and all(_is_number(kind) for kind in kinds):
        left, right = (_numbers(side) for side in (one, two))
        same, largest = _near(left, right, both, limits)
    else:
        same = _equal(to_plain(one), to_plain(two))
    wrong = np.flatnonzero((both & ~same) | (absent[0] ^ absent[1]))
    taken = pa.array(wrong)
    shown = list(zip(one.take(taken).to_pylist(), two.take(taken).to_pylist(), strict=True))
    counts = Counter((str(first), str(second)) for first, second in shown)
    values = {(str(first), str(second)): (first, second) for first, second in reversed(shown)}
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    return FeatureSkew(
        matches=int((both & same).sum() + (absent[0] & absent[1]).sum()),
        differs=int((both & ~same).sum()),
        training_only=int((~absent[0] & absent[1]).sum()),
        serving_only=int((absent[0] & ~absent[1]).sum()),
        largest=largest,
        confusion=tuple((*values[pair], count) for pair, count in top),
        samples=tuple((ids[row], *pair) for row, pair in zip(wrong[:samples].tolist(), shown, strict=False)),
    )


def _equal(one: pa.ChunkedArray, two: pa.ChunkedArray) -> Mask:
    if one.type == two.type and not pa.types.is_nested(one.type):
        return np.asarray(pc.fill_null(pc.equal(one, two), False).to_numpy(), np.bool_)
    pairs = zip(one.to_pylist(), two.to_pylist(), strict=True)
    return np.fromiter((first == second for first, second in pairs), np.bool_, len(one))


def _near(
    left: npt.NDArray[np.float64],
    right: npt.NDArray[np.float64],
    both: Mask,
    limits: tuple[float, float, int | None],
) -> tuple[Mask, float | None]:
    relative, absolute, digits = limits
    if digits is not None:
        left, right = np.round(left, digits), np.round(right, digits)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(left - right)
        allowed = absolute + relative * np.maximum(np.abs(left), np.abs(right))
        same = (left == right) | (np.isfinite(gaps) & (gaps <= allowed))
    gaps = np.where(left == right, 0.0, gaps)
    found = gaps[both & np.isfinite(gaps)]
    return same, float(found.max()) if len(found) else None


def _key(column: pa.ChunkedArray) -> pa.ChunkedArray:
    plain = to_plain(column)
    return plain if isinstance(plain, pa.ChunkedArray) else pa.chunked_array([plain])


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    plain = pc.fill_null(pc.cast(to_plain(column), pa.float64(), safe=False), 0.0)
    return np.asarray(plain.to_numpy(), np.float64)


def _absent(column: pa.ChunkedArray) -> Mask:
    found = column.is_null(nan_is_null=pa.types.is_floating(column.type))
    return np.asarray(found.to_numpy(), np.bool_)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _ids(table: pa.Table, keys: list[str], places: Places) -> list[str]:
    columns = [table[key].take(pa.array(places)).to_pylist() for key in keys]
    return ["/".join(map(str, row)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value
