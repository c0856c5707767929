"""Text as a sequence of tokens: of a fixed length where it enters the graph, counted and weighted in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from treadle.errors import TransformError
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column
from treadle.transform._location import user_line
from treadle.transform.analysis._analyzers import Analysis, TokensOf
from treadle.transform.analysis._terms import TermsOf
from treadle.transform.functions._hashing import Sources, Steps, prepared_of, source_of
from treadle.transform.functions._text import check_pattern

if TYPE_CHECKING:
    from treadle.transform.functions._lists import Items

_LARGEST = 4096


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text, row by row. Not a column yet: take ``token_ids``, ``bag_of_words``, ``tfidf``."""

    sources: Sources
    steps: Steps
    size: int
    vocabulary: tuple[str, ...] | None = None
    """All tokens there are, where they are known beforehand."""

    def __repr__(self) -> str:
        return f"tokens of {self.sources[0].name!r}"

    def __bool__(self) -> bool:
        raise TransformError("Tokens have no values while preprocess is traced.", where=user_line())

    def then(self, *step: object) -> Tokens:
        """The tokens after another step."""
        return replace(self, steps=(*self.steps, step), vocabulary=None)

    def node(self) -> n.Node:
        """The tokens as they enter the graph: ``size`` columns of text."""
        return prepared_of(self.sources, self.steps, (("pad", self.size),), n.Kind.TEXT, self.size)

    def count(self) -> n.Node:
        """How many there are."""
        return prepared_of(self.sources, self.steps, (("count",),), n.Kind.KEY)


def tokens(x: Column, *, separator: str = "", pattern: str | None = None, size: int = 64) -> Tokens:
    """The tokens of a text; a missing text has none.

    Args:
        x: A text, of features and what text functions make of them.
        separator: What stands between tokens; ``""`` is any run of ASCII white space, and then no token is empty.
        pattern: Or a regular expression (Python's and RE2's in common) that finds the tokens; classes as that of
            word characters are ASCII only.
        size: The graph takes so many tokens of a row; what follows is not seen by ids, bags and weights.
    """
    check_size(size)
    if not isinstance(separator, str) or (pattern is not None and separator):
        raise TransformError("tokens takes either a separator or a pattern, as text.", where=user_line())
    sources, before = source_of(x)
    step = ("split", separator) if pattern is None else ("find", checked_pattern(pattern))
    return Tokens(sources, (*before, step), size)


def check_size(size: object) -> None:
    """Refuse a number of tokens that a row cannot have."""
    if type(size) is not int or not 1 <= size <= _LARGEST:
        raise TransformError(f"size must be a whole number from 1 to {_LARGEST}, not {size!r}.", where=user_line())


def ngrams(x: Tokens | Items, low: int, high: int, *, separator: str = " ") -> Tokens:
    """Runs of ``low`` to ``high`` tokens, joined: the short ones first, then as they stand in the text."""
    if type(low) is not int or type(high) is not int or not 1 <= low <= high:
        raise TransformError(f"n-grams are of 1 or more tokens, not of {low!r} to {high!r}.", where=user_line())
    return tokens_of(x).then("ngrams", low, high, separator)


def unique_tokens(x: Tokens | Items) -> Tokens:
    """Each token of a row once, where it is first."""
    return tokens_of(x).then("unique")


def word_count(x: Tokens | Items | Column) -> Column:
    """How many tokens a row has, beyond ``size`` too; of a text between ASCII white space. Missing stays missing."""
    return Column((tokens(x) if isinstance(x, Column) else tokens_of(x)).count())


def token_ids(
    x: Tokens | Items,
    *,
    top_k: int | None = None,
    min_count: int = 1,
    num_oov_buckets: int = 0,
    padding: str | None = None,
) -> Column:
    """The ids of a row's tokens, side by side: in their vocabulary, or else in that of the training data.

    An output of it has the columns ``name[0]`` to ``name[size - 1]``.

    Args:
        x: The tokens; those of ``wordpiece`` and ``byte_bpe`` have a vocabulary.
        top_k: Keep the most frequent only.
        min_count: Leave rarer tokens out.
        num_oov_buckets: How many ids behind the last there are for unknown tokens, by their hash; with 0 they are -1.
        padding: The token of the vocabulary whose id stands behind the last token; by default that is -1.
    """
    x = tokens_of(x)
    node = x.node()
    if type(num_oov_buckets) is not int or not 0 <= num_oov_buckets < 2**31:
        raise TransformError(
            f"num_oov_buckets must be a whole number of at least 0, not {num_oov_buckets!r}.", where=user_line()
        )
    found: n.Node = Analysis(TokensOf(top_k, min_count), "tokens", n.Kind.TOKENS, node)
    if x.vocabulary is not None:
        if top_k is not None or min_count != 1:
            raise TransformError(
                "These tokens have a vocabulary, and top_k and min_count are for one made of data.", where=user_line()
            )
        found = n.Tokens(x.vocabulary)
    behind = None if padding is None else n.Text(_padding(x, padding))
    if num_oov_buckets < 2:
        return Column(n.Lookup(node, found, bool(num_oov_buckets), behind))
    if padding is not None:
        raise TransformError("padding and several buckets for unknown tokens do not go together.", where=user_line())
    hashes = prepared_of(x.sources, x.steps, (("hash_each", "", x.size),), n.Kind.KEY, x.size)
    return Column(t.TokenBucket(num_oov_buckets, n.Lookup(node, found, has_oov=False), hashes, found))


