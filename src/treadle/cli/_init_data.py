"""What ``treadle init`` learns from the user's data: types, a label, and columns that no model should see."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.schema import Feature, Schema
    from treadle.statistics import FeatureStatistics, Statistics

LEAK_AUC = 0.95
"""A column that alone tells the label this well is taken for one that is written after the fact."""
_SAMPLE_ROWS = 200_000
_BINS = 64
_FEATURES = ("int", "float", "bool", "string", "timestamp")


@dataclass(frozen=True, slots=True)
class Label:
    """The label's column and what counts as yes."""

    column: str
    comparison: str
    """The rest of a Python expression behind the column: ``== ">50K"``."""
    missing: int
    """Rows without a label."""


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


def draft(
    files: Sequence[Path],
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
        UsageError: The label has not two values, or a column that is named is not there.
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
    target = _label(label, statistics.features[label], positive)
    event_time = event_time or _only_time(statistics)
    sample = _sample(source)
    truth = _truth(sample.column(label), target)
    advice: list[tuple[str, str]] = []
    features: dict[str, str] = {}
    for name, measured in statistics.features.items():
        if name in (label, key) or name in left_out:
            continue
        problem = _unservable(name) or _problem(measured, rows, sample.column(name), truth)
        if problem:
            advice.append((name, problem))
        else:
            features[name] = measured.type
    if not features:
        raise UsageError("No column is left that a model could learn from.", hint=_told(advice))
    schema = _schema(infer_schema(statistics, event_time=event_time), label, set(features), key, event_time)
    return Draft(schema, target, features, advice, rows)


def literal(value: object) -> str:
    """A value as Python source, text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _label(name: str, measured: FeatureStatistics, positive: str | None) -> Label:
    values = sorted((measured.value_counts() or {}) if measured.exact else {})
    if measured.type == "bool":
        return Label(name, "== False" if str(positive).lower() == "false" else "== True", measured.missing)
    if positive is not None and measured.type in ("int", "float"):
        comparison = positive.strip() if positive.strip()[:1] in "<>=!" else f"== {positive.strip()}"
        number = comparison.lstrip("<>=! ")
        try:
            float(number)
        except ValueError as error:
            raise UsageError(
                f"--positive {positive!r} is not a comparison with a number.", hint="For example: --positive '>100'."
            ) from error
        return Label(name, f"{comparison[: -len(number)].strip()} {number}", measured.missing)
    if positive is not None and measured.type == "string":
        if positive not in values:
            shown = ", ".join(map(repr, values[:10]))
            raise UsageError(f"No row has the label {positive!r}.", hint=f"The values are {shown}.")
        return Label(name, f"== {literal(positive)}", measured.missing)
    if len(values) == 2 and measured.type in ("int", "float", "string"):
        # of two values the rarer one is what people want to find; of 0 and 1 it is 1
        counts = measured.value_counts() or {}
        chosen = max(values) if measured.type != "string" else min(values, key=lambda value: (counts[value], value))
        return Label(name, f"== {literal(chosen)}", measured.missing)
    raise UsageError(
        f"The label {name!r} is of type {measured.type} and has {measured.unique} values, not two.",
        hint="Say what counts as yes with --positive VALUE, or for numbers --positive '>100'.",
    )


def _only_time(statistics: Statistics) -> str | None:
    times = [
        name for name, measured in statistics.features.items() if measured.type == "timestamp" and not measured.missing
    ]
    return times[0] if len(times) == 1 else None


def _sample(source: Any) -> pa.Table:
    import pyarrow as pa

    batches, rows = [], 0
    for batch in source.batches():
        batches.append(batch)
        rows += batch.num_rows
        if rows >= _SAMPLE_ROWS:
            break
    return pa.Table.from_batches(batches, schema=source.schema)


def _truth(column: pa.ChunkedArray, label: Label) -> npt.NDArray[np.float64]:
    """1 for yes, 0 for no, NaN where the label is missing."""
    import pyarrow.compute as pc

    sign, _, value = label.comparison.partition(" ")
    compare = {
        "==": pc.equal, ">": pc.greater, ">=": pc.greater_equal, "<": pc.less, "<=": pc.less_equal, "!=": pc.not_equal,
    }[sign]  # fmt: skip
    answer = pc.cast(pc.cast(compare(column, ast.literal_eval(value)), "int8"), "float64")
    return np.asarray(answer.to_numpy(), dtype=np.float64)


def _unservable(name: str) -> str | None:
    """Requests name features as JSON keys, and the server reads them without unescaping."""
    escaped = json.dumps(name, ensure_ascii=False)[1:-1] != name
    return (
        "cannot be served under its name: rename it without quotes, backslashes, control characters"
        if escaped
        else None
    )


def _problem(
    measured: FeatureStatistics, rows: int, column: pa.ChunkedArray, truth: npt.NDArray[np.float64]
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
    strength = alone(column, truth)
    if strength is not None and strength >= LEAK_AUC:
        return f"tells the label almost alone (AUC {strength:.3f}): is it known when a prediction is wanted?"
    return None


def alone(column: pa.ChunkedArray, truth: npt.NDArray[np.float64]) -> float | None:
    """How well one column ranks the label: AUC of its bins' rates, learned on even rows and measured on odd ones.

    None where either half lacks a yes or a no.
    """
    from treadle.evaluation import binary_metrics

    bins = _bins(column)
    known = ~np.isnan(truth)
    bins, truth = bins[known], truth[known]
    total = np.bincount(bins[::2], minlength=bins.max(initial=0) + 1)
    yes = np.bincount(bins[::2], weights=truth[::2], minlength=len(total))
    if not len(truth) or not 0 < truth[::2].mean() < 1 or not 0 < truth[1::2].mean() < 1:
        return None
    rate = (yes + truth[::2].mean()) / (total + 1)  # one row of the average: an unseen value says nothing
    metrics = binary_metrics(truth[1::2], rate[bins[1::2]])[0]
    return metrics["auc"]


def _bins(column: pa.ChunkedArray) -> npt.NDArray[np.intp]:
    """A number of each row's value: its own for text, that of a quantile for numbers; missing is a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
        return np.asarray(codes.to_numpy(zero_copy_only=False) + 1, dtype=np.intp)
    plain = pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column
    numbers = pc.cast(plain, pa.float64(), safe=False).to_numpy().astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS))) if len(present) else np.zeros(0)
    places = np.searchsorted(edges, numbers) + 1
    places[np.isnan(numbers)] = 0
    return np.asarray(places, dtype=np.intp)


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
