"""The form of single values in a request: a function each, which says what is wrong with it, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from treadle.schema import Feature
from treadle.validation._semantics import IMAGES, TIMES, URL, is_time, time_range

Form = Callable[[Any], str | None]
# what is quickly known to be a time in one of the usual forms, if it is a moment of the calendar
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d)?", re.ASCII)


def forms_of(feature: Feature) -> tuple[Form, ...]:
    """The tests of one value (of one item of a list); none where the schema asks for no form."""
    found: list[Form] = []
    if feature.min_length is not None or feature.max_length is not None:
        found.append(_length(feature.min_length, feature.max_length))
    if feature.min_words is not None or feature.max_words is not None:
        found.append(_words(feature.min_words, feature.max_words))
    if feature.pattern is not None:
        # classes as RE2 knows them, so that requests and columns are judged alike
        matches = re.compile(feature.pattern, re.ASCII).fullmatch
        found.append(lambda value: None if matches(value) else "no_match")
    if feature.min_coverage is not None:
        found.append(_coverage(frozenset(feature.vocabulary), feature.min_coverage))
    if feature.min_word_length is not None:
        found.append(_word_length(feature.min_word_length))
    semantic = _semantic(feature)
    if semantic is not None:
        found.append(lambda value: None if semantic(value) else "not_semantic")
    return tuple(found)


def _length(least: int | None, most: int | None) -> Form:
    low, high = least or 0, float("inf") if most is None else most
    return lambda value: None if low <= len(value) <= high else "wrong_length"


def _words(least: int | None, most: int | None) -> Form:
    low, high = least or 0, float("inf") if most is None else most
    return lambda value: None if low <= len(value.split()) <= high else "word_count"


def _coverage(vocabulary: frozenset[str], least: float) -> Form:
    def form(value: str) -> str | None:
        words = value.split()
        known = sum(word in vocabulary for word in words)
        return None if known >= least * len(words) else "low_coverage"

    return form


def _word_length(least: float) -> Form:
    def form(value: str) -> str | None:
        words = value.split()
        return None if sum(map(len, words)) >= least * len(words) else "short_words"

    return form


def _semantic(feature: Feature) -> Callable[[Any], object] | None:
    if feature.semantic == "url":
        return re.compile(URL, re.ASCII).fullmatch
    if feature.semantic == "image":
        return lambda value: value.startswith(IMAGES)
    if feature.semantic == "time" and feature.type == "string":
        return _time((feature.format,) if feature.format else TIMES)
    if feature.semantic == "time" and feature.type == "int" and feature.format:
        low, high = time_range(feature.format)
        return lambda value: low <= value <= high
    return None


def _time(forms: tuple[str, ...]) -> Callable[[str], bool]:
    def in_a_form(value: str) -> bool:
        if forms is TIMES and _ISO.fullmatch(value) and _is_iso(value):
            return True
        return any(is_time(value, form) for form in forms)

    return in_a_form


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
