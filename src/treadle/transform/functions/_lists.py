"""Features that are lists: items padded to a fixed width where they enter the graph, and what is made of them.

Nothing here needs an operation of its own: an item is a column, and a sum over items is a tree of additions, the same
for one row as for many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn

from treadle.errors import TransformError
from treadle.graph import list_nodes as lists
from treadle.graph import nodes as n
from treadle.transform._column import Column, arithmetic
from treadle.transform._location import user_line
from treadle.transform.functions._numbers import fill_missing, is_missing, sqrt, where
from treadle.transform.functions._tokens import Tokens
from treadle.transform.functions._vectors import Vector

LARGEST = 4096
_KEPT = ("first", "last")


@dataclass(frozen=True, eq=False)
class Items:
    """A feature that is a list, row by row. Not a column yet: take an item, ``mean()``, ``tt.multi_hot(...)``.

    The graph sees the first ``size`` items of a row (or the last, see :func:`items`); an item that is not there is
    missing. What is computed over items leaves out the missing ones.
    """

    source: n.Input
    size: int | None
    kept: tuple[tuple[object, ...], ...] = ()
    """The steps that choose the items."""

    def __repr__(self) -> str:
        return f"the list {self.source.name!r}"

    def _compute(self, *_: object) -> NoReturn:
        raise TransformError(
            f"Here a column is needed, and this is {self!r}.",
            where=user_line(),
            hint="Compute with its items: tt.vector(*(item + 1 for item in x)), or with x.mean(), x[0].",
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _compute
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = _compute

    def __bool__(self) -> NoReturn:
        raise TransformError("A list has no values while preprocess is traced.", where=user_line())

    def __getitem__(self, position: int) -> Column:
        """The item at a position: of text, a number, an integer or a time; missing behind the last."""
        if type(position) is not int or not 0 <= position < len(self._parts):
            raise TransformError(
                f"There is no item {position!r} among {len(self._parts)}.",
                where=user_line(),
                hint="Positions count from 0; tt.items(x, size=...) says how many items the graph takes.",
            )
        return self._parts[position]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def vector(self) -> Vector:
        """The items of a list of numbers side by side, for arithmetic on each and scaling over all."""
        if self.kind not in (n.Kind.NUMBER, n.Kind.KEY):
            raise TransformError(
                f"Here numbers are needed, and {self!r} is of {self.source.type}.",
                where=user_line(),
                hint="Of a list of text take tt.multi_hot, tt.bag_of_words or tt.token_ids.",
            )
        return Vector(self._parts)

    def tokens(self) -> Tokens:
        """The items of a list of text or integers as tokens; a missing item is none."""
        if self.kind not in (n.Kind.TEXT, n.Kind.KEY):
            raise TransformError(
                f"Tokens are text or integers, and {self!r} is of {self.source.type}.", where=user_line()
            )
        return ItemTokens((), (*self.kept, ("present",)), self._width, source=self.source, holds=self.kind)

    def length(self) -> Column:
        """How many items there are, beyond ``size`` too; of a missing list missing."""
        return Column(lists.Padded(self.source, (("count",),), n.Kind.KEY))

    def count(self) -> Column:
        """How many of the items the graph sees are there; of a missing list 0."""
        return tree("add", [n.ToNumber(node) for node in self._there])

    def sum(self) -> Column:
        """The sum of the items that are there; of none 0, of a missing list missing."""
        total = tree("add", [fill_missing(column, 0.0).node for column in self.vector()])
        return where(is_missing(self.length()), float("nan"), total)

    def mean(self) -> Column:
        """The mean of the items that are there; of none missing."""
        return tree("add", [fill_missing(column, 0.0).node for column in self.vector()]) / self.count()

    def std_dev(self) -> Column:
        """The standard deviation (of the population) of the items that are there; of none missing."""
        mean = self.mean()
        squares = [fill_missing((column - mean) * (column - mean), 0.0).node for column in self.vector()]
        return sqrt(tree("add", squares) / self.count())

    def min(self) -> Column:
        """The least of the items that are there; of none missing."""
        return self._extreme("minimum", float("inf"))

    def max(self) -> Column:
        """The largest of the items that are there; of none missing."""
        return self._extreme("maximum", float("-inf"))

    def contains(self, value: float | str) -> Column:
        """Whether one of the items that the graph sees is ``value``."""
        wanted = {n.Kind.TEXT: str, n.Kind.KEY: int}.get(self.kind, float)
        fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not fits or isinstance(value, bool) or self.kind == n.Kind.TIME:
            raise TransformError(f"{value!r} cannot be among items of type {self.source.type}.", where=user_line())
        constant: n.Node = n.Text(value) if isinstance(value, str) else n.Number(float(value))
        if self.kind == n.Kind.KEY:
            constant = n.Key(int(value))
        return _any([n.Comparison("equal", part.node, constant) for part in self._parts])

    @property
    def kind(self) -> n.Kind:
        """What an item is."""
        return lists.kind_of_items(self.source.type)

    def _extreme(self, op: str, least: float) -> Column:
        found = tree(op, [fill_missing(column, least).node for column in self.vector()])
        return where(self.count() > 0, found, float("nan"))

    @cached_property
    def _parts(self) -> tuple[Column, ...]:
        whole = lists.Padded(self.source, (*self.kept, ("pad", self._width)), self.kind, self._width)
        return tuple(Column(lists.Part(position, whole)) for position in range(self._width))

    @cached_property
    def _there(self) -> list[n.Node]:
        return [n.Negation(n.IsMissing(part.node)) for part in self._parts]

    @property
    def _width(self) -> int:
        if self.size is None:
            raise TransformError(
                f"How many items of {self!r} the graph takes is not known.",
                where=user_line(),
                hint=f"Say it: tt.items(x[{self.source.name!r}], size=16), or max_items in the schema.",
            )
        return self.size


@dataclass(frozen=True)
class ItemTokens(Tokens):
    """The items of a list as tokens."""

    source: n.Input | None = None
    holds: n.Kind = n.Kind.TEXT

    def node(self) -> n.Node:
        """The items as they enter the graph: ``size`` columns."""
        assert self.source is not None
        return lists.Padded(self.source, (*self.steps, ("pad", self.size)), self.holds, self.size)

    def count(self) -> n.Node:
        """How many there are."""
        assert self.source is not None
        return lists.Padded(self.source, (*self.steps, ("count",)), n.Kind.KEY)


def items(x: Items, *, size: int, keep: str = "first") -> Items:
    """The list with so many items, where the schema does not say how many there can be, or fewer are wanted.

    Args:
        x: A feature that is a list.
        size: How many items the graph takes; what is beyond is not seen.
        keep: Which of more: the ``first`` or the ``last``; their order stays.
    """
    if not isinstance(x, Items):
        raise TransformError("Here a feature that is a list is needed.", where=user_line())
    if type(size) is not int or not 1 <= size <= LARGEST:
        raise TransformError(f"size must be a whole number from 1 to {LARGEST}, not {size!r}.", where=user_line())
    if keep not in _KEPT:
        raise TransformError(f"keep is 'first' or 'last', not {keep!r}.", where=user_line())
    return replace(x, size=size, kept=(*x.kept, (keep, size)))


def of_schema(source: n.Input, largest: int | None) -> Items:
    """A feature as the schema has it."""
    return Items(source, largest if largest is not None and 1 <= largest <= LARGEST else None)


def tree(op: str, nodes: Sequence[n.Node]) -> Column:
    """Pairs, pairs of pairs and so on: as deep as the logarithm, and always in the same order."""
    level = [Column(node) for node in nodes]
    while len(level) > 1:
        level = _halved(level, lambda left, right: arithmetic(op, left, right))
    return level[0]


def _any(nodes: Sequence[n.Node]) -> Column:
    level = [Column(node) for node in nodes]
    while len(level) > 1:
        level = _halved(level, lambda left, right: left | right)
    return level[0]


def _halved(level: list[Column], join: Callable[[Column, Column], Column]) -> list[Column]:
    half = (len(level) + 1) // 2
    joined = [join(left, right) for left, right in zip(level[:half], level[half:], strict=False)]
    return [*joined, *level[len(joined) : half]]
