"""Statistics with what goes beside them: slices, weighted statistics, relations; mergeable and saved as one file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import StatisticsError
from treadle.files import write_bytes
from treadle.statistics._frames import batches_of
from treadle.statistics._generate import generate, is_column_source
from treadle.statistics._profile_state import (
    relations_of,
    relations_state,
    slices_of,
    slices_state,
    state_of,
    statistics_of,
    weighted_of,
    weighted_state,
)
from treadle.statistics._relations import Relations, relate
from treadle.statistics._slices import Slices
from treadle.statistics._state import PROFILE_FORMAT
from treadle.statistics._statistics import Statistics
from treadle.statistics._weighted import WeightedStatistics, generate_weighted

if TYPE_CHECKING:
    from treadle.schema import Schema


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

    def measure(self, source: object, schema: Schema | None = None) -> Profile:
        """The profile of other rows, measured as this one was, so that the two merge.

        Args:
            source: As for ``generate``.
            schema: Gives columns that never have a value their type.
        """
        source = source if is_column_source(source) else list(batches_of(source))
        measures = {column: list(names) for column, names in self.statistics.measures.items()}
        exact = any(feature.unlimited for feature in self.statistics.features.values())
        found = Profile(generate(source, schema, measures=measures, exact=exact))
        if self.slices is not None:
            found.slices = _sliced(source, self.slices.by, schema, self.slices.limit)
        if self.weighted is not None:
            found.weighted = generate_weighted(source, self.weighted.weight)
        if self.relations is not None:
            found.relations = self.relations.like()
            found.relations.read(source)
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
        state: dict[str, Any] = {"format": PROFILE_FORMAT, "statistics": state_of(self.statistics)}
        if self.slices is not None:
            state["slices"] = slices_state(self.slices)
        if self.weighted is not None:
            state["weighted"] = weighted_state(self.weighted)
        if self.relations is not None:
            state["relations"] = relations_state(self.relations)
        return canonical_json(state) + b"\n"

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
        state = json.loads(Path(path).read_bytes())
        if state["format"] != PROFILE_FORMAT:
            return cls(statistics)
        try:
            return cls(
                statistics_of(state["statistics"]),
                slices=slices_of(state["slices"]) if "slices" in state else None,
                weighted=weighted_of(state["weighted"]) if "weighted" in state else None,
                relations=relations_of(state["relations"]) if "relations" in state else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            raise StatisticsError(f"The profile is damaged: {error!r}.", where={"file": path}) from error


def profile(
    source: object,
    schema: Schema | None = None,
    *,
    slices: Sequence[str | Sequence[str]] = (),
    weight: str | None = None,
    relations: bool | Sequence[str] = False,
    label: str | None = None,
    measures: Mapping[str, Sequence[str]] | None = None,
    exact: bool = False,
) -> Profile:
    """Statistics of all rows, with slices, weights and relations as asked for.

    The rows are read once for each part. With relations and no label all pairs of columns are counted.

    Args:
        source: As for ``generate``.
        schema: Gives columns that never have a value their type.
        slices: Columns whose values make slices, or tuples of columns whose values together do.
        weight: The column that says how much a row counts.
        relations: Count columns against each other: all, or those named.
        label: Count pairs with this column only; implies ``relations``.
        measures: As for ``generate``.
        exact: As for ``generate``.

    Raises:
        UsageError: A column is not there, or there are too many pairs.
        StatisticsError: As of ``generate``, ``generate_slices`` and ``generate_weighted``.
    """
    source = source if is_column_source(source) else list(batches_of(source))
    found = Profile(generate(source, schema, measures=measures, exact=exact))
    if slices:
        found.slices = _sliced(source, slices, schema)
    if weight is not None:
        found.weighted = generate_weighted(source, weight)
    if relations or label is not None:
        columns = None if isinstance(relations, bool) else relations
        found.relations = relate(source, found.statistics, columns=columns, label=label)
    return found


def _sliced(source: Any, by: Sequence[str | Sequence[str]], schema: Schema | None, limit: int | None = None) -> Slices:
    slices = Slices(by, schema) if limit is None else Slices(by, schema, limit=limit)
    for batch in source.batches() if is_column_source(source) else batches_of(source):
        slices.add(batch)
    return slices
