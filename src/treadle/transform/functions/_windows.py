"""Windows and lags over rows of the past: of the same key, before this row.

A graph sees one row, so the rows of the past come with it, as a feature that is a list: ``amount@customer`` holds the
amounts of the customer's rows before this one, the oldest first. In bulk ``History`` makes these lists, online the
request brings them. What is computed of them is the same graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from treadle.errors import TransformError
from treadle.graph import MISSING_INT, MISSING_TEXT
from treadle.graph import list_nodes as lists
from treadle.graph import nodes as n
from treadle.transform._column import Column, describe
from treadle.transform._location import user_line
from treadle.transform.functions._lists import LARGEST, Items, tree
from treadle.transform.functions._numbers import where
from treadle.transform.functions._tokens import Tokens

_ORDERS = ("timestamp", "int", "float")


@dataclass(frozen=True, eq=False, repr=False)
class Window(Items):
    """The rows of the past that are in a window, the latest first; what they hold is as of any list."""

    ages: tuple[Column, ...] = ()
    """How many seconds each row is before this one, where that decides what is in the window."""
    seconds: float | None = None
    now: Column | None = None
    """The row itself, where it is in the window too."""

    def __repr__(self) -> str:
        return f"the window over {self.source.name!r}"

    def length(self) -> Column:
        """How many rows are in the window, whether or not they hold a value; missing where the key is."""
        rows = Column(lists.Padded(self.source, (*self.kept, ("count",)), n.Kind.KEY))
        if self.ages:
            inside = tree("add", [n.ToNumber(self._inside(age).node) for age in self.ages])
            rows = where(rows >= 0, inside, float("nan"))
        return rows if self.now is None else rows + 1

    def tokens(self) -> Tokens:
        """What the rows hold, as tokens; only of a window by rows that does not hold this row itself."""
        if self.ages or self.now is not None:
            raise TransformError(
                "Tokens are of the past rows as they come: take a window by rows, without current=True.",
                where=user_line(),
            )
        return super().tokens()

    def _inside(self, age: Column) -> Column:
        assert self.seconds is not None
        # A row that is not before this one is none of the past, whatever the request says.
        return (age > 0) & (age <= self.seconds)

    @cached_property
    def _parts(self) -> tuple[Column, ...]:
        whole = lists.Padded(self.source, (*self.kept, ("pad", self._width)), self.kind, self._width)
        parts = [Column(lists.Part(position, whole)) for position in range(self._width)]
        if self.ages:
            missing = Column(_missing(self.kind))
            parts = [
                Column(n.Choice(self._inside(age).node, part.node, missing.node))
                for part, age in zip(parts, self.ages, strict=True)
            ]
        return tuple(parts if self.now is None else [self.now, *parts])


def lag(x: Column, *, by: Column | Sequence[Column], order: Column, n: int = 1) -> Column:
    """What ``x`` was in the ``n``-th row before this one, of the same key; missing where there is none.

    Args:
        x: A feature.
        by: The key, one feature or several: rows with equal values are of one group. A row without a key has no past.
        order: When: a timestamp, or a number that grows. Rows at the same time are not before each other.
        n: How many rows back.
    """
    if type(n) is not int or not 1 <= n <= LARGEST:
        raise TransformError(f"n must be a whole number from 1 to {LARGEST}, not {n!r}.", where=user_line())
    return window(x, by=by, order=order, rows=n)[n - 1]


def window(
    x: Column,
    *,
    by: Column | Sequence[Column],
    order: Column,
    rows: int | None = None,
    seconds: float | None = None,
    size: int | None = None,
    current: bool = False,
) -> Window:
    """The values of ``x`` in rows of the past with the same key: the last so many rows, or those of so many seconds.

    Take ``.mean()``, ``.sum()``, ``.min()``, ``.max()``, ``.std_dev()``, ``.count()``, ``.length()``, or
    ``[0]`` (the latest) of it.

    Args:
        x: A feature.
        by: The key; as of :func:`lag`.
        order: When; as of :func:`lag`. A timestamp, where the window is in seconds.
        rows: Of how many rows before this one.
        seconds: Or of how long: the rows later than ``seconds`` before this one, that moment included.
        size: In a window of seconds, how many rows at most: of more the latest are taken.
        current: Whether this row is in the window too.
    """
    if (rows is None) == (seconds is None):
        raise TransformError("A window is of so many rows or of so many seconds.", where=user_line())
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
        raise TransformError(f"seconds must be above 0, not {seconds!r}.", where=user_line())
    if rows is not None and size is not None:
        raise TransformError("size is for a window of seconds.", where=user_line())
    if seconds is not None and size is None:
        raise TransformError(
            "How many rows a window of seconds holds at most is not known.",
            where=user_line(),
            hint="Say it: size=32. Of more rows the latest are taken, in training as in serving.",
        )
    largest = rows if rows is not None else size
    if type(largest) is not int or not 1 <= largest <= LARGEST:
        raise TransformError(f"A window has 1 to {LARGEST} rows, not {largest!r}.", where=user_line())
    when = _feature(order, "order")
    if when.type not in (_ORDERS if seconds is None else _ORDERS[:1]):
        wanted = "a timestamp" if seconds is not None else "a timestamp or a number"
        raise TransformError(f"order must be {wanted}, and {when.name!r} is {when.type}.", where=user_line())
    keys = tuple(_feature(key, "by").name for key in (by if isinstance(by, Sequence) else [by]))
    if not keys:
        raise TransformError("A window needs a key.", where=user_line())
    kept = (("latest", largest),)
    ages: tuple[Column, ...] = ()
    if seconds is not None:
        times = Window(_past(when, keys, when.name), largest, kept)
        ages = tuple(order - time for time in times)
    now = x if current else None
    return Window(_past(_feature(x, "x"), keys, when.name), largest, kept, ages, seconds, now)


def _past(of: n.Input, by: tuple[str, ...], order: str) -> lists.Past:
    return lists.Past(f"{of.name}@{'+'.join(by)}", of.type, n.Kind.LIST, True, of.name, by, order)


def _feature(x: object, what: str) -> n.Input:
    if isinstance(x, Column) and isinstance(x.node, n.Input):
        return x.node
    raise TransformError(
        f"{what} must be a feature as it is, and this is {describe(x)}.",
        where=user_line(),
        hint="Compute with what comes out of the window: a row of the past holds features.",
    )


def _missing(kind: n.Kind) -> n.Node:
    if kind == n.Kind.NUMBER:
        return n.Number(float("nan"))
    return n.Text(MISSING_TEXT) if kind == n.Kind.TEXT else n.Key(MISSING_INT)
