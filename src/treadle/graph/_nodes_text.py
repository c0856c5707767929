"""Nodes about text, hashes, crosses and circles; the others are in ``_nodes``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import cast

from treadle.graph._nodes import Categories, Input, Kind, Lookup, Node, Tokens, ToNumber, categories, width
from treadle.graph._nodes_images import Pixels
from treadle.graph._nodes_lists import Padded

MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The constants of splitmix64, with which integers are mixed."""


@dataclass(frozen=True, eq=False)
class AsciiCase(Node):
    """Text with its ASCII letters lower or upper; all other characters, and missing, stay as they are."""

    upper: bool
    x: Node
    kind = Kind.TEXT


@dataclass(frozen=True, eq=False)
class Match(Node):
    """Whether a regular expression (RE2) matches the whole text; a missing text matches nothing."""

    pattern: str
    x: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class Joined(Node):
    """Two texts behind each other; missing when either is."""

    left: Node
    right: Node
    kind = Kind.TEXT


@dataclass(frozen=True, eq=False)
class MixedKey(Node):
    """An integer hashed by splitmix64 to 63 bits, 0 or more; missing stays missing."""

    seed: int
    x: Node
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class HashBucket(Node):
    """A hash's remainder: 0 to ``count - 1``; missing stays missing."""

    count: int
    x: Node
    kind = Kind.KEY

    @property
    def known(self) -> Categories:
        return Categories(0, tuple(map(str, range(self.count))))


@dataclass(frozen=True, eq=False)
class UnknownBucket(Node):
    """An id, or where it is -1 (not in the vocabulary) one of ``count`` ids behind the last, by a hash.

    A missing value has the first of them.
    """

    count: int
    id: Node
    hash: Node
    tokens: Node
    kind = Kind.KEY

    @property
    def known(self) -> Categories:
        tokens = self.tokens.values if isinstance(self.tokens, Tokens) else ()
        return Categories(0, (*map(str, tokens), *(f"<oov_{i}>" for i in range(self.count))))


@dataclass(frozen=True, eq=False)
class Cross(Node):
    """Two categories as one: ``left * (number of right) + right``; missing where either is of no category."""

    left: Node
    right: Node
    kind = Kind.KEY

    @property
    def known(self) -> Categories:
        left, right = categories(self.left), categories(self.right)
        assert left is not None, "checked when it was traced"
        assert right is not None, "checked when it was traced"
        return Categories(0, tuple(f"{a}&{b}" for a, b in product(left.labels, right.labels)))


@dataclass(frozen=True, eq=False)
class Sine(Node):
    """The sine of a number in turns (1 is once around); missing stays missing, infinite becomes it."""

    x: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Prepared(Node):
    """What is made of raw text features before the graph runs: a hash, a count, a part, or tokens side by side.

    Tokens are ``size`` columns, missing behind the last.
    """

    x: Node
    steps: tuple[object, ...]
    holds: Kind
    size: int = 1
    also: tuple[Node, ...] = ()
    """Further features, where it is made of several."""

    @property
    def kind(self) -> Kind:
        return self.holds

    @property
    def columns(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False)
class PreparedInput(Input):
    """A prepared node where it enters a model."""

    size: int = 1
    padded: bool = False
    """Whether it is the tokens of a row, missing behind the last."""

    @property
    def columns(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False)
class Bag(Node):
    """How often each category is among the keys of a sequence: a column each."""

    x: Node
    kind = Kind.NUMBER

    @property
    def known(self) -> Categories:
        found = categories(self.x)
        assert found is not None, "checked when it was traced"
        return found

    @property
    def columns(self) -> int:
        return len(self.known.labels)


@dataclass(frozen=True, eq=False)
class Present(Node):
    """Of each column of a bag, whether it is above 0."""

    x: Node
    kind = Kind.TRUTH

    @property
    def known(self) -> Categories | None:
        return categories(self.x)

    @property
    def columns(self) -> int:
        return width(self.x)


@dataclass(frozen=True, eq=False)
class Weighted(Node):
    """Each column of a bag over the number of tokens, times a weight; 0 where there are no tokens."""

    x: Node
    count: Node
    weights: Node
    kind = Kind.NUMBER

    @property
    def known(self) -> Categories | None:
        return categories(self.x)

    @property
    def columns(self) -> int:
        return width(self.x)


@dataclass(frozen=True, eq=False)
class There(Node):
    """Of each place of a sequence, whether there is a token."""

    x: Node
    kind = Kind.TRUTH

    @property
    def columns(self) -> int:
        return width(self.x)


@dataclass(frozen=True, eq=False)
class TokenBucket(Node):
    """Of each token its id, or one of ``count`` ids behind the last by its hash where it has none; -1 for no token."""

    count: int
    id: Node
    hash: Node
    tokens: Node
    kind = Kind.KEY

    @property
    def known(self) -> Categories:
        tokens = self.tokens.values if isinstance(self.tokens, Tokens) else ()
        return Categories(0, (*map(str, tokens), *(f"<oov_{i}>" for i in range(self.count))))

    @property
    def columns(self) -> int:
        return width(self.id)


@dataclass(frozen=True, eq=False)
class OfTokens(Node):
    """Of each token a number from the row of a table that its id names; missing behind the last token."""

    x: Node
    """A lookup with ``has_oov``: the table's last row is for what is not in the vocabulary."""
    table: Node
    kind = Kind.NUMBER

    @property
    def columns(self) -> int:
        return width(self.x)


@dataclass(frozen=True, eq=False)
class OutOfFold(Node):
    """A number from the row of a table that a lookup names: the first; the others are of all rows but a fold's."""

    x: Node
    table: Node
    folds: int
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class FoldPick(Node):
    """Of the row of a table that a lookup names, the number behind the first that is for a fold."""

    x: Node
    table: Node
    fold: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Within(Node):
    """An id from 0 to ``count - 1``; ``count`` for every other, the missing one too."""

    count: int
    x: Node
    kind = Kind.KEY


def is_sequence(node: Node) -> bool:
    """Whether a node is several columns: tokens, their ids, and what is counted of them."""
    while isinstance(node, Lookup | ToNumber):
        node = node.x
    return isinstance(node, Bag | Present | Weighted | There | TokenBucket | OfTokens | Pixels) or is_padded(node)


def is_padded(node: Node) -> bool:
    """Whether a node is the tokens or items of a row, or a hash of each, side by side."""
    if isinstance(node, Padded):
        return node.is_sequence
    return isinstance(node, Prepared) and cast("tuple[object, ...]", node.steps[-1])[0] in ("pad", "hash_each")


TEXT_NODES: dict[str, type[Node]] = {
    cls.__name__: cls
    for cls in (
        *(AsciiCase, Match, Joined, MixedKey, HashBucket, UnknownBucket, Cross, Sine),
        *(Prepared, Bag, Present, Weighted, There, TokenBucket, OfTokens, OutOfFold, FoldPick, Within, Pixels),
    )
}
"""The names under which nodes are stored."""
