"""Columns of lists: many values a row as one flat tensor, and how they are padded where they enter the graph.

A graph takes tensors of a fixed width, so a list enters as ``[N, size]``, missing behind its last item. Which lists a
model takes, and how it wants them padded, stands in its metadata under ``treadle.lists``. ``Session`` pads, in bulk as
for one request: it exists once, here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from treadle.errors import InputValueError, ModelFormatError
from treadle.graph.values._python import MISSING_INT, MISSING_TEXT, NUMBER_LIMIT, Tensor, encode_list

METADATA = "treadle.lists"
LIST = "[]"
"""What stands behind the tensor of a feature's items where the feature is a list of them."""
ListStep: TypeAlias = "tuple[Any, ...]"
_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """The lists of some rows."""

    values: Tensor
    """All items behind each other, encoded as single values are."""
    offsets: _Counts
    """``[N + 1]``: row ``i`` has the items from ``offsets[i]`` to ``offsets[i + 1]``."""
    missing: npt.NDArray[np.bool_]
    """``[N]``: where there is no list at all, which is not an empty one."""

    def __len__(self) -> int:
        return len(self.missing)

    def __getitem__(self, rows: slice) -> Ragged:
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : stop + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0], self.missing[start:stop])

    @property
    def lengths(self) -> _Counts:
        """``[N]``: how many items each row has."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Padding:
    """An input of a graph that is made of a feature of lists."""

    feature: str
    tensor: str
    """The tensor of the items, with ``[]`` behind it."""
    steps: tuple[ListStep, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The one feature."""
        return (self.feature,)

    def compiled(self) -> Callable[[Mapping[str, Any]], Tensor]:
        """From the raw features to the input."""
        return lambda feed: pad_lists(self, feed[self.feature])


def encode_lists(name: str, type_: str, tensor: str, rows: Sequence[object]) -> Ragged:
    """One feature's lists from plain Python values; ``None`` is missing, as a list and as an item.

    Raises:
        InputValueError: A value is no list, or an item is not of the feature's type.
    """
    flat: list[object] = []
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    missing = np.zeros(len(rows), dtype=np.bool_)
    for row, items in enumerate(rows):
        if items is None:
            missing[row] = True
        elif isinstance(items, list | tuple | np.ndarray):
            flat.extend(items)
        else:
            raise InputValueError.wrong(name, row, f"list of {type_}", items, None)
        offsets[row + 1] = len(flat)
    return ragged(name, offsets, missing, lambda: encode_list(name, type_, tensor.removesuffix(LIST), flat))


def ragged(name: str, offsets: _Counts, missing: npt.NDArray[np.bool_], encode: Callable[[], Tensor]) -> Ragged:
    """Lists whose items ``encode`` gives as ``[V, 1]``; what is wrong with an item is told with its row."""
    try:
        return Ragged(encode().reshape(-1), offsets, missing)
    except InputValueError as error:
        at = error.where.get("row")
        if not isinstance(at, int):
            raise
        row = int(np.searchsorted(offsets, at, side="right")) - 1
        where = {"column": name, "row": row, "item": at - int(offsets[row])}
        raise InputValueError(error.what, where=where, hint=error.hint) from None


def absent_lists(tensor: str, count: int) -> Ragged:
    """The lists of ``count`` rows that have none."""
    kind = {"float64": np.float64, "int64": np.int64, "string": object}[tensor.removesuffix(LIST)]
    return Ragged(np.empty(0, kind), np.zeros(count + 1, np.int64), np.ones(count, np.bool_))


def pad_lists(padding: Padding, lists: Ragged) -> Tensor:
    """The input ``[N, size]``, or ``[N, 1]`` where it counts.

    Raises:
        InputValueError: An integer used as a number is beyond what a number holds.
    """
    *before, (last, *settings) = padding.steps
    for step, *of in before:
        lists = _STEPS[step](padding.feature, lists, *of) if step in _STEPS else _each_row(lists, (step, *of))
    return _LAST[last](lists, *settings)


