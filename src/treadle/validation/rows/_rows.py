"""Row mode: which rows are wrong, why, and which of them are set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.schema import Feature, Schema
from treadle.statistics import ColumnSource
from treadle.validation._anomaly import Reason
from treadle.validation._values import Mask
from treadle.validation.rows._faults import Places, column_faults
from treadle.validation.rows._repeats import Remembers, Repeats

Rows: TypeAlias = pa.Table | ColumnSource | Iterable[pa.RecordBatch]
if TYPE_CHECKING:
    from treadle.validation.rows._over_engine import RowMapping

RowCheck: TypeAlias = Callable[[pa.RecordBatch], Any]
"""A user's check of rows: a batch in, one truth value a row out (true: good; null: good)."""

Key: TypeAlias = tuple[str | None, Reason, str | None]
"""(feature or path, reason, rule)."""

TABLE = pa.schema([("row_id", pa.string()), ("feature", pa.string()), ("reason", pa.string()), ("value", pa.string())])
_BATCH_ROWS = 65536
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RowFindings:
    """Which rows are wrong."""

    table: pa.Table
    """``row_id, feature, reason, value``, in the order of the rows within a batch and feature. What is inside a struct
    has its path (``orders[].price``) and the first wrong value of the row. Of a broken rule, ``feature`` is null and
    ``value`` names the rule. A ``row_id`` is null where every row is meant: the column is of another type."""
    counts: Mapping[Key, int]
    """(feature, reason, rule) -> how many rows; exact, however many rows the table shows."""
    num_rows: int
    wrong: Mapping[Key, pa.Array] = field(default_factory=dict)
    """The same -> the numbers of the rows, from 0; not of whole columns."""

    def examples(self, feature: str | None, reason: Reason, rule: str | None = None, count: int = 5) -> list[str]:
        """The ids of a few of the rows."""
        mask = pc.equal(self.table["reason"], reason.value)
        of = pc.is_null(self.table["feature"]) if feature is None else pc.equal(self.table["feature"], feature)
        mask = pc.and_(mask, pc.fill_null(of, False))
        if rule is not None:
            mask = pc.and_(mask, pc.equal(self.table["value"], rule))
        ids = self.table["row_id"].filter(mask).slice(0, count).to_pylist()
        return [row_id for row_id in ids if row_id is not None]


def check_rows(
    rows: Rows,
    schema: Schema,
    *,
    environment: str | None = None,
    limit: int | None = None,
    checks: Mapping[str, RowCheck] | None = None,
    engine: RowMapping | None = None,
) -> RowFindings:
    """Judge rows one by one.

    A row is named by ``__row_id__`` if there is such a column, by the schema's key, or by its number from 0.

    Args:
        rows: A table, a source that is read in batches, or batches.
        schema: What should be.
        environment: The environment the rows come from.
        limit: Show at most so many rows of each feature and reason; all by default. Counts are always whole.
        checks: The caller's own checks, name -> function.
        engine: Where the work is done (``treadle.engine.open_engine``); the rows are then a ``treadle.ingest.Scan``.
            The findings do not depend on it.

    Raises:
        SchemaError: A rule is not SQL over these columns, or a pattern is not RE2.
        UserCodeError: A check of the caller's raised.
    """
    schema = schema.environment(environment)
    if engine is not None:
        from treadle.validation.rows._over_engine import check_rows_over

        return check_rows_over(engine, rows, schema, limit, checks or {})
    run = RowRun(schema, limit, dict(checks or {}))
    for batch in _batches(rows):
        run.add(batch)
    return run.result()


