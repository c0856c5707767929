"""The graph's own nodes: frozen specifications of what is computed, and of what kind the result is.

A node says *what*; everything else (how it becomes ONNX, which columns it needs, how it is stored) is a visitor
in another file. Nodes compare by identity, so a graph with shared parts stays small; equal parts are found by
``simplify``. All nodes are row-local: a full pass over the data is an ``Analysis`` (in ``transform``), which has
become a constant before anything here is lowered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What a tensor of the graph holds, and how it says that a value is missing."""

    NUMBER = "number"
    """float64; missing is NaN."""
    KEY = "key"
    """int64; missing is ``MISSING_INT``."""
    TEXT = "text"
    """string; missing is ``MISSING_TEXT``."""
    BYTES = "bytes"
    """Bytes as they are, for an image; missing is ``None``. Only an input holds them, and no ONNX tensor does."""
    TIME = "time"
    """int64 microseconds of local time; missing is ``MISSING_INT``."""
    TRUTH = "truth"
    """bool; never missing."""
    TOKENS = "tokens"
    """A vocabulary: the second operand of a lookup, not a column."""
    BOUNDARIES = "boundaries"
    """Bucket boundaries: the second operand of a bucket, not a column."""
    TABLE = "table"
    """Rows of numbers, one an id: the second operand of a pick, not a column."""
    LIST = "list"
    """A raw feature of many values a row, before it is padded."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The values a key can take, consecutive from ``low``."""

    low: int
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Node:
    """The root of all nodes. Fields that are nodes, or tuples of nodes, are operands; the others are settings."""

    @property
    def kind(self) -> Kind:
        """What the result holds."""
        raise NotImplementedError

    @cached_property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is computed from, in field order."""
        return tuple(node for value in self._values() for node in _nodes_in(value))

    @property
    def settings(self) -> tuple[object, ...]:
        """The fields that are not nodes, in field order."""
        return tuple(value for value in self._values() if not _nodes_in(value))

    @property
    def known(self) -> Categories | None:
        """The values a key can take, where the type of the node says so."""
        return None

    @property
    def columns(self) -> int:
        """How many columns the result has."""
        return 1

    def rebuild(self, change: Callable[[Node], Node]) -> Node:
        """This node over changed operands; itself when nothing changed."""
        changes: dict[str, Node | tuple[Node, ...]] = {}
        for name in field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Node):
                if (changed := change(value)) is not value:
                    changes[name] = changed
            elif found := _nodes_in(value):
                all_changed = tuple(change(node) for node in found)
                if any(new is not old for new, old in zip(all_changed, found, strict=True)):
                    changes[name] = all_changed
        return replace(self, **changes) if changes else self

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in field_names(type(self)))


_FIELD_NAMES: dict[type[Node], tuple[str, ...]] = {}


def field_names(cls: type[Node]) -> tuple[str, ...]:
    """The fields of a node; asked for so often that finding them costs more than the passes themselves."""
    found = _FIELD_NAMES.get(cls)
    if found is None:
        found = _FIELD_NAMES[cls] = tuple(field.name for field in fields(cls))
    return found


def _nodes_in(value: object) -> tuple[Node, ...]:
    """The operands that a field holds: itself, or the nodes of a tuple."""
    if isinstance(value, Node):
        return (value,)
    return value if isinstance(value, tuple) and value and isinstance(value[0], Node) else ()


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A raw feature."""

    name: str
    type: str
    holds: Kind
    required: bool = True

    @property
    def kind(self) -> Kind:
        return self.holds


@dataclass(frozen=True, eq=False)
class Cut(Input):
    """In bulk, a column that was computed before the graph runs, and stands for a node."""

    found: Categories | None = None
    """The categories of the node."""
    wide: int = 1
    """How many columns it has."""

    @property
    def columns(self) -> int:
        return self.wide


@dataclass(frozen=True, eq=False)
class Number(Node):
    """A number that is the same for every row."""

    value: float
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Key(Node):
    """An integer that is the same for every row."""

    value: int
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class Text(Node):
    """A text that is the same for every row."""

    value: str
    kind = Kind.TEXT


@dataclass(frozen=True, eq=False)
class Tokens(Node):
    """A vocabulary: texts or integers, the position is the id."""

    values: tuple[str, ...] | tuple[int, ...]
    kind = Kind.TOKENS


@dataclass(frozen=True, eq=False)
class Boundaries(Node):
    """Bucket boundaries, ascending."""

    values: tuple[float, ...]
    kind = Kind.BOUNDARIES


@dataclass(frozen=True, eq=False)
class Table(Node):
    """A row of numbers for every id of a lookup, the last for what is not in the vocabulary."""

    rows: tuple[tuple[float, ...], ...]
    kind = Kind.TABLE


@dataclass(frozen=True, eq=False)
class Arithmetic(Node):
    """Two numbers into one; missing when either is."""

    op: str
    left: Node
    right: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Function(Node):
    """A number into a number; missing stays missing."""

    op: str
    x: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Comparison(Node):
    """Two values into a truth; as in numpy, a missing value equals nothing and is neither less nor greater."""

    op: str
    left: Node
    right: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class Logic(Node):
    """Two truths into one."""

    op: str
    left: Node
    right: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class Negation(Node):
    """The other truth."""

    x: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class IsMissing(Node):
    """Whether a value is missing."""

    x: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class FillMissing(Node):
    """The value, or another where it is missing."""

    x: Node
    value: Node

    @property
    def kind(self) -> Kind:
        return self.x.kind