def dump(paddings: Mapping[str, Padding]) -> str:
    """For a model's metadata; the same paddings give the same text."""
    found = {name: {"feature": p.feature, "items": p.tensor, "steps": p.steps} for name, p in paddings.items()}
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> dict[str, Padding]:
    """What :func:`dump` wrote.

    Raises:
        ModelFormatError: Not what was written, or a step that this version does not know.
    """
    from treadle.graph.steps._preparation import load as load_prepared

    try:
        found = {
            name: Padding(each["feature"], each["items"], tuple(map(tuple, each["steps"])))
            for name, each in json.loads(text).items()
        }
        names = {str(step[0]) for each in found.values() for step in each.steps[:-1]} - _STEPS.keys()
        unknown = [each.steps[-1][0] for each in found.values() if each.steps[-1][0] not in _LAST]
        steps = [[name] for name in sorted(names)]
        load_prepared(
            json.dumps({"x": {"feature": "x", "steps": [*steps, ["count"]]}})
        )  # refuses what it does not know
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if isinstance(error, ModelFormatError):
            raise
        raise ModelFormatError("The model's lists cannot be read.") from error
    if unknown:
        raise ModelFormatError(
            f"The model wants lists in a way that this version of Treadle does not know: {unknown[0]}.",
            hint="Serve it with the version that built it.",
        )
    return found


def _chosen(lists: Ragged, starts: _Counts, lengths: _Counts) -> Ragged:
    """The same rows with ``lengths`` items each, from ``starts`` on."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return Ragged(lists.values[at], offsets, lists.missing)


def _first(name: str, lists: Ragged, count: int) -> Ragged:  # noqa: ARG001 - a step's shape
    return _chosen(lists, lists.offsets[:-1], np.minimum(lists.lengths, count))


def _last(name: str, lists: Ragged, count: int) -> Ragged:  # noqa: ARG001 - a step's shape
    lengths = np.minimum(lists.lengths, count)
    return _chosen(lists, lists.offsets[1:] - lengths, lengths)


def _latest(name: str, lists: Ragged, count: int) -> Ragged:
    """The last ``count``, the very last first."""
    kept = _last(name, lists, count)
    lengths = kept.lengths
    ends = np.repeat(kept.offsets[1:] - 1 + kept.offsets[:-1], lengths)
    return Ragged(kept.values[ends - np.arange(len(kept.values))], kept.offsets, kept.missing)


def _present(name: str, lists: Ragged) -> Ragged:  # noqa: ARG001 - a step's shape
    """The items that are not missing."""
    there = ~_is_missing(lists.values)
    ends = np.concatenate([[0], np.cumsum(there)])
    return Ragged(lists.values[there], ends[lists.offsets], lists.missing)


def _numbers(name: str, lists: Ragged) -> Ragged:
    """Integers as numbers."""
    absent = lists.values == MISSING_INT
    beyond = ~absent & ((lists.values >= NUMBER_LIMIT) | (lists.values <= -NUMBER_LIMIT))
    if beyond.any():
        at = int(np.argmax(beyond))
        row = int(np.searchsorted(lists.offsets, at, side="right")) - 1
        reason = "is beyond 2**53, where a number used in arithmetic is no longer exact"
        raise InputValueError.wrong(name, row, "list of int", int(lists.values[at]), reason)
    return Ragged(np.where(absent, np.nan, lists.values.astype(np.float64)), lists.offsets, lists.missing)


def _each_row(lists: Ragged, step: ListStep) -> Ragged:
    """A step over tokens, as a text's."""
    from treadle.graph.steps._preparation import run_of

    run = run_of((step,))
    values, ends = lists.values.tolist(), lists.offsets.tolist()
    rows = [run(values[start:end]) for start, end in pairwise(ends)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    made = np.array([item for row in rows for item in row], dtype=lists.values.dtype)
    return Ragged(made, offsets, lists.missing)


def _pad(lists: Ragged, size: int) -> Tensor:
    """The first ``size`` items, missing behind the last."""
    mark: Any = {"f": np.nan, "i": MISSING_INT}.get(lists.values.dtype.kind, MISSING_TEXT)
    matrix: Tensor = np.full((len(lists), size), mark, dtype=lists.values.dtype)
    if len(lists) == 1:
        first = lists.values[:size]
        matrix[0, : len(first)] = first
        return matrix
    kept = _first("", lists, size)
    columns = np.arange(len(kept.values)) - np.repeat(kept.offsets[:-1], kept.lengths)
    matrix[np.repeat(np.arange(len(kept)), kept.lengths), columns] = kept.values
    return matrix


def _count(lists: Ragged) -> Tensor:
    return np.where(lists.missing, MISSING_INT, lists.lengths).reshape(-1, 1)


def _is_missing(values: Tensor) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.asarray(values == (MISSING_INT if values.dtype.kind == "i" else MISSING_TEXT), dtype=np.bool_)


_STEPS: dict[str, Callable[..., Ragged]] = {
    "first": _first,
    "last": _last,
    "latest": _latest,
    "present": _present,
    "numbers": _numbers,
}
_LAST: dict[str, Callable[..., Tensor]] = {"pad": _pad, "count": _count}