def token_mask(x: Tokens | Items) -> Column:
    """Whether there is a token at each place: 1, or 0 behind the last; columns as of ``token_ids``."""
    return Column(t.There(tokens_of(x).node()))


def _padding(x: Tokens, padding: str) -> str:
    if x.vocabulary is None or padding not in x.vocabulary:
        raise TransformError(
            f"{padding!r} is not in the tokens' vocabulary.", where=user_line(), hint="padding=None gives -1."
        )
    return padding


def bag_of_words(
    x: Tokens | Items, *, top_k: int | None = None, min_count: int = 1, num_oov_buckets: int = 0
) -> Column:
    """How often each token of the vocabulary is in a row; the columns are named ``name=token``. As ``token_ids``."""
    return Column(t.Bag(token_ids(x, top_k=top_k, min_count=min_count, num_oov_buckets=num_oov_buckets).node))


def multi_hot(
    x: Tokens | Items,
    values: list[str] | list[int] | None = None,
    *,
    top_k: int | None = None,
    min_count: int = 1,
) -> Column:
    """Whether each token is in a row: 1 or 0 in the columns ``name=token``.

    Args:
        x: The tokens.
        values: These tokens; otherwise the vocabulary of the training data.
        top_k: Of the vocabulary, keep the most frequent only.
        min_count: Of the vocabulary, leave rarer tokens out.
    """
    if values is None:
        return Column(t.Present(bag_of_words(x, top_k=top_k, min_count=min_count).node))
    node = tokens_of(x).node()
    kind = int if node.kind == n.Kind.KEY else str
    if not values or any(type(value) is not kind for value in values) or len(set(values)) != len(values):
        raise TransformError(
            f"values must be distinct and of type {kind.__name__}, and this is {values!r}.", where=user_line()
        )
    tokens = n.Tokens(tuple(values))  # type: ignore[arg-type]
    return Column(t.Present(t.Bag(n.Lookup(node, tokens, has_oov=False))))


def tfidf(x: Tokens | Items, *, top_k: int | None = None, min_count: int = 1, smooth: bool = True) -> Column:
    """Per token of the vocabulary: its share of the row's tokens, times how rare rows with it are.

    The weight is ``1 + ln((N + 1) / (df + 1))`` of ``N`` rows of training data, ``df`` of which have the token;
    without ``smooth`` ``1 + ln(N / df)``. A row's tokens are the first ``size``. The columns are ``name=token``.

    Args:
        x: The tokens.
        top_k: Keep the tokens that are in most rows only; ties by token.
        min_count: Leave tokens out that are in fewer rows.
        smooth: See above.
    """
    kept = _kept(x)
    found, weights = _terms(kept, TermsOf(top_k, min_count, smooth), "idf")
    bag = t.Bag(n.Lookup(kept.node(), found, has_oov=False))
    return Column(t.Weighted(bag, kept.count(), weights))


def document_frequency(x: Tokens | Items, *, top_k: int | None = None, min_count: int = 1) -> Column:
    """Of each token in how many rows of the training data it is: 0 of an unknown one, missing behind the last.

    An output of it has the columns ``name[0]`` to ``name[size - 1]``; a row's tokens are the first ``size``.

    Args:
        x: The tokens.
        top_k: Know the tokens that are in most rows only; ties by token.
        min_count: Do not know tokens that are in fewer rows.
    """
    return _of_tokens(_kept(x), TermsOf(top_k, min_count, smooth=True), "frequencies")


def idf(x: Tokens | Items, *, top_k: int | None = None, min_count: int = 1, smooth: bool = True) -> Column:
    """Of each token how rare rows with it are: the weight of :func:`tfidf`; columns as of :func:`document_frequency`.

    An unknown token is as one of no row; without ``smooth`` it has no weight, and is missing.
    """
    return _of_tokens(_kept(x), TermsOf(top_k, min_count, smooth), "rarities")


def _kept(x: Tokens | Items) -> Tokens:
    """The tokens that the graph takes."""
    x = tokens_of(x)
    return x.then("first", x.size)


def _terms(kept: Tokens, analyzer: TermsOf, field: str) -> tuple[n.Node, n.Node]:
    rows = kept.then("unique").node()
    return Analysis(analyzer, "tokens", n.Kind.TOKENS, rows), Analysis(analyzer, field, n.Kind.TABLE, rows)


def _of_tokens(kept: Tokens, analyzer: TermsOf, field: str) -> Column:
    found, table = _terms(kept, analyzer, field)
    return Column(t.OfTokens(n.Lookup(kept.node(), found, has_oov=True), table))


def tokens_of(x: object) -> Tokens:
    """Tokens, else an error with the user's line."""
    from treadle.transform.functions._lists import Items

    if isinstance(x, Tokens):
        return x
    if isinstance(x, Items):
        return x.tokens()
    raise TransformError("Here tokens are needed.", where=user_line(), hint="Take tt.tokens(column) first.")


def checked_pattern(pattern: object) -> str:
    """A pattern that RE2 and Python both read, else an error with the user's line."""
    check_pattern(pattern)
    try:
        re.compile(cast(str, pattern), re.ASCII)
    except re.error as error:
        raise TransformError(f"{pattern!r} is no regular expression: {error}.", where=user_line()) from None
    return cast(str, pattern)
