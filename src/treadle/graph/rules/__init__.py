"""One lowering rule per node type: a class of like nodes into ONNX."""

from __future__ import annotations

from treadle.graph._nodes import Node
from treadle.graph.rules._bodies import RULES_OF_BODIES
from treadle.graph.rules._buckets import RULES_OF_BUCKETS
from treadle.graph.rules._categories import RULES_OF_CATEGORIES
from treadle.graph.rules._circle import RULES_OF_CIRCLES
from treadle.graph.rules._images import RULES_OF_IMAGES
from treadle.graph.rules._numbers import RULES_OF_NUMBERS
from treadle.graph.rules._operands import Operands, Rule
from treadle.graph.rules._sequences import RULES_OF_SEQUENCES
from treadle.graph.rules._tables import RULES_OF_TABLES
from treadle.graph.rules._text import RULES_OF_TEXT

__all__ = ["RULES", "Operands", "Rule"]

RULES: dict[type[Node], Rule] = {
    **RULES_OF_BODIES,
    **RULES_OF_BUCKETS,
    **RULES_OF_CATEGORIES,
    **RULES_OF_CIRCLES,
    **RULES_OF_IMAGES,
    **RULES_OF_NUMBERS,
    **RULES_OF_SEQUENCES,
    **RULES_OF_TABLES,
    **RULES_OF_TEXT,
}
"""The rule of each node type."""
