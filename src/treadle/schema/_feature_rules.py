"""A feature's constraints are possible and fit its type: checked when it is made, so that none is silently dead."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

from treadle.errors import SchemaError
from treadle.schema._feature import LIFECYCLES, SEMANTICS, SEVERITIES, TYPES, is_reserved
from treadle.schema._refusal import refused
from treadle.schema._struct_rules import check_struct
from treadle.schema._time_format import unread

if TYPE_CHECKING:
    from treadle.schema._feature import Feature

# int64; an int feature holds nothing else
_INT_RANGE = (-(2**63), 2**63 - 1)
_SHARES = (
    "min_fraction",
    "min_domain_mass",
    "min_class_share",
    "l_infinity",
    "jensen_shannon",
    "missing",
    "kolmogorov_smirnov",
    "cramers_v",
    "p_value",
    "min_coverage",
)
_UNBOUNDED = ("psi", "wasserstein", "min_word_length")
_COUNTS = (
    "min_count",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
    "min_unique",
    "max_unique",
    "min_words",
    "max_words",
)
_PAIRS = (
    ("min_words", "max_words"),
    ("min_length", "max_length"),
    ("min_items", "max_items"),
    ("min_unique", "max_unique"),
)
# the type a semantic domain needs
_SEMANTIC_TYPES = {
    "text": ("string",),
    "url": ("string",),
    "time": ("string", "int", "timestamp"),
    "image": ("bytes",),
    "embedding": ("float",),
}
_TEXT = ("min_words", "max_words", "vocabulary", "min_coverage", "min_word_length")
_TIME_UNITS = ("unix_days", "unix_seconds", "unix_milliseconds", "unix_microseconds", "unix_nanoseconds")


def check_feature(feature: Feature) -> None:
    """Look at every constraint.

    Raises:
        SchemaError: One is impossible, or does not fit the type.
    """
    if not feature.name:
        raise SchemaError("A feature has no name.")
    if is_reserved(feature.name):
        what = "names with two underscores at both ends belong to Treadle"
        raise refused(feature, what, "name", "rename the column")
    for field, words in (("type", TYPES), ("lifecycle", LIFECYCLES), ("semantic", SEMANTICS)):
        word = getattr(feature, field)
        if word not in words and not (field == "semantic" and word is None):
            what = "feature type" if field == "type" else field
            raise refused(feature, f"{word!r} is not a {what}", field, f"use one of {', '.join(words)}")
    check_struct(feature)
    _check_numbers(feature)
    _check_domain(feature)
    _check_classes(feature)
    _check_range(feature)
    _check_text(feature)
    _check_list(feature)
    _check_semantic(feature)
    _check_drift(feature)
    if not all(isinstance(name, str) and name for name in feature.not_in):
        raise refused(feature, "an environment is named by a word", "not_in")
    if not all(isinstance(tag, str) and tag for tag in feature.tags):
        raise refused(feature, "a tag is a word", "tags")
    for code, severity in feature.severity.items():
        if severity not in SEVERITIES:
            what = f"{severity!r} is not a severity"
            raise refused(feature, what, f"severity.{code}", f"use one of {', '.join(SEVERITIES)}")


def _check_numbers(feature: Feature) -> None:
    for name in (*_SHARES, *_UNBOUNDED):
        share = getattr(feature, name)
        if share is None:
            continue
        most = math.inf if name in _UNBOUNDED else 1
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= most:
            ends = "from 0" if most > 1 else "from 0 to 1"
            raise refused(feature, f"{share!r} is not a number {ends}", name)
    for name in _COUNTS:
        count = getattr(feature, name)
        if count is not None and (type(count) is not int or count < 0):
            raise refused(feature, f"{count!r} is not a number of things", name)
    for low, high in _PAIRS:
        least, most = getattr(feature, low), getattr(feature, high)
        if least is not None and most is not None and least > most:
            raise refused(feature, f"{low} {least} is above {high} {most}", low)


def _check_domain(feature: Feature) -> None:
    if feature.values is None:
        return
    if feature.type not in ("int", "string", "bool"):
        raise refused(feature, f"a {feature.type} feature has a range, not a list of values", "values")
    if not feature.values:
        raise refused(feature, "an empty list of values allows nothing", "values", "leave the field out")
    kind = {"int": int, "string": str, "bool": bool}[feature.type]
    for value in feature.values:
        if type(value) is not kind:
            raise refused(feature, f"{value!r} is not of type {feature.type}", "values")
    if len(set(feature.values)) != len(feature.values):
        raise refused(feature, "a value is listed twice", "values")
    if feature.min is not None or feature.max is not None:
        raise refused(feature, "a feature has a list of values or a range, not both", "values")


def _check_classes(feature: Feature) -> None:
    if feature.min_class_share is None:
        return
    if feature.type not in ("int", "string", "bool") or feature.list:
        raise refused(feature, "classes are integers, strings or truth values", "min_class_share")
    if feature.values and feature.min_class_share * len(feature.values) > 1:
        raise refused(feature, f"{len(feature.values)} classes cannot all have that share", "min_class_share")


def _check_range(feature: Feature) -> None:
    for name, bound in (("min", feature.min), ("max", feature.max)):
        if bound is None:
            continue
        if feature.type == "timestamp":
            fits = isinstance(bound, datetime) and bound.tzinfo is None
        elif feature.type == "int":
            fits = type(bound) is int and _INT_RANGE[0] <= bound <= _INT_RANGE[1]
        else:
            fits = feature.type == "float" and type(bound) in (int, float) and math.isfinite(bound)  # type: ignore[arg-type]
        if not fits:
            raise refused(feature, f"{bound!r} is not a bound for a feature of type {feature.type}", name)
    if feature.min is not None and feature.max is not None and feature.min > feature.max:  # type: ignore[operator]
        raise refused(feature, f"min {feature.min} is above max {feature.max}", "min")


def _check_text(feature: Feature) -> None:
    for name in ("pattern", "min_length", "max_length"):
        if getattr(feature, name) is not None and feature.type not in ("string", "bytes"):
            raise refused(feature, f"a {feature.type} feature has no {name}", name)
    for name in _TEXT:
        if getattr(feature, name) not in (None, ()) and (feature.type != "string" or feature.list):
            raise refused(feature, "words are counted in strings", name)
    if feature.min_coverage is not None and not feature.vocabulary:
        raise refused(feature, "a coverage needs the words that are known", "min_coverage", "add vocabulary = [...]")
    if not all(isinstance(word, str) and word and not re.search(r"\s", word) for word in feature.vocabulary):
        raise refused(feature, "a word has no white space", "vocabulary")
    if feature.pattern is not None:
        if feature.type != "string":
            raise refused(feature, f"a {feature.type} feature has no pattern", "pattern")
        try:
            re.compile(feature.pattern)
        except re.error as error:
            raise refused(feature, f"the pattern is no regular expression: {error}", "pattern") from error


def _check_list(feature: Feature) -> None:
    for name in ("min_items", "max_items", "shape"):
        if getattr(feature, name) is not None and not feature.list:
            raise refused(feature, f"{name} is for lists", name, "add list = true")
    if feature.shape is not None:
        if not all(type(size) is int and size > 0 for size in feature.shape):
            raise refused(feature, f"{feature.shape!r} is not a shape", "shape")
        if feature.min_items is not None or feature.max_items is not None:
            raise refused(feature, "a list has a shape or a number of items, not both", "shape")
    if feature.list and (feature.unique or feature.min_unique is not None or feature.max_unique is not None):
        raise refused(feature, "lists are not counted as values", "unique")


def _check_semantic(feature: Feature) -> None:
    allowed = _SEMANTIC_TYPES.get(feature.semantic or "")
    if allowed and feature.type not in allowed:
        what = f"a {feature.semantic} is of type {' or '.join(allowed)}, not {feature.type}"
        raise refused(feature, what, "semantic")
    if feature.semantic == "embedding" and not feature.list:
        raise refused(feature, "an embedding is a list of floats", "semantic", "add list = true")
    if feature.format is None:
        return
    if feature.semantic != "time" or feature.type == "timestamp":
        raise refused(feature, "a format is for a time in strings or integers", "format", 'add semantic = "time"')
    if feature.type == "int" and feature.format not in _TIME_UNITS:
        what = f"{feature.format!r} is not how a time is counted"
        raise refused(feature, what, "format", f"use one of {', '.join(_TIME_UNITS)}")
    wrong = unread(feature.format) if feature.type == "string" else None
    if wrong is not None:
        directive, hint = wrong
        raise refused(feature, f"{directive} in {feature.format!r} is not read everywhere", "format", hint)


def _check_drift(feature: Feature) -> None:
    # A threshold that cannot fire is worse than none.
    distances = ("l_infinity", "jensen_shannon", "psi", "kolmogorov_smirnov", "wasserstein", "cramers_v")
    given = [name for name in distances if getattr(feature, name) is not None]
    if feature.l_infinity is not None and feature.type in ("float", "bytes", "timestamp"):
        what = f"L-infinity compares categories, and a {feature.type} feature has none"
        hint = "use jensen_shannon" if feature.type == "float" else "use missing"
        raise refused(feature, what, "drift.l_infinity", hint)
    names = {"jensen_shannon": "Jensen-Shannon", "psi": "The stability index", "cramers_v": "Cramér's V"}
    for name, words in names.items():
        if getattr(feature, name) is not None and feature.type in ("bytes", "timestamp"):
            what = f"{words} is not defined for a {feature.type} feature"
            raise refused(feature, what, f"drift.{name}", "use missing")
    for name in ("kolmogorov_smirnov", "wasserstein"):
        if getattr(feature, name) is not None and feature.type not in ("int", "float"):
            what = f"{name} compares numbers, not values of type {feature.type}"
            raise refused(feature, what, f"drift.{name}", "use jensen_shannon or missing")
    if feature.p_value is not None and not given and feature.missing is None:
        what = "a p-value says whether a distance is real, not whether it matters"
        raise refused(feature, what, "drift.p_value", "add a threshold of a distance")
