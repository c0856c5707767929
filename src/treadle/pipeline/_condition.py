"""Conditions on values that only a run will know: what `treadle.when` takes, and how a runner decides it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from treadle.errors import PipelineError
from treadle.pipeline._ir import Constant, Given, Item, RunStatus, Wire

Operand: TypeAlias = "Wire | Item | RunStatus | Given | Constant | Condition"

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison, a value that is true or not, or conditions put together with ``&``, ``|`` and ``~``.

    Made by comparing outputs in a pipeline function: ``fit.value > 0.9``. It has no truth of its own until the pipeline
    runs, so Python's ``and``, ``or``, ``not`` and ``if`` are refused.
    """

    op: str
    """``==  !=  <  <=  >  >=``, ``is`` (true as it is), ``and``, ``or``, ``not``."""
    operands: tuple[Operand, ...]

    def __and__(self, other: object) -> Condition:
        return Condition("and", (self, as_condition(other)))

    def __or__(self, other: object) -> Condition:
        return Condition("or", (self, as_condition(other)))

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Condition:
        if self.op == "not":
            (inner,) = self.operands
            assert isinstance(inner, Condition)
            return inner
        if self.op in ("and", "or"):
            turned = tuple(~part for part in self.operands if isinstance(part, Condition))
            return Condition("or" if self.op == "and" else "and", turned)
        return Condition("not", (self,))

    def __bool__(self) -> NoReturn:
        raise PipelineError(
            f"Whether {self} is known only when the pipeline runs",
            hint="with treadle.when(condition): ...; put conditions together with &, | and ~ (in brackets)",
        )

    def __str__(self) -> str:
        texts = [_text(operand) for operand in self.operands]
        if self.op == "is":
            return texts[0]
        if self.op == "not":
            return f"not {texts[0]}"
        return f" {self.op} ".join(texts)

    def wires(self) -> Iterator[Wire]:
        """The outputs it looks at."""
        for operand in self.operands:
            if isinstance(operand, Condition):
                yield from operand.wires()
            elif isinstance(operand, Wire):
                yield operand

    def replace(self, change: Callable[[Any], Any]) -> Condition:
        """The same condition with its wires and constants changed."""
        return Condition(
            self.op,
            tuple(part.replace(change) if isinstance(part, Condition) else change(part) for part in self.operands),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"op": self.op, "of": [operand.to_json() for operand in self.operands]}

    def decide(self, read: Callable[[Wire], Any]) -> bool:
        """Whether it holds. What the answer does not depend on any more is not compared.

        Args:
            read: Gives the value behind a wire.

        Raises:
            PipelineError: When two values cannot be compared.
        """
        if self.op == "and":
            return all(part.decide(read) for part in self.operands if isinstance(part, Condition))
        if self.op == "or":
            return any(part.decide(read) for part in self.operands if isinstance(part, Condition))
        if self.op == "not":
            return not all(part.decide(read) for part in self.operands if isinstance(part, Condition))
        values = [read(part) if isinstance(part, Wire) else getattr(part, "value", None) for part in self.operands]
        if self.op == "is":
            return bool(values[0])
        try:
            return bool(_COMPARE[self.op](*values))
        except TypeError as error:
            raise PipelineError(
                f"{self} compares {values[0]!r} with {values[1]!r}", hint="compare numbers or texts"
            ) from error

    def told(self, read: Callable[[Wire], Any]) -> str:
        """The condition with what its values turned out to be, for a reader."""
        seen = {f"{wire}": read(wire) for wire in self.wires()}
        values = ", ".join(f"{name} is {value!r}" for name, value in seen.items())
        return f"{self} ({values})" if values else str(self)


def as_condition(value: object) -> Condition:
    """A condition from a condition, or from a constant.

    Raises:
        PipelineError: When it is neither.
    """
    if isinstance(value, Condition):
        return value
    made = getattr(value, "as_condition", None)
    if made is not None:
        condition: Condition = made()
        return condition
    if isinstance(value, bool | int | float | str) or value is None:
        return Condition("is", (Constant(bool(value)),))
    raise PipelineError(f"Not a condition: {value!r}", hint="compare an output: fit.value > 0.9")


def facts(condition: Condition) -> frozenset[Condition]:
    """What must hold for a condition to hold: its parts, when it is made of parts that must all hold."""
    return frozenset(conjuncts(condition))


def conjuncts(condition: Condition) -> list[Condition]:
    """The conditions that must all hold for a condition to hold, in the order in which they were written."""
    if condition.op == "and":
        return [fact for part in condition.operands if isinstance(part, Condition) for fact in conjuncts(part)]
    return [condition]


def contradiction(known: frozenset[Condition]) -> tuple[Condition, Condition] | None:
    """Two of these that cannot both hold, or None where none are seen at once."""
    for fact in sorted(known, key=str):
        for other in (~fact, _flipped(fact)):
            if other is not None and other in known:
                return fact, other
    return None


def _flipped(fact: Condition) -> Condition | None:
    return Condition(_OPPOSITE[fact.op], fact.operands) if fact.op in _OPPOSITE else None


def _text(operand: Operand) -> str:
    if isinstance(operand, Condition):
        return f"({operand})" if operand.op in ("and", "or") else str(operand)
    return repr(operand.value) if isinstance(operand, Constant) else str(operand)
