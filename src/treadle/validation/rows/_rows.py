"""Row mode: which rows are wrong, why, and which of them are set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import ColumnTypeError
from treadle.schema import Feature, Schema, to_feature, to_plain
from treadle.statistics import ColumnSource
from treadle.validation._anomaly import Reason
from treadle.validation._values import Mask, value_faults
from treadle.validation.rows._repeats import Remembers, Repeats

Rows: TypeAlias = pa.Table | ColumnSource | Iterable[pa.RecordBatch]
if TYPE_CHECKING:
    from treadle.validation.rows._over_engine import RowMapping

RowCheck: TypeAlias = Callable[[pa.RecordBatch], Any]
"""A user's check of rows: a batch in, one truth value a row out (true: good; null: good)."""

TABLE = pa.schema([("row_id", pa.string()), ("feature", pa.string()), ("reason", pa.string()), ("value", pa.string())])
_BATCH_ROWS = 65536
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RowFindings:
    """Which rows are wrong."""

    table: pa.Table
    """``row_id, feature, reason, value``, in the order of the rows within a batch and feature. Of a broken rule,
    ``feature`` is null and ``value`` names the rule. A ``row_id`` is null where every row is meant: the column is of
    another type."""
    counts: Mapping[tuple[str | None, Reason, str | None], int]
    """(feature, reason, rule) -> how many rows; exact, however many rows the table shows."""
    num_rows: int
    wrong: Mapping[tuple[str | None, Reason, str | None], pa.Array] = field(default_factory=dict)
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
        self.counts: dict[tuple[str | None, Reason, str | None], int] = {}
        self.wrong: dict[tuple[str | None, Reason, str | None], list[np.ndarray]] = {}
        self.whole: set[str] = set()
        self.repeats: Mapping[str, Remembers] = {name: Repeats() for name in unique_features(schema)}
        self.rules = {name: rule for name, rule in schema.rules.items() if rule.rows and rule.severity != "ignore"}
        self.sql: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Judge the next rows."""
        ids = self._ids(batch)
        for name, feature in self.schema.features.items():
            if name in batch.schema.names and feature.lifecycle != "disabled":
                for reason, mask in self._feature(feature, batch.column(name)):
                    self._keep(ids, name, reason, mask, batch.column(name))
        if self.rules:
            from treadle.validation.rows._conditions import RowRules

            self.sql = self.sql or RowRules(self.rules)
            for name, mask in self.sql.broken(batch):
                self._keep(ids, None, Reason.RULE, mask, None, rule=name)
        if self.checks:
            from treadle.validation.rows._conditions import run_row_checks

            for name, mask in run_row_checks(self.checks, batch):
                self._keep(ids, None, Reason.RULE, mask, None, rule=name)
        self.next_row += batch.num_rows

    def result(self) -> RowFindings:
        """What was found."""
        num_rows = self.next_row - self.first_row
        for name in self.whole:
            self.counts[name, Reason.WRONG_TYPE, None] = num_rows
        wrong = {key: pa.array(np.concatenate(parts)) for key, parts in self.wrong.items()}
        table = pa.concat_tables([TABLE.empty_table(), *self.tables])
        return RowFindings(table, dict(self.counts), num_rows, wrong)

    def _feature(self, feature: Feature, column: pa.Array) -> Iterator[tuple[Reason, Mask]]:
        absent = _mask(column.is_null(nan_is_null=pa.types.is_floating(column.type)))
        if feature.min_fraction == 1 and absent.any():
            yield Reason.LOW_PRESENCE, absent
        try:
            typed = typed_values(feature, column)
        except ColumnTypeError:
            fractions = _fractions(feature, column)
            if fractions is None:
                self._whole(feature.name, column)
            else:
                yield Reason.WRONG_TYPE, fractions
            return
        if feature.list:
            yield from _list_faults(feature, typed)
            return
        present = np.flatnonzero(_mask(typed.is_valid()))
        values = typed.drop_null()
        for reason, wrong in value_faults(feature, values):
            yield reason, _spread(present[wrong], len(typed))
        if feature.name in self.repeats:
            again = self.repeats[feature.name].again(values)
            if again.any():
                yield Reason.NOT_UNIQUE, _spread(present[again], len(typed))

    def _whole(self, name: str, column: pa.Array) -> None:
        if name not in self.whole:
            self.whole.add(name)
            row = {"row_id": None, "feature": name, "reason": "WRONG_TYPE", "value": str(column.type)}
            self.tables.append(pa.Table.from_pylist([row], schema=TABLE))

    def _keep(
        self,
        ids: pa.Array,
        name: str | None,
        reason: Reason,
        mask: Mask,
        column: pa.Array | None,
        *,
        rule: str | None = None,
    ) -> None:
        places = np.flatnonzero(mask)
        if not len(places):
            return
        key = (name, reason, rule)
        before = self.counts.get(key, 0)
        self.counts[key] = before + len(places)
        self.wrong.setdefault(key, []).append(places + self.next_row)
        if self.limit is not None:
            places = places[: max(0, self.limit - before)]
        taken = pa.array(places)
        values = pa.array([rule] * len(places), pa.string()) if column is None else _shown(column.take(taken))
        columns = [
            ids.take(taken).cast(pa.string()),
            pa.array([name] * len(places), pa.string()),
            pa.array([reason.value] * len(places), pa.string()),
            values,
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


def typed_values(feature: Feature, column: pa.Array) -> pa.Array:
    """A batch's column in its feature's type.

    Raises:
        ColumnTypeError: It is of another type.
    """
    typed = to_feature(pa.chunked_array([column]), feature).combine_chunks()
    if isinstance(typed, pa.ChunkedArray):
        typed = pa.concat_arrays(typed.chunks) if typed.num_chunks else pa.array([], typed.type)
    return typed


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


def _list_faults(feature: Feature, column: pa.ListArray) -> Iterator[tuple[Reason, Mask]]:
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    least, most = feature.items
    if least is not None and ((lengths >= 0) & (lengths < least)).any():
        yield Reason.FEW_ITEMS, (lengths >= 0) & (lengths < least)
    if most is not None and (lengths > most).any():
        yield Reason.MANY_ITEMS, lengths > most
    parents, items = pc.list_parent_indices(column), pc.list_flatten(column)
    valid = items.is_valid()
    rows = parents.filter(valid).to_numpy(zero_copy_only=False)
    for reason, wrong in value_faults(feature, items.drop_null()):
        yield reason, _spread(rows[wrong], len(column))


def _fractions(feature: Feature, column: pa.Array) -> Mask | None:
    """Where floats stand for integers: the rows that have a fraction."""
    if feature.type != "int" or feature.list or not pa.types.is_floating(column.type):
        return None
    numbers = pc.fill_null(to_plain(column), 0.0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = np.isnan(numbers) | ((np.trunc(numbers) == numbers) & (np.abs(numbers) < 2.0**63))
    return np.asarray(~whole)


def _spread(places: np.ndarray, rows: int) -> Mask:
    mask = np.zeros(rows, np.bool_)
    mask[places] = True
    return mask


def _mask(found: pa.Array) -> Mask:
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


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
