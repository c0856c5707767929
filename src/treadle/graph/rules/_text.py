"""Lowering of text. What a rule may count on is in ``_numbers``."""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import Kind, Node
from treadle.graph._nodes_text import AsciiCase, Joined, Match
from treadle.graph.rules._numbers import is_missing
from treadle.graph.rules._operands import Operands, Rule
from treadle.graph.values._python import MISSING_TEXT


def _ascii_case(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    # The runtime takes [C] with C above 0 only; in the locale C it changes ASCII letters and nothing else.
    flat = of.emit.node("Reshape", x, of.emit.constant([-1], np.int64))
    padded = of.emit.node("Concat", flat, of.emit.constant(["-"], object), axis=0)
    action = "UPPER" if cast(AsciiCase, members.first).upper else "LOWER"
    changed = of.emit.node("StringNormalizer", padded, case_change_action=action, locale="C", is_case_sensitive=1)
    ends = [of.emit.constant([value], np.int64) for value in (0, -1)]
    return of.emit.node("Reshape", of.emit.node("Slice", changed, *ends), of.emit.node("Shape", x))


def _match(of: Operands, members: Group) -> str:
    x = of.matrix("x")
    found = of.emit.node("RegexFullMatch", x, pattern=cast(Match, members.first).pattern)
    return of.emit.node("And", found, of.emit.node("Not", is_missing(of, x, Kind.TEXT)))


def _joined(of: Operands, members: Group) -> str:  # noqa: ARG001 - a rule's shape
    left, right = of.matrix("left"), of.matrix("right")
    missing = of.emit.node("Or", is_missing(of, left, Kind.TEXT), is_missing(of, right, Kind.TEXT))
    mark = of.emit.constant([[MISSING_TEXT]], object)
    return of.emit.node("Where", missing, mark, of.emit.node("StringConcat", left, right))


RULES_OF_TEXT: dict[type[Node], Rule] = {
    AsciiCase: _ascii_case,
    Match: _match,
    Joined: _joined,
}
