"""Rows judged in parts, wherever an engine runs; what is found is what one pass over all rows finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError, UsageError
from treadle.schema import Schema
from treadle.validation._anomaly import Reason
from treadle.validation._values import Mask
from treadle.validation.rows._faults import typed_values
from treadle.validation.rows._repeats import Repeats
from treadle.validation.rows._rows import TABLE, Key, RowCheck, RowFindings, RowRun, unique_features

P = TypeVar("P")
R = TypeVar("R")


class RowMapping(Protocol):
    """What is asked of an engine (``treadle.engine.Engine``)."""

    def map(self, fn: Callable[[P], R], parts: Sequence[P]) -> Iterator[R]:
        """The function's result for every part, in order."""
        ...


class _Found(NamedTuple):
    findings: RowFindings
    whole: frozenset[str]
    """Columns of another type."""


def check_rows_over(
    engine: RowMapping, rows: Any, schema: Schema, limit: int | None, checks: Mapping[str, RowCheck]
) -> RowFindings:
    """Judge the rows of a source in parts; see ``check_rows``.

    Whether a value is there twice is asked of all rows together: those columns are read here, once, before the rest.

    Raises:
        UsageError: The rows are in this process, and nothing says where they came from.
    """
    if not hasattr(rows, "parts"):
        raise UsageError(
            "An engine reads the rows itself, where it runs; these are in this process.",
            hint="Give it files: check_rows(treadle.ingest.scan(paths), schema, engine=...).",
        )
    parts = rows.parts()
    judge = partial(_judge, schema=schema, limit=limit, checks=dict(checks))
    found = engine.map(judge, list(zip(parts, _repeats(parts, schema), strict=True)))
    return _together(list(found), limit)


def _judge(
    given: tuple[Any, dict[str, npt.NDArray[np.int64]]],
    schema: Schema,
    limit: int | None,
    checks: dict[str, RowCheck],
) -> _Found:
    part, repeats = given
    run = RowRun(schema, limit, checks, first_row=part.first_row)
    run.repeats = {name: _Foreseen(places) for name, places in repeats.items()}
    for batch in part.batches():
        run.add(batch)
    return _Found(run.result(), frozenset(run.whole))


class _Foreseen:
    """Values that occurred before, found out beforehand.

    Args:
        places: Which of the part's values that are not null.
    """

    def __init__(self, places: npt.NDArray[np.int64]) -> None:
        self._places, self._next = places, 0

    def again(self, values: pa.Array) -> Mask:
        """Which of the next values occurred before."""
        mask = np.zeros(len(values), np.bool_)
        here = self._places[(self._places >= self._next) & (self._places < self._next + len(values))]
        mask[here - self._next] = True
        self._next += len(values)
        return mask


def _repeats(parts: Sequence[Any], schema: Schema) -> list[dict[str, npt.NDArray[np.int64]]]:
    known: list[dict[str, npt.NDArray[np.int64]]] = [{} for _ in parts]
    for name in unique_features(schema):
        feature = schema.features.get(name)
        if feature is None or feature.list or name not in parts[0].schema.names:
            continue
        repeats = Repeats()
        for part, places in zip(parts, known, strict=True):
            seen, found = 0, [np.zeros(0, np.int64)]
            for batch in part.batches([name]):
                try:
                    values = typed_values(feature, batch.column(0)).drop_null()
                except ColumnTypeError:
                    continue
                found.append(np.flatnonzero(repeats.again(values)) + seen)
                seen += len(values)
            places[name] = np.concatenate(found)
    return known


def _together(found: Sequence[_Found], limit: int | None) -> RowFindings:
    counts: dict[Key, int] = {}
    wrong: dict[Key, list[pa.Array]] = {}
    tables = [TABLE.empty_table()]
    whole: set[str] = set()
    for findings, columns in found:
        tables.append(_shown(findings, counts, whole, limit))
        for key, count in findings.counts.items():
            counts[key] = counts.get(key, 0) + count
        for key, rows in findings.wrong.items():
            wrong.setdefault(key, []).append(rows)
        whole |= columns
    num_rows = sum(findings.num_rows for findings, _ in found)
    counts |= dict.fromkeys(((name, Reason.WRONG_TYPE, None) for name in sorted(whole)), num_rows)
    together = {key: pa.concat_arrays(rows) for key, rows in wrong.items()}
    return RowFindings(pa.concat_tables(tables), counts, num_rows, together)


def _shown(
    findings: RowFindings,
    before: Mapping[Key, int],
    whole: set[str],
    limit: int | None,
) -> pa.Table:
    """What a part adds to the table: of a column of another type nothing new, and no more than the limit."""
    table = findings.table
    if whole:
        again = pc.and_(pc.is_null(table["row_id"]), pc.is_in(table["feature"], pa.array(sorted(whole))))
        table = table.filter(pc.invert(pc.and_(again, pc.equal(table["reason"], Reason.WRONG_TYPE.value))))
    if limit is None:
        return table
    left: dict[Key, int] = {}
    kept = []
    for feature, reason, value in zip(*(table[name].to_pylist() for name in TABLE.names[1:]), strict=True):
        key = (feature, Reason(reason), value if reason == Reason.RULE.value else None)
        left[key] = left.get(key, limit - before.get(key, 0)) - 1
        kept.append(left[key] >= 0)
    return table.filter(pa.array(kept, pa.bool_()))
