"""Advice: what a careful person would ask about the data. Guesses, marked as such; nothing here ever stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa

from treadle.statistics import FeatureStatistics, Statistics

_SHOWN = 5
_MOSTLY = 0.9
_LEAST_ROWS = 50
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
# what people and machines write where they do not know
_STAND_INS = {0, -1, -9, 9, 99, -99, 999, -999, 9999, -9999, 99999, -99999, 999999}


class Hunch(StrEnum):
    """What advice is about."""

    CONSTANT = "CONSTANT"
    """A column with one value says nothing."""
    MOSTLY_MISSING = "MOSTLY_MISSING"
    """More than nine of ten rows have no value."""
    IDENTIFIER = "IDENTIFIER"
    """A value for every row: a model can only learn it by heart."""
    STAND_IN = "STAND_IN"
    """A number far from all others that looks like "not known": an elevation of 0."""
    MIXED_UNITS = "MIXED_UNITS"
    """Numbers in two heaps with nothing between: two thermometers."""
    MIXED_SPELLING = "MIXED_SPELLING"
    """Words that differ in case or blanks only."""
    NUMBERS_AS_TEXT = "NUMBERS_AS_TEXT"
    """Strings that are all numbers."""
    DUPLICATE_ROWS = "DUPLICATE_ROWS"
    """Rows that are the same in every column."""
    LEAKAGE = "LEAKAGE"
    """A column that gives the label away: known after the fact, most likely."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A guess that somebody should look at."""

    feature: str | None
    """The feature, or ``None`` for the whole data set."""
    hunch: Hunch
    message: str
    """One sentence with the numbers."""
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The advice as JSON-able fields."""
        return {"feature": self.feature, "hunch": self.hunch.value, "message": self.message, "details": self.details}


def advise(statistics: Statistics, *, rows: pa.Table | None = None, label: str | None = None) -> tuple[Advice, ...]:
    """What deserves a look.

    Args:
        statistics: What was measured.
        rows: The rows; with them duplicates are found and, with ``label``, columns that give it away.
        label: The column that is predicted.
    """
    found: list[Advice] = []
    for name, feature in statistics.features.items():
        for hunch, message, details in _of_feature(feature):
            found.append(Advice(name, hunch, message, details))
    if rows is not None and rows.num_rows:
        from treadle.validation.advice._rows import duplicates, leaks

        repeated = duplicates(rows)
        if repeated:
            message = f"{repeated} of {rows.num_rows} rows are the same as another row before."
            found.append(Advice(None, Hunch.DUPLICATE_ROWS, message, {"count": repeated}))
        if label is not None and label in rows.column_names:
            for name, share in leaks(rows, label):
                message = f"It tells {label!r} in {100 * share:.4g} % of the rows by itself."
                found.append(Advice(name, Hunch.LEAKAGE, message, {"share": share}))
    return tuple(found)


Guess = tuple[Hunch, str, dict[str, Any]]


def _of_feature(feature: FeatureStatistics) -> Iterator[Guess]:
    share = feature.missing_share
    if share is not None and share > _MOSTLY:
        yield Hunch.MOSTLY_MISSING, f"{100 * share:.4g} % of the rows have no value.", {"share": share}
    if feature.count > 1 and feature.unique == 1:
        yield Hunch.CONSTANT, "Every row has the same value.", {}
        return
    if feature.count < _LEAST_ROWS:
        return
    if feature.type in ("string", "int") and feature.unique is not None and feature.unique >= 0.99 * feature.count:
        words = f"{feature.unique} values in {feature.count} rows: it names rows and does not describe them."
        yield Hunch.IDENTIFIER, words, {"unique": feature.unique}
        return
    if feature.text is not None and feature.type == "string":
        yield from _of_words(feature)
    elif feature.type in ("int", "float"):
        yield from _of_numbers(feature)


def _of_words(feature: FeatureStatistics) -> Iterator[Guess]:
    counts = feature.value_counts()
    if not counts:
        return
    words = [str(word) for word in counts]
    if all(_NUMBER.fullmatch(word) for word in words):
        yield Hunch.NUMBERS_AS_TEXT, "Every string is a number.", {"values": words[:_SHOWN]}
        return
    spellings: dict[str, list[str]] = {}
    for word in words:
        spellings.setdefault(" ".join(word.split()).casefold(), []).append(word)
    mixed = [group for group in spellings.values() if len(group) > 1]
    if mixed:
        shown = "; ".join(" and ".join(map(repr, group)) for group in mixed[:_SHOWN])
        words_ = f"{len(mixed)} words are written in several ways: {shown}."
        yield Hunch.MIXED_SPELLING, words_, {"groups": mixed[:_SHOWN]}


def _of_numbers(feature: FeatureStatistics) -> Iterator[Guess]:
    assert feature.numbers is not None
    low, high = feature.numbers.distribution.intervals()
    counts = feature.numbers.distribution.counts
    if len(counts) < 3:
        return
    total = int(counts.sum())
    for place, near, rest in ((0, 1, slice(1, None)), (-1, -2, slice(None, -1))):
        value, count = float(low[place]), int(counts[place])
        span = float(high[rest][-1] - low[rest][0])
        gap = abs(float(low[near]) - value)
        if (
            value in _STAND_INS
            and count >= 5
            and count < total / 2
            and gap > max(0.25 * span, _usual_gap(low[rest]) * 10)
        ):
            words = f"{count} rows hold {value:g}, far from all others ({low[rest][0]:g} to {high[rest][-1]:g})."
            yield (
                Hunch.STAND_IN,
                f"{words} Is it a value, or does it mean that none is known?",
                {"value": value, "count": count},
            )
            return
    yield from _two_heaps(low, high, counts)


def _usual_gap(values: Any) -> float:
    return float(np.median(np.diff(values))) if len(values) > 1 else 0.0


def _two_heaps(low: Any, high: Any, counts: Any) -> Iterator[Guess]:
    """Two heaps with an empty stretch between that is wide beside both, or a factor of three."""
    if len(counts) <= 20:
        return
    gaps = low[1:] - high[:-1]
    below = np.cumsum(counts)[:-1]
    total = int(counts.sum())
    inner = (below >= 0.02 * total) & (below <= 0.98 * total)
    if not inner.any():
        return
    place = int(np.argmax(np.where(inner, gaps, -1.0)))
    widths = (float(high[place] - low[0]), float(high[-1] - low[place + 1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = float(low[place + 1] / high[place]) if high[place] > 0 else 0.0
    if gaps[place] > 0.5 * max(widths) or (factor > 3 and gaps[place] > 0.5 * widths[0]):
        share = float(below[place] / total)
        words = f"{100 * share:.3g} % of the values lie up to {high[place]:g}, the others from {low[place + 1]:g}"
        details = {"below": float(high[place]), "above": float(low[place + 1]), "share_below": share}
        yield Hunch.MIXED_UNITS, f"{words}, and none between. Are these two units, or two instruments?", details
