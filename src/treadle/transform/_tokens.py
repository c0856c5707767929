"""Text as a sequence of tokens: of a fixed length where it enters the graph, counted and weighted in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import cast

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._analyzers import Analysis, TokensOf
from treadle.transform._column import Column
from treadle.transform._hashing import Steps, source_of
from treadle.transform._location import user_line
from treadle.transform._terms import TermsOf

_LARGEST = 4096


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text, row by row. Not a column yet: take ``token_ids``, ``bag_of_words``, ``tfidf``."""

    source: n.Input
    steps: Steps
    size: int

    def __bool__(self) -> bool:
        raise TransformError("Tokens have no values while preprocess is traced.", where=user_line())

    def then(self, *step: object) -> Tokens:
        """The tokens after another step."""
        return replace(self, steps=(*self.steps, step))

    def node(self) -> n.Node:
        """The tokens as they enter the graph: ``size`` columns of text."""
        return t.Prepared(self.source, (*self.steps, ("pad", self.size)), n.Kind.TEXT, self.size)

    def count(self) -> n.Node:
        """How many there are."""
        return t.Prepared(self.source, (*self.steps, ("count",)), n.Kind.KEY)


def tokens(x: Column, *, separator: str = "", pattern: str | None = None, size: int = 64) -> Tokens:
    """The tokens of a text of one feature; a missing text has none.

    Args:
        x: A text feature, possibly after ``lower``, ``upper`` or ``fill_missing``.
        separator: What stands between tokens; ``""`` is any run of ASCII white space, and then no token is empty.
        pattern: Or a regular expression (Python's and RE2's in common) that finds the tokens; classes as that of
            word characters are ASCII only.
        size: The graph takes so many tokens of a row; what follows is not seen by ids, bags and weights.
    """
    if type(size) is not int or not 1 <= size <= _LARGEST:
        raise TransformError(f"size must be a whole number from 1 to {_LARGEST}, not {size!r}.", where=user_line())
    if not isinstance(separator, str) or (pattern is not None and separator):
        raise TransformError("tokens takes either a separator or a pattern, as text.", where=user_line())
    source, before = source_of(x)
    step = ("split", separator) if pattern is None else ("find", _checked(pattern))
    return Tokens(source, (*before, step), size)


def ngrams(x: Tokens, low: int, high: int, *, separator: str = " ") -> Tokens:
    """Runs of ``low`` to ``high`` tokens, joined: the short ones first, then as they stand in the text."""
    if type(low) is not int or type(high) is not int or not 1 <= low <= high:
        raise TransformError(f"n-grams are of 1 or more tokens, not of {low!r} to {high!r}.", where=user_line())
    return _tokens(x).then("ngrams", low, high, separator)


def unique_tokens(x: Tokens) -> Tokens:
    """Each token of a row once, where it is first."""
    return _tokens(x).then("unique")


def word_count(x: Tokens | Column) -> Column:
    """How many tokens a row has, beyond ``size`` too; of a text between ASCII white space. Missing stays missing."""
    return Column((tokens(x) if isinstance(x, Column) else _tokens(x)).count())


def token_ids(x: Tokens, *, top_k: int | None = None, min_count: int = 1, num_oov_buckets: int = 0) -> Column:
    """The ids of a row's tokens in the vocabulary of the training data, side by side: -1 behind the last token.

    An output of it has the columns ``name[0]`` to ``name[size - 1]``.

    Args:
        x: The tokens.
        top_k: Keep the most frequent only.
        min_count: Leave rarer tokens out.
        num_oov_buckets: With 1, an unknown token has the id after the last; with 0 it is -1.
    """
    if num_oov_buckets not in (0, 1):
        raise TransformError("Tokens have one bucket for unknown ones or none.", where=user_line())
    node = _tokens(x).node()
    found = Analysis(TokensOf(top_k, min_count), "tokens", n.Kind.TOKENS, node)
    return Column(n.Lookup(node, found, has_oov=bool(num_oov_buckets)))


def bag_of_words(x: Tokens, *, top_k: int | None = None, min_count: int = 1, num_oov_buckets: int = 0) -> Column:
    """How often each token of the vocabulary is in a row; the columns are named ``name=token``. As ``token_ids``."""
    return Column(t.Bag(token_ids(x, top_k=top_k, min_count=min_count, num_oov_buckets=num_oov_buckets).node))


def multi_hot(x: Tokens, values: list[str] | None = None, *, top_k: int | None = None, min_count: int = 1) -> Column:
    """Whether each token is in a row: 1 or 0 in the columns ``name=token``.

    Args:
        x: The tokens.
        values: These tokens; otherwise the vocabulary of the training data.
        top_k: Of the vocabulary, keep the most frequent only.
        min_count: Of the vocabulary, leave rarer tokens out.
    """
    if values is None:
        return Column(t.Present(bag_of_words(x, top_k=top_k, min_count=min_count).node))
    if not values or any(type(value) is not str for value in values) or len(set(values)) != len(values):
        raise TransformError(f"values must be distinct texts, and this is {values!r}.", where=user_line())
    return Column(t.Present(t.Bag(n.Lookup(_tokens(x).node(), n.Tokens(tuple(values)), has_oov=False))))


def tfidf(x: Tokens, *, top_k: int | None = None, min_count: int = 1, smooth: bool = True) -> Column:
    """Per token of the vocabulary: its share of the row's tokens, times how rare rows with it are.

    The weight is ``1 + ln((N + 1) / (df + 1))`` of ``N`` rows of training data, ``df`` of which have the token;
    without ``smooth`` ``1 + ln(N / df)``. A row's tokens are the first ``size``. The columns are ``name=token``.

    Args:
        x: The tokens.
        top_k: Keep the tokens that are in most rows only; ties by token.
        min_count: Leave tokens out that are in fewer rows.
        smooth: See above.
    """
    kept = _tokens(x).then("first", x.size)
    analyzer = TermsOf(top_k, min_count, smooth)
    rows = kept.then("unique").node()
    found, weights = (
        Analysis(analyzer, field, holds, rows) for field, holds in (("tokens", n.Kind.TOKENS), ("idf", n.Kind.TABLE))
    )
    bag = t.Bag(n.Lookup(kept.node(), found, has_oov=False))
    return Column(t.Weighted(bag, kept.count(), weights))


def _tokens(x: object) -> Tokens:
    if isinstance(x, Tokens):
        return x
    raise TransformError("Here tokens are needed.", where=user_line(), hint="Take tt.tokens(column) first.")


def _checked(pattern: object) -> str:
    from treadle.transform._text import check_pattern

    check_pattern(pattern)
    try:
        re.compile(cast(str, pattern), re.ASCII)
    except re.error as error:
        raise TransformError(f"{pattern!r} is no regular expression: {error}.", where=user_line()) from None
    return cast(str, pattern)
