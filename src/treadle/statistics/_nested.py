"""Statistics of lists and structs: what is inside is a feature of its own, under a path.

The items of the list ``tags`` are measured as ``tags[]``, the field ``city`` of the struct ``home`` as ``home.city``;
so on inwards (``orders[].price``). A field is missing where its struct is there and the field is not; an item is
missing where it is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from treadle.statistics._distribution import Distribution

if TYPE_CHECKING:
    from treadle.statistics._feature import FeatureStatistics


class Fresh(Protocol):
    """Makes statistics of a type; handed in because features and what is inside them are of one kind."""

    def __call__(self, type: str, /) -> FeatureStatistics:
        """Statistics of nothing yet."""
        ...


class Nested:
    """What is inside the values of a list or struct column.

    Args:
        fresh: Makes the statistics of what is inside.
        lists: Whether the values are lists; otherwise structs.
    """

    __slots__ = ("_fresh", "count", "inside", "lengths")

    def __init__(self, fresh: Fresh, *, lists: bool) -> None:
        self._fresh = fresh
        self.count = 0
        """How many lists or structs there are."""
        self.lengths = Distribution(floats=False) if lists else None
        """How many items the lists have."""
        self.inside: dict[str, FeatureStatistics] = {"[]": fresh("null")} if lists else {}
        """``[]`` -> the items, or the name of a field -> its values."""

    def add(self, column: pa.Array) -> None:
        """Count lists or structs without nulls."""
        if self.lengths is not None:
            self.lengths.add(pc.cast(pc.list_value_length(column), pa.int64()).to_numpy())
            self.inside["[]"].measure(column.flatten())
        else:
            names = [field.name for field in column.type]
            for name, values in zip(names, column.flatten(), strict=True):
                self._field(name).measure(values)
            for name, feature in self.inside.items():
                if name not in names:
                    feature.missing += len(column)
        self.count += len(column)

    def merge(self, other: Nested) -> None:
        """Take in the values behind other statistics."""
        if self.lengths is not None and other.lengths is not None:
            self.lengths.merge(other.lengths)
            self.inside["[]"].merge(other.inside["[]"])
        else:
            for name in [*self.inside, *(name for name in other.inside if name not in self.inside)]:
                if name in other.inside:
                    self._field(name).merge(other.inside[name])
                else:
                    self.inside[name].missing += other.count
        self.count += other.count

    def paths(self, parent: str) -> Iterator[tuple[str, FeatureStatistics]]:
        """What is inside, by path, to the innermost."""
        for name, feature in self.inside.items():
            path = f"{parent}[]" if self.lengths is not None else f"{parent}.{name}"
            yield path, feature
            if feature.nested:
                yield from feature.nested.paths(path)

    def _field(self, name: str) -> FeatureStatistics:
        if name not in self.inside:
            self.inside[name] = self._fresh("null")
            self.inside[name].missing = self.count
        return self.inside[name]


def nested_type(kind: pa.DataType) -> str | None:
    """``list`` or ``struct`` if values of an Arrow type have an inside."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view)
    if any(is_kind(kind) for is_kind in lists):
        return "list"
    return "struct" if pa.types.is_struct(kind) else None