@dataclass(frozen=True, eq=False)
class Choice(Node):
    """One of two values of the same kind, by a truth."""

    condition: Node
    then: Node
    otherwise: Node

    @property
    def kind(self) -> Kind:
        return self.then.kind


@dataclass(frozen=True, eq=False)
class ToNumber(Node):
    """An integer or a truth (0 or 1) as a number; missing stays missing."""

    x: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class ToKey(Node):
    """A number without its fraction; missing, infinite and beyond 64 bits become missing."""

    x: Node
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class TimePart(Node):
    """A part of a local time, as ``hour`` 0-23, ``weekday`` 0-6 from Monday, ``month`` 1-12; missing stays missing."""

    part: str
    x: Node
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class Seconds(Node):
    """The seconds from one time to another; missing when either is."""

    start: Node
    end: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Lookup(Node):
    """A value's id in a vocabulary; what is not in it has the id after the last (``has_oov``) or -1.

    A missing value is not in a vocabulary, unless ``missing`` (a constant) stands in for it.
    """

    x: Node
    tokens: Node
    has_oov: bool
    missing: Node | None = None
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class Bucket(Node):
    """The number of boundaries that are not above a number; missing stays missing."""

    x: Node
    boundaries: Node
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class Level(Node):
    """A bucket as a number, missing where the number is; what ``simplify`` makes of a bucket that is only that."""

    x: Node
    boundaries: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class OneHot(Node):
    """One truth per category of a key, true for its own; none where it is missing or of no category."""

    x: Node
    kind = Kind.TRUTH


@dataclass(frozen=True, eq=False)
class Pick(Node):
    """A number from the row of a table that a lookup (with ``has_oov``) names; the column is the same for all."""

    x: Node
    table: Node
    column: int
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class BucketByKey(Node):
    """The number of boundaries, from the table's row for a key, that are not above a number.

    A row is filled up with NaN where it has fewer. ``key`` is a lookup with ``has_oov``; what is not in its
    vocabulary has the bucket -1. A missing number stays missing.
    """

    x: Node
    key: Node
    table: Node
    kind = Kind.KEY


@dataclass(frozen=True, eq=False)
class Interpolation(Node):
    """The place of a number among boundaries: 0 below the first, 1 from the last on, linear between; missing is 0.5."""

    x: Node
    boundaries: Node
    kind = Kind.NUMBER


@dataclass(frozen=True, eq=False)
class Stack(Node):
    """Columns side by side, as an output; what is computed is its columns."""

    xs: tuple[Node, ...]
    kind = Kind.NUMBER

    @property
    def columns(self) -> int:
        return sum(map(width, self.xs))


CONSTANTS = (Number, Key, Text, Tokens, Boundaries, Table)
NODES: dict[str, type[Node]] = {
    cls.__name__: cls
    for cls in (
        *(Input, Number, Key, Text, Tokens, Boundaries, Table),
        *(Arithmetic, Function, Comparison, Logic, Negation, IsMissing, FillMissing, Choice),
        *(ToNumber, ToKey, TimePart, Seconds, Lookup, Bucket, OneHot),
        *(Pick, BucketByKey, Interpolation, Stack),
    )
}
"""The names under which nodes are stored."""


OOV_LABEL = "<oov>"
_PARTS = {
    "hour": range(24),
    "minute": range(60),
    "second": range(60),
    "weekday": range(7),
    "day": range(1, 32),
    "day_of_year": range(1, 367),
    "week": range(1, 54),
    "month": range(1, 13),
    "quarter": range(1, 5),
}


def categories(node: Node) -> Categories | None:
    """What values a key can take, ``None`` where that is not known; a vocabulary's once it is analyzed."""
    if isinstance(node, Cut):
        return node.found
    if isinstance(node, TimePart):
        values = _PARTS.get(node.part)
        return Categories(values[0], tuple(map(str, values))) if values else None
    if isinstance(node, Lookup):
        tokens = node.tokens.values if isinstance(node.tokens, Tokens) else ()
        return Categories(0, (*map(str, tokens), *([OOV_LABEL] if node.has_oov else [])))
    if isinstance(node, Bucket):
        count = len(node.boundaries.values) if isinstance(node.boundaries, Boundaries) else 0
        return Categories(0, tuple(map(str, range(count + 1))))
    if isinstance(node, BucketByKey):
        count = max(map(len, node.table.rows), default=0) if isinstance(node.table, Table) else 0
        return Categories(0, tuple(map(str, range(count + 1))))
    return node.known


def may_be_missing(node: Node) -> bool:
    """Whether a key can be missing; cheap to say no is worth a node or two per conversion."""
    return not isinstance(node, Lookup | FillMissing)


def width(node: Node) -> int:
    """How many columns a node's result has."""
    if isinstance(node, OneHot):
        found = categories(node.x)
        assert found is not None, "checked when it was traced"
        return len(found.labels)
    if isinstance(node, Lookup | ToNumber):  # of a sequence too
        return width(node.x)
    return node.columns
