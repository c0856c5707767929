"""Which of some values are not as their feature says: one answer for the distinct values of statistics and for rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import SchemaError
from treadle.schema import Feature
from treadle.validation._anomaly import Reason
from treadle.validation._semantics import IMAGES, TIMES, URL, is_time, time_range

Mask = npt.NDArray[np.bool_]


def value_faults(feature: Feature, values: pa.Array) -> Iterator[tuple[Reason, Mask]]:
    """The reasons of which some value is guilty, and of which.

    Args:
        feature: What they should be.
        values: Values of the feature's type, without nulls.

    Raises:
        SchemaError: The pattern is not one that RE2 knows.
    """
    if feature.type == "float":
        numbers = values.to_numpy(zero_copy_only=False)
        yield from _some(Reason.NOT_FINITE, ~np.isfinite(numbers))
    if feature.values is not None:
        allowed = pa.array(list(feature.values), values.type)
        yield from _some(Reason.OUT_OF_DOMAIN, ~as_mask(pc.is_in(values, allowed)))
    if feature.min is not None or feature.max is not None:
        yield from _some(Reason.OUT_OF_RANGE, _out_of_range(feature, values))
    if feature.min_length is not None or feature.max_length is not None:
        yield from _some(Reason.WRONG_LENGTH, _wrong_length(feature, values))
    if feature.min_words is not None or feature.max_words is not None:
        yield from _some(Reason.WORD_COUNT, _wrong_words(feature, values))
    if feature.pattern is not None:
        yield from _some(Reason.NO_MATCH, ~_matches(feature, values))
    if feature.semantic is not None:
        yield from _some(Reason.NOT_SEMANTIC, ~_is_semantic(feature, values))


@functools.lru_cache(maxsize=1024)
def check_pattern(name: str, pattern: str) -> None:
    """The pattern is one that RE2 knows (it has no look-around and no back-references).

    Raises:
        SchemaError: It is not.
    """
    try:
        pc.match_substring_regex(pa.array([""]), f"^(?:{pattern})$")
    except pa.ArrowInvalid as error:
        raise SchemaError(
            "Schema: the pattern is not an RE2 expression.",
            where={"feature": name, "field": "pattern"},
            hint="RE2 has no look-around and no back-references.",
        ) from error


def _some(reason: Reason, wrong: Mask) -> Iterator[tuple[Reason, Mask]]:
    if wrong.any():
        yield reason, wrong


def as_mask(found: pa.Array) -> Mask:
    """Truth values of Arrow, without nulls, as numpy has them."""
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


def _out_of_range(feature: Feature, values: pa.Array) -> Mask:
    wrong = np.zeros(len(values), np.bool_)
    for bound, compare in ((feature.min, pc.less), (feature.max, pc.greater)):
        if bound is not None:
            # a NaN is neither below nor above
            wrong |= as_mask(compare(values, pa.scalar(bound, values.type)))
    return wrong


def _wrong_length(feature: Feature, values: pa.Array) -> Mask:
    measure = pc.utf8_length if feature.type == "string" else pc.binary_length
    lengths = measure(values).to_numpy(zero_copy_only=False)
    wrong = np.zeros(len(values), np.bool_)
    if feature.min_length is not None:
        wrong |= lengths < feature.min_length
    if feature.max_length is not None:
        wrong |= lengths > feature.max_length
    return wrong


def _wrong_words(feature: Feature, values: pa.Array) -> Mask:
    trimmed = pc.utf8_trim_whitespace(values)
    counts = pc.list_value_length(pc.utf8_split_whitespace(trimmed)).to_numpy(zero_copy_only=False)
    counts = np.where(as_mask(pc.equal(trimmed, "")), 0, counts)
    wrong = np.zeros(len(values), np.bool_)
    if feature.min_words is not None:
        wrong |= counts < feature.min_words
    if feature.max_words is not None:
        wrong |= counts > feature.max_words
    return wrong


def _matches(feature: Feature, values: pa.Array) -> Mask:
    assert feature.pattern is not None
    check_pattern(feature.name, feature.pattern)
    return as_mask(pc.match_substring_regex(values, f"^(?:{feature.pattern})$"))


def _is_semantic(feature: Feature, values: pa.Array) -> Mask:
    if feature.semantic == "url":
        return as_mask(pc.match_substring_regex(values, f"^(?:{URL})$"))
    if feature.semantic == "image":
        known = [as_mask(pc.starts_with(values, magic)) for magic in IMAGES]
        return np.asarray(np.logical_or.reduce(known), np.bool_)
    if feature.semantic == "embedding":
        return np.asarray(np.isfinite(values.to_numpy(zero_copy_only=False)))
    if feature.semantic == "time" and feature.type == "string":
        return _is_time(values, (feature.format,) if feature.format else TIMES)
    if feature.semantic == "time" and feature.type == "int" and feature.format:
        low, high = time_range(feature.format)
        numbers = values.to_numpy(zero_copy_only=False)
        return np.asarray((numbers >= low) & (numbers <= high))
    return np.ones(len(values), np.bool_)


def _is_time(values: pa.Array, forms: tuple[str, ...]) -> Mask:
    known = np.zeros(len(values), np.bool_)
    for form in forms:
        moments = pc.strptime(values, format=form, unit="us", error_is_null=True)
        found = as_mask(pc.is_valid(moments))
        # the 31st of February is read as the 2nd of March: what may be such a day is asked again, one by one
        first_days = as_mask(pc.fill_null(pc.less_equal(pc.day(moments), 3), False))
        for place in np.flatnonzero(found & first_days & ~known):
            found[place] = is_time(values[int(place)].as_py(), form)
        known |= found
    return known
