"""Merging results in a tree whose shape depends on their number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

R = TypeVar("R")

FAN_IN = 8
"""How many neighbours are merged at a time."""


def merge_in_order(results: Iterable[R], merge: Callable[[list[R]], R]) -> R | None:
    """Merge neighbours, and what comes of them, until one is left; ``None`` if there was nothing.

    Results are merged as soon as there are eight of a level, so no more than eight of each level are in memory.
    """
    levels: list[list[R]] = []
    for result in results:
        _put(levels, 0, result, merge)
    for height in range(len(levels)):
        if levels[height] and any(levels[height + 1 :]):
            rest, levels[height] = merge_few(levels[height], merge), []
            _put(levels, height + 1, rest, merge)
    last = next((level for level in levels if level), None)
    return None if last is None else merge_few(last, merge)


def merge_few(results: list[R], merge: Callable[[list[R]], R]) -> R:
    """One of several; what stands alone stays as it is."""
    return results[0] if len(results) == 1 else merge(results)


def _put(levels: list[list[R]], height: int, result: R, merge: Callable[[list[R]], R]) -> None:
    if height == len(levels):
        levels.append([])
    levels[height].append(result)
    if len(levels[height]) == FAN_IN:
        full, levels[height] = merge(levels[height]), []
        _put(levels, height + 1, full, merge)
