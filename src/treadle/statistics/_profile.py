"""Statistics with what goes beside them: slices, weighted statistics, relations; mergeable and saved as one file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import StatisticsError
from treadle.files import write_bytes
from treadle.statistics._profile_state import (
    relations_of,
    relations_state,
    slices_of,
    slices_state,
    state_of,
    weighted_of,
    weighted_state,
)
from treadle.statistics._relations import Relations
from treadle.statistics._slices import Slices
from treadle.statistics._state import PROFILE_FORMATS
from treadle.statistics._statistics import Statistics
from treadle.statistics._weighted import WeightedStatistics

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.statistics._over_engine import Reducing


class Profile:
    """The statistics of a data set and, where they were asked for, its slices, weighted statistics and relations.

    Made by :func:`profile`. A new span is measured as the saved profile was (:meth:`measure`) and merged into it; the
    rows of before are not read again.
    """

    def __init__(
        self,
        statistics: Statistics,
        *,
        slices: Slices | None = None,
        weighted: WeightedStatistics | None = None,
        relations: Relations | None = None,
    ) -> None:
        self.statistics = statistics
        """Of all rows."""
        self.slices = slices
        self.weighted = weighted
        self.relations = relations

    def measure(self, source: object, schema: Schema | None = None, *, engine: Reducing | None = None) -> Profile:
        """The profile of other rows, measured as this one was, so that the two merge.

        Args:
            source: As for ``generate``.
            schema: Gives columns that never have a value their type.
            engine: Where the work is done; as for ``generate``.
        """
        from treadle.statistics._profile_measure import measured, related, rereadable  # which makes profiles

        source = rereadable(source, engine)
        found = measured(
            source,
            engine,
            schema=schema,
            measures={column: list(names) for column, names in self.statistics.measures.items()},
            exact=any(feature.unlimited for feature in self.statistics.features.values()),
            slices=None if self.slices is None else Slices(self.slices.by, schema, limit=self.slices.limit),
            weight=None if self.weighted is None else self.weighted.weight,
        )
        if self.relations is not None:
            found.relations = related(source, engine, self.relations)
        return found

    def merge(self, other: Profile) -> None:
        """Take in the rows behind another profile.

        Raises:
            StatisticsError: It does not have the same parts, or was cut in another way.
        """
        for name in ("slices", "weighted", "relations"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if (mine is None) != (theirs is None):
                raise StatisticsError(
                    f"Only one of the two profiles has {name}.", hint="Measure the new rows as the saved ones were."
                )
            if mine is not None:
                mine.merge(theirs)
        self.statistics.merge(other.statistics)

    def to_json(self) -> dict[str, Any]:
        """What :meth:`Statistics.to_json` says, and ``slices``, ``weighted``, ``relations`` where there are such."""
        shown = self.statistics.to_json()
        if self.slices is not None:
            shown["slices"] = {name: part.to_json() for name, part in self.slices.parts.items()}
        if self.weighted is not None:
            shown["weighted"] = self.weighted.to_json()
        if self.relations is not None:
            shown["relations"] = self.relations.to_json()
        return shown

    def to_html(
        self,
        *,
        name: str = "data",
        compare: Mapping[str, Statistics] | None = None,
        distances: Mapping[str, float | None] | None = None,
    ) -> str:
        """One HTML page as :meth:`Statistics.to_html` makes it, with slices, weights and relations below."""
        from treadle.statistics.html import page

        return page({name: self.statistics, **(compare or {})}, distances, profile=self)

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "data",
        compare: Mapping[str, Statistics] | None = None,
        distances: Mapping[str, float | None] | None = None,
    ) -> None:
        """Write :meth:`to_html` to a file, whole or not at all; arguments as there."""
        write_bytes(path, self.to_html(name=name, compare=compare, distances=distances).encode())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from treadle.statistics.html import fragment

        return fragment(self.statistics, profile=self)

    def to_bytes(self) -> bytes:
        """The profile as bytes, the same for the same rows; without parts, those of its statistics."""
        if self.slices is None and self.weighted is None and self.relations is None:
            return self.statistics.to_bytes()
        state: dict[str, Any] = {"format": PROFILE_FORMATS[self._is_second()], "statistics": state_of(self.statistics)}
        if self.slices is not None:
            state["slices"] = slices_state(self.slices)
        if self.weighted is not None:
            state["weighted"] = weighted_state(self.weighted)
        if self.relations is not None:
            state["relations"] = relations_state(self.relations)
        return canonical_json(state) + b"\n"

    def _is_second(self) -> bool:
        nested = self.weighted is not None and any(each.inside is not None for each in self.weighted.features.values())
        return nested or (self.relations is not None and self.relations.weight is not None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_bytes` to a file, whole or not at all. ``Statistics.load`` reads its statistics."""
        write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """Read a profile, or statistics alone.

        Raises:
            StatisticsError: The file is not there, not whole, or of another format.
        """
        statistics = Statistics.load(path)  # it knows what can be wrong with a file
        return cls._with_parts(statistics, json.loads(Path(path).read_bytes()), {"file": path})

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """The profile behind :meth:`to_bytes`.

        Raises:
            StatisticsError: The bytes are not whole, or of another format.
        """
        return cls._with_parts(Statistics.from_bytes(data), json.loads(data), None)

    @classmethod
    def _with_parts(cls, statistics: Statistics, state: dict[str, Any], where: dict[str, object] | None) -> Profile:
        try:
            return cls(
                statistics,
                slices=slices_of(state["slices"]) if "slices" in state else None,
                weighted=weighted_of(state["weighted"]) if "weighted" in state else None,
                relations=relations_of(state["relations"]) if "relations" in state else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            raise StatisticsError(f"The profile is damaged: {error!r}.", where=where) from error
