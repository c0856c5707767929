"""Text: words by white space, how many, how long, which."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import StatisticsError
from treadle.statistics._categories import Categories
from treadle.statistics._distribution import Distribution
from treadle.statistics._quantiles import quantiles
from treadle.statistics._state import categories_state, distribution_state, fill_categories, fill_distribution

_DECILES = [part / 10 for part in range(11)]
# What counts as a sentence, and when a column is text: the thresholds of TensorFlow Data Validation.
_WORDS, _SHORT, _LONG = 3, 2.5, 8.0
_SHARE, _LEAST = 0.8, 100


class TextMeasure:
    """Words of a column of strings."""

    def __init__(self) -> None:
        self.values = 0
        self.sentences = 0
        """Values of at least 3 words whose mean length is 2.5 to 8 characters."""
        self.words = Categories(pa.string())
        self.per_value = Distribution(floats=False)
        self.lengths = Distribution(floats=False)

    @property
    def is_text(self) -> bool | None:
        """Whether at least 0.8 of the values are sentences; ``None`` for fewer than 100 values."""
        return self.sentences >= _SHARE * self.values if self.values >= _LEAST else None

    def coverage(self, vocabulary: Collection[str]) -> float | None:
        """The share of words that are in a vocabulary; ``None`` without words.

        Beyond 16,384 distinct words, rare ones count as not in it.
        """
        total = self.words.total
        known = pc.index_in(self.words.values, pa.array(sorted(vocabulary), pa.string())).is_valid()
        return int(self.words.counts[known.to_numpy(zero_copy_only=False)].sum()) / total if total else None

    def add(self, column: pa.Array) -> None:
        """Count a batch of strings."""
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, pa.string())
        if not pa.types.is_string(column.type):
            raise StatisticsError(f"Words are counted in strings, not in {column.type}.")
        self.values += len(column)
        lists = pc.utf8_split_whitespace(column)
        words = lists.flatten()
        lengths = pc.utf8_length(words).to_numpy(zero_copy_only=False).astype(np.int64)
        ends = np.cumsum(pc.list_value_length(lists).to_numpy(zero_copy_only=False))
        counts, letters = (
            np.diff(np.concatenate([[0], np.cumsum(each)])[np.concatenate([[0], ends])])
            for each in (lengths > 0, lengths)
        )
        mean = letters / np.maximum(counts, 1)
        self.sentences += int(((counts >= _WORDS) & (mean >= _SHORT) & (mean <= _LONG)).sum())
        self.per_value.add(counts.astype(np.int64))
        self.lengths.add(lengths[lengths > 0])
        self.words.add(words.filter(pa.array(lengths > 0)))

    def merge(self, other: TextMeasure) -> None:
        """Take in the values behind another."""
        self.values += other.values
        self.sentences += other.sentences
        self.words.merge(other.words)
        self.per_value.merge(other.per_value)
        self.lengths.merge(other.lengths)

    def to_json(self) -> dict[str, Any]:
        """Counts of words, deciles of words per value and of letters per word, the most frequent words."""
        return {
            "is_text": self.is_text,
            "sentences": self.sentences,
            "words": self.words.total,
            "distinct_words": self.words.unique(),
            "words_per_value": quantiles(self.per_value, _DECILES),
            "word_length": quantiles(self.lengths, _DECILES),
            "mean_word_length": self.lengths.summary().mean if self.words.total else None,
            "top_words": [list(pair) for pair in self.words.top(20)],
        }

    def state(self) -> dict[str, Any]:
        """All that was counted."""
        return {
            "values": self.values,
            "sentences": self.sentences,
            "words": categories_state(self.words),
            "per_value": distribution_state(self.per_value),
            "lengths": distribution_state(self.lengths),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take on a state that was saved."""
        self.values, self.sentences = int(state["values"]), int(state["sentences"])
        fill_categories(self.words, state["words"])
        fill_distribution(self.per_value, state["per_value"])
        fill_distribution(self.lengths, state["lengths"])
