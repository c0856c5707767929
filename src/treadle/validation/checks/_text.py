"""The checks of text as a whole: which share of its words is known, and whether they are long enough to be words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.schema import Feature
from treadle.statistics import FeatureStatistics, Measure
from treadle.validation._anomaly import Reason
from treadle.validation._finding import Finding, percent

_SHOWN = 5


def check_text(feature: Feature, measured: FeatureStatistics, measures: Mapping[str, Measure]) -> Iterator[Finding]:
    """Enough of the words are known, and they are long enough.

    Words come from the measure ``text``, or from the strings themselves where all of them are counted.
    """
    if (feature.min_coverage is None and feature.min_word_length is None) or not measured.count:
        return
    found = _words(measured, measures)
    if found is None:
        what = "Too many strings to know their words, and the measure 'text' was not taken."
        yield Finding(Reason.NOT_MEASURED, what, {"constraint": "min_coverage"})
        return
    words, counts, total, mean = found
    if not total:
        return
    known = _is_in(words, feature.vocabulary)
    coverage = int(counts[known].sum()) / total
    if feature.min_coverage is not None and coverage < feature.min_coverage:
        order = np.lexsort((np.arange(len(counts)), -np.where(known, 0, counts)))[:_SHOWN]
        shown = [[words[int(place)].as_py(), int(counts[place])] for place in order if not known[place]]
        named = ", ".join(f"{word!r} ({count})" for word, count in shown)
        details: dict[str, Any] = {"coverage": coverage, "min_coverage": feature.min_coverage, "unknown": shown}
        message = f"{percent(coverage)} of the words are known; the schema wants {percent(feature.min_coverage)}"
        yield Finding(Reason.LOW_COVERAGE, f"{message}. Most frequent of the others: {named}.", details)
    if feature.min_word_length is not None and mean < feature.min_word_length:
        details = {"mean": mean, "min_word_length": feature.min_word_length}
        message = f"Words have {mean:.3g} characters on average; the schema wants {feature.min_word_length:g}."
        yield Finding(Reason.SHORT_WORDS, message, details)


def _words(
    measured: FeatureStatistics, measures: Mapping[str, Measure]
) -> tuple[pa.Array, np.ndarray, int, float] | None:
    """The words, how often each occurs, how many there are in all, their mean length; ``None``: not known.

    Of very many words the rare ones are not listed; they count as unknown.
    """
    text: Any = measures.get("text")
    if text is not None:
        return text.words.values, text.words.counts, text.words.total, text.lengths.summary().mean
    if measured.text is None or not measured.exact:
        return None
    lists = pc.utf8_split_whitespace(measured.text.categories.values)
    times = measured.text.categories.counts[pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)]
    encoded = pc.list_flatten(lists).dictionary_encode()
    sums = np.bincount(encoded.indices.to_numpy(), weights=times, minlength=len(encoded.dictionary))
    filled = pc.not_equal(encoded.dictionary, "")
    words, counts = encoded.dictionary.filter(filled), sums[filled.to_numpy(zero_copy_only=False)].astype(np.int64)
    total = int(counts.sum())
    lengths = pc.utf8_length(words).to_numpy(zero_copy_only=False).astype(np.float64)
    return words, counts, total, float((lengths * counts).sum() / max(total, 1))


def _is_in(words: pa.Array, vocabulary: tuple[str, ...]) -> np.ndarray:
    found = pc.is_in(words, pa.array(vocabulary, pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