class RowRun:
    """One pass over rows, of which the first has the number ``first_row``."""

    def __init__(self, schema: Schema, limit: int | None, checks: dict[str, RowCheck], first_row: int = 0) -> None:
        self.schema, self.limit, self.checks = schema, limit, checks
        self.first_row = self.next_row = first_row
        self.tables: list[pa.Table] = []
        self.counts: dict[Key, int] = {}
        self.wrong: dict[Key, list[np.ndarray]] = {}
        self.whole: set[str] = set()
        self.repeats: Mapping[str, Remembers] = {name: Repeats() for name in unique_features(schema)}
        self.rules = {name: rule for name, rule in schema.rules.items() if rule.rows and rule.severity != "ignore"}
        self.sql: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Judge the next rows."""
        ids = self._ids(batch)
        for name, feature in self.schema.features.items():
            if name in batch.schema.names:
                self._faults(ids, feature, batch.column(name))
        if self.rules:
            from treadle.validation.rows._conditions import RowRules

            self.sql = self.sql or RowRules(self.rules)
            self._broken(ids, self.sql.broken(batch))
        if self.checks:
            from treadle.validation.rows._conditions import run_row_checks

            self._broken(ids, run_row_checks(self.checks, batch))
        self.next_row += batch.num_rows

    def result(self) -> RowFindings:
        """What was found."""
        num_rows = self.next_row - self.first_row
        for name in self.whole:
            self.counts[name, Reason.WRONG_TYPE, None] = num_rows
        wrong = {key: pa.array(np.concatenate(parts)) for key, parts in self.wrong.items()}
        table = pa.concat_tables([TABLE.empty_table(), *self.tables])
        return RowFindings(table, dict(self.counts), num_rows, wrong)

    def _faults(self, ids: pa.Array, feature: Feature, column: pa.Array) -> None:
        for fault in column_faults(feature.name, feature, column, self.repeats):
            if fault.rows is None:
                self._whole(fault.path, fault.values.type)
            else:
                self._keep(ids, (fault.path, fault.reason, None), fault.rows, (fault.values, fault.places))

    def _whole(self, path: str, kind: pa.DataType) -> None:
        if path not in self.whole:
            self.whole.add(path)
            row = {"row_id": None, "feature": path, "reason": "WRONG_TYPE", "value": str(kind)}
            self.tables.append(pa.Table.from_pylist([row], schema=TABLE))

    def _broken(self, ids: pa.Array, found: Iterable[tuple[str, Mask]]) -> None:
        for rule, mask in found:
            self._keep(ids, (None, Reason.RULE, rule), np.flatnonzero(mask), None)

    def _keep(self, ids: pa.Array, key: Key, rows: Places, values: tuple[pa.Array, Places] | None) -> None:
        """Count rows that are guilty, and show some: the value, or the name of the rule."""
        if not len(rows):
            return
        name, reason, rule = key
        before = self.counts.get(key, 0)
        self.counts[key] = before + len(rows)
        self.wrong.setdefault(key, []).append(rows + self.next_row)
        shown = len(rows) if self.limit is None else min(len(rows), max(0, self.limit - before))
        if values is None:
            texts = pa.array([rule] * shown, pa.string())
        else:
            column, places = values
            texts = _shown(column.take(pa.array(places[:shown])))
        columns = [
            ids.take(pa.array(rows[:shown])).cast(pa.string()),
            pa.array([name] * shown, pa.string()),
            pa.array([reason.value] * shown, pa.string()),
            texts,
        ]
        self.tables.append(pa.table(columns, schema=TABLE))

    def _ids(self, batch: pa.RecordBatch) -> pa.Array:
        key = self.schema.key
        for name in ("__row_id__", key):
            if name is not None and name in batch.schema.names:
                return _shown(batch.column(name))
        return pa.array(np.arange(self.next_row, self.next_row + batch.num_rows)).cast(pa.string())


def unique_features(schema: Schema) -> list[str]:
    """The features of which no two rows may have the same value."""
    return [name for name, feature in schema.features.items() if feature.unique or name == schema.key]


def _batches(rows: Rows) -> Iterator[pa.RecordBatch]:
    if isinstance(rows, pa.Table):
        yield from rows.to_batches(_BATCH_ROWS)
    elif hasattr(rows, "parts"):
        for part in rows.parts():  # as an engine reads them, so that the findings come in the same order
            yield from part.batches(batch_rows=_BATCH_ROWS)
    elif isinstance(rows, ColumnSource):
        yield from rows.batches(batch_rows=_BATCH_ROWS)
    else:
        yield from rows


def _shown(column: pa.Array) -> pa.Array:
    """Values as text; long ones cut."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind):
        texts = [
            None if value is None else value.hex() if isinstance(value, bytes) else str(value)
            for value in column.to_pylist()
        ]
        column = pa.array(texts, pa.string())
    text = column.cast(pa.string())
    return pc.utf8_slice_codeunits(text, 0, _LONGEST)
