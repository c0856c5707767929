"""What ``treadle init`` learns from the user's data: types, a label, and columns that no model should see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from treadle.cli._init_label import Label, label_of, truth_of
from treadle.cli._init_leaks import alone, alone_in_rank
from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.cli._data_argument import Data
    from treadle.schema import Feature, Schema
    from treadle.statistics import FeatureStatistics

LEAK_AUC = 0.95
"""A column that alone tells the label this well is taken for one that is written after the fact."""
LEAK_R2 = 0.97
"""The same of a number: the share of the variance of its rank that the column explains alone."""
_SAMPLE_ROWS = 200_000
_FEATURES = ("int", "float", "bool", "string", "timestamp")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a project is written from."""

    schema: Schema
    label: Label
    features: Mapping[str, str]
    """Column -> type, of what the model sees."""
    advice: Sequence[tuple[str, str]]
    """Column and what is odd about it, in a sentence."""
    rows: int
    times: Sequence[str]
    """Columns that may say when a row happened."""
    example: Mapping[str, Any]
    """The features of one row, as a request has them."""


def draft(
    files: Sequence[Data],
    *,
    label: str,
    positive: str | None,
    event_time: str | None,
    key: str | None,
    left_out: Sequence[str],
    options: Mapping[str, Any],
) -> Draft:
    """Read the data and draft a schema; columns that should not be features are left out, and said.

    Raises:
        UsageError: The label is neither a number nor of two values, or a column that is named is not there.
        DataError: The files cannot be read.
    """
    from treadle.ingest import scan
    from treadle.statistics import generate
    from treadle.validation import infer_schema

    source = scan(files, options=options)
    statistics = generate(source)
    for name in (label, event_time, key, *left_out):
        if name is not None and name not in statistics.features:
            raise UsageError(f"There is no column {name!r}.", hint=f"The columns are {', '.join(statistics.features)}.")
    rows = statistics.num_rows
    target = label_of(label, statistics.features[label], positive)
    times = [name for name, found in statistics.features.items() if found.type == "timestamp" and not found.missing]
    event_time = event_time or (times[0] if len(times) == 1 else None)
    sample = _sample(source)
    truth = truth_of(sample.column(label), target)
    advice: list[tuple[str, str]] = []
    features: dict[str, str] = {}
    for name, measured in statistics.features.items():
        if name in (label, key) or name in left_out:
            continue
        problem = _unservable(name) or _problem(measured, rows, sample.column(name), truth, target.task)
        if problem:
            advice.append((name, problem))
        else:
            features[name] = measured.type
    if not features:
        raise UsageError("No column is left that a model could learn from.", hint=_told(advice))
    schema = _schema(infer_schema(statistics, event_time=event_time), label, set(features), key, event_time)
    return Draft(schema, target, features, advice, rows, times, _example(sample, features))


def _example(sample: pa.Table, features: Mapping[str, str]) -> dict[str, Any]:
    """The features of the first row: JSON, a moment as ISO 8601, NaN as null."""
    row = sample.select(list(features)).slice(0, 1).to_pylist()[0]
    values = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in values.items()}


def _sample(source: Any) -> pa.Table:
    import pyarrow as pa

    batches, rows = [], 0
    for batch in source.batches():
        batches.append(batch)
        rows += batch.num_rows
        if rows >= _SAMPLE_ROWS:
            break
    return pa.Table.from_batches(batches, schema=source.schema)


def _unservable(name: str) -> str | None:
    """Requests name features as JSON keys, and the server reads them without unescaping."""
    escaped = json.dumps(name, ensure_ascii=False)[1:-1] != name
    return (
        "cannot be served under its name: rename it without quotes, backslashes, control characters"
        if escaped
        else None
    )


def _problem(
    measured: FeatureStatistics, rows: int, column: pa.ChunkedArray, truth: npt.NDArray[Any], task: str
) -> str | None:
    """Why a column should not be a feature; None if nothing speaks against it."""
    if measured.type not in _FEATURES:
        return f"is of type {measured.type}, which is no feature"
    if not measured.count:
        return "never has a value"
    unique = measured.unique or 0
    if unique == 1 and not measured.missing:
        return "is the same in every row"
    wide = {"string": 0.9, "int": 0.99}.get(measured.type)
    if wide is not None and rows >= 50 and unique >= wide * measured.count:
        return f"looks like an identifier: {unique:,} values in {rows:,} rows"
    name, strength, limit = (
        ("R2 of ranks", alone_in_rank(column, truth), LEAK_R2)
        if task == "regression"
        else ("AUC", alone(column, truth), LEAK_AUC)
    )
    if strength is not None and strength >= limit:
        return f"tells the label almost alone ({name} {strength:.3f}): is it known when a prediction is wanted?"
    return None


def _schema(schema: Schema, label: str, features: set[str], key: str | None, event_time: str | None) -> Schema:
    """The draft for the project: what a server does not get is marked, and drift has thresholds."""
    described: dict[str, Feature] = {}
    for name, feature in schema.features.items():
        if name in features:
            measure = {"float": "jensen_shannon", "int": "jensen_shannon", "string": "l_infinity", "bool": "l_infinity"}
            drift: dict[str, Any] = {"missing": 0.05}
            if feature.type in measure:
                drift[measure[feature.type]] = 0.1
            described[name] = replace(feature, **drift)
        elif name in (event_time, key):
            described[name] = feature
        else:
            described[name] = replace(feature, not_in=("SERVING",), required=name == label)
    return replace(schema, features=described, key=key)


def _told(advice: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name} {problem}" for name, problem in advice)
