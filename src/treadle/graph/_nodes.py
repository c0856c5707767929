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


class Kind(StrEnum):
    """What a tensor of the graph holds, and how it says that a value is missing."""

    NUMBER = "number"
    """float64; missing is NaN."""
    KEY = "key"
    """int64; missing is ``MISSING_INT``."""
    TEXT = "text"
    """string; missing is ``MISSING_TEXT``."""
    TIME = "time"
    """int64 microseconds of local time; missing is ``MISSING_INT``."""
    TRUTH = "truth"
    """bool; never missing."""
    TOKENS = "tokens"
    """A vocabulary: the second operand of a lookup, not a column."""
    BOUNDARIES = "boundaries"
    """Bucket boundaries: the second operand of a bucket, not a column."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The values a key can take, consecutive from ``low``."""

    low: int
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Node:
    """The root of all nodes. Fields that are nodes are operands, the others are settings."""

    @property
    def kind(self) -> Kind:
        """What the result holds."""
        raise NotImplementedError

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is computed from, in field order."""
        return tuple(value for value in self._values() if isinstance(value, Node))

    @property
    def settings(self) -> tuple[object, ...]:
        """The fields that are not nodes, in field order."""
        return tuple(value for value in self._values() if not isinstance(value, Node))

    def rebuild(self, change: Callable[[Node], Node]) -> Node:
        """This node over changed operands; itself when nothing changed."""
        changes: dict[str, Node] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Node) and (changed := change(value)) is not value:
                changes[field.name] = changed
        return replace(self, **changes) if changes else self

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


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
    """A part of a local time: ``hour`` 0-23, ``weekday`` 0-6 from Monday, ``month`` 1-12; missing stays missing."""

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
class OneHot(Node):
    """One truth per category of a key, true for its own; none where it is missing or of no category."""

    x: Node
    kind = Kind.TRUTH


COLUMN_KINDS = frozenset({Kind.NUMBER, Kind.KEY, Kind.TEXT, Kind.TIME, Kind.TRUTH})
CONSTANTS = (Number, Key, Text, Tokens, Boundaries)
NODES: dict[str, type[Node]] = {
    cls.__name__: cls
    for cls in (
        *(Input, Number, Key, Text, Tokens, Boundaries),
        *(Arithmetic, Function, Comparison, Logic, Negation, IsMissing, FillMissing, Choice),
        *(ToNumber, ToKey, TimePart, Seconds, Lookup, Bucket, OneHot),
    )
}
"""The names under which nodes are stored."""


OOV_LABEL = "<oov>"
_PARTS = {"hour": range(24), "weekday": range(7), "month": range(1, 13)}


def categories(node: Node) -> Categories | None:
    """What values a key can take, ``None`` where that is not known; a vocabulary's once it is analyzed."""
    if isinstance(node, Cut):
        return node.found
    if isinstance(node, TimePart):
        values = _PARTS[node.part]
        return Categories(values[0], tuple(map(str, values)))
    if isinstance(node, Lookup):
        tokens = node.tokens.values if isinstance(node.tokens, Tokens) else ()
        return Categories(0, (*map(str, tokens), *([OOV_LABEL] if node.has_oov else [])))
    if isinstance(node, Bucket):
        count = len(node.boundaries.values) if isinstance(node.boundaries, Boundaries) else 0
        return Categories(0, tuple(map(str, range(count + 1))))
    return None


def may_be_missing(node: Node) -> bool:
    """Whether a key can be missing; cheap to say no is worth a node or two per conversion."""
    return not isinstance(node, Lookup | FillMissing)


def width(node: Node) -> int:
    """How many columns a node's result has."""
    if isinstance(node, OneHot):
        found = categories(node.x)
        assert found is not None, "checked when it was traced"
        return len(found.labels)
    return 1
