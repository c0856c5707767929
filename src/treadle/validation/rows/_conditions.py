"""Rules: conditions in SQL, run by DuckDB, or in Python, over rows or over statistics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import SchemaError, UserCodeError
from treadle.schema import Rule
from treadle.statistics import FeatureStatistics, Statistics
from treadle.validation._values import Mask

_MEASURES = (
    *("count", "missing", "missing_share", "nan", "infinite", "zeros", "mean", "std_dev", "min", "median", "max"),
    *("unique", "min_length", "avg_length", "max_length"),
)
_WINDOW = re.compile(r"\bover\s*(\(|\w)", re.IGNORECASE)

GROUP = "treadle.checks"

StatisticsCheck: TypeAlias = Callable[[Statistics], bool | str | None]
"""A user's check of statistics: true or ``None`` is good, false or a sentence is not."""


class RowRules:
    """Rules over rows; a batch at a time, so a rule sees one row and nothing else.

    Raises:
        SchemaError: A rule looks at more than one row.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self.connection = _connect()
        for name, rule in rules.items():
            if _WINDOW.search(rule.rows or ""):
                raise _bad_rule(name, "a window looks at more than one row")

    def broken(self, batch: pa.RecordBatch) -> Iterator[tuple[str, Mask]]:
        """The rules, each with the rows that break it."""
        self.connection.register("rows", pa.Table.from_batches([batch]))
        for name, rule in self.rules.items():
            found = _query(self.connection, name, f"SELECT NOT coalesce(({rule.rows})::BOOLEAN, true) AS b FROM rows")
            if len(found) != batch.num_rows:
                raise _bad_rule(name, "it does not give one answer a row")
            yield name, np.asarray(found, np.bool_)


def run_row_checks(
    checks: Mapping[str, Callable[[pa.RecordBatch], Any]], batch: pa.RecordBatch
) -> Iterator[tuple[str, Mask]]:
    """The caller's checks, each with the rows that are not good.

    Raises:
        UserCodeError: A check raised, or did not give one truth value a row.
    """
    for name, check in checks.items():
        try:
            answer = check(batch)
            if isinstance(answer, pa.ChunkedArray):
                answer = answer.combine_chunks()
            good = pa.array(answer, pa.bool_()) if not isinstance(answer, pa.Array) else pc.cast(answer, pa.bool_())
        except Exception as error:
            raise UserCodeError.raised_in(f"The check {name!r}", check, error) from error
        if len(good) != batch.num_rows:
            raise UserCodeError(f"The check {name!r} gave {len(good)} answers for {batch.num_rows} rows.")
        yield name, ~np.asarray(pc.fill_null(good, True).to_numpy(zero_copy_only=False), np.bool_)


def statistics_rule(name: str, rule: Rule, statistics: Statistics, baseline: Statistics | None) -> bool | None:
    """Whether a rule over statistics holds; ``None``: what it asks for was not measured.

    Raises:
        SchemaError: It is not SQL over these statistics.
    """
    connection = _connect()
    row = _row_of(statistics)
    if baseline is not None:
        row["base"] = _row_of(baseline)
    connection.register("statistics", pa.Table.from_pylist([row], schema=_kind_of(row)))
    found = _query(connection, name, f"SELECT ({rule.statistics})::BOOLEAN AS b FROM statistics")
    if len(found) != 1:
        raise _bad_rule(name, "it does not give one answer")
    return None if found[0] is None else bool(found[0])


def installed_check(rule: str, name: str) -> StatisticsCheck:
    """The check that a package offers under a name.

    Raises:
        SchemaError: No installed package does.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise SchemaError(
            f"Schema: no installed package offers the check {name!r}; there are {', '.join(sorted(found)) or 'none'}.",
            where={"rule": rule, "field": "check"},
            hint=f"A package offers one through the entry point group {GROUP!r}.",
        )
    check: StatisticsCheck = found[name].load()
    return check


def run_check(name: str, check: StatisticsCheck, statistics: Statistics) -> str | None:
    """What the caller's check finds, as a sentence.

    Raises:
        UserCodeError: The check raised.
    """
    try:
        answer = check(statistics)
    except Exception as error:
        raise UserCodeError.raised_in(f"The check {name!r}", check, error) from error
    if answer is None or answer is True:
        return None
    return answer if isinstance(answer, str) else f"The check {name!r} does not hold."


def _connect() -> Any:
    import duckdb

    # a schema is data: its conditions may compute, but neither read nor write files
    return duckdb.connect(config={"enable_external_access": "false", "threads": "1"})


def _query(connection: Any, name: str, sql: str) -> list[Any]:
    import duckdb

    try:
        return [row[0] for row in connection.execute(sql).fetchall()]
    except duckdb.Error as error:
        raise _bad_rule(name, str(error).splitlines()[0]) from error


def _bad_rule(name: str, what: str) -> SchemaError:
    return SchemaError(f"Schema: the rule cannot be asked: {what}.", where={"rule": name})


def _row_of(statistics: Statistics) -> dict[str, Any]:
    features = {path: _measures_of(feature) for path, feature in statistics.paths.items()}
    return {"num_rows": statistics.num_rows, **features}


def _measures_of(feature: FeatureStatistics) -> dict[str, Any]:
    found = {name: getattr(feature, name) for name in _MEASURES}
    return {name: float(value) if type(value) is int else value for name, value in found.items()}


def _kind_of(row: Mapping[str, Any]) -> pa.Schema:
    return pa.schema([(name, _type_of(name, value)) for name, value in row.items()])


def _type_of(name: str, value: Any) -> pa.DataType:
    if isinstance(value, dict):
        return pa.struct([(field, _type_of(field, item)) for field, item in value.items()])
    if isinstance(value, datetime):
        return pa.timestamp("us")
    return pa.float64() if name != "num_rows" else pa.int64()
