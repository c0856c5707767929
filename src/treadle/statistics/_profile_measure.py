"""Profiles of rows: statistics first, then what is counted beside them, here or wherever an engine runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from treadle.statistics._frames import batches_of
from treadle.statistics._generate import generate, is_column_source
from treadle.statistics._over_engine import Reducing, over_parts
from treadle.statistics._profile import Profile
from treadle.statistics._relations import Relations, between
from treadle.statistics._slices import Slices
from treadle.statistics._statistics import Statistics
from treadle.statistics._weighted import generate_weighted

if TYPE_CHECKING:
    from treadle.schema import Schema


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
    engine: Reducing | None = None,
) -> Profile:
    """Statistics of all rows, with slices, weights and relations as asked for.

    The rows are read once for each part. With relations and no label all pairs of columns are counted.

    Args:
        source: As for ``generate``.
        schema: Gives columns that never have a value their type.
        slices: Columns whose values make slices, or tuples of columns whose values together do.
        weight: The column that says how much a row counts: in weighted statistics beside the plain ones, and in
            relations. Slices count rows.
        relations: Count columns against each other: all, or those named.
        label: Count pairs with this column only; implies ``relations``.
        measures: As for ``generate``.
        exact: As for ``generate``.
        engine: Where the work is done; as for ``generate``.

    Raises:
        UsageError: A column is not there, or there are too many pairs.
        StatisticsError: As of ``generate``, ``generate_slices`` and ``generate_weighted``.
    """
    source = rereadable(source, engine)
    found = measured(
        source,
        engine,
        schema=schema,
        measures=measures,
        exact=exact,
        slices=Slices(slices, schema) if slices else None,
        weight=weight,
    )
    if relations or label is not None:
        columns = None if isinstance(relations, bool) else relations
        found.relations = related(source, engine, between(found.statistics, columns, label, weight))
    return found


def rereadable(source: object, engine: Reducing | None) -> object:
    """Rows that can be read once for each part of a profile."""
    return source if engine is not None or is_column_source(source) else list(batches_of(source))


def measured(source: object, engine: Reducing | None, **asked: Any) -> Profile:
    """All but relations, which want the statistics of all rows first."""
    return (
        _rows(source, **asked)
        if engine is None
        else over_parts(engine, source, partial(_rows, **asked), Profile.from_bytes)
    )


def _rows(
    source: Any,
    *,
    schema: Schema | None,
    measures: Mapping[str, Sequence[str]] | None,
    exact: bool,
    slices: Slices | None,
    weight: str | None,
) -> Profile:
    found = Profile(generate(source, schema, measures=measures, exact=exact))
    if slices is not None:
        found.slices = slices.like()
        found.slices.read(source)
    if weight is not None:
        found.weighted = generate_weighted(source, weight)
    return found


def related(source: object, engine: Reducing | None, blank: Relations) -> Relations | None:
    """Relations of a source, cut as those of nothing yet."""
    measure = partial(_pairs, blank=blank.like())
    found = measure(source) if engine is None else over_parts(engine, source, measure, Profile.from_bytes)
    return found.relations


def _pairs(source: object, blank: Relations) -> Profile:
    relations = blank.like()
    relations.read(source)
    return Profile(Statistics(), relations=relations)
