"""Lowering of images."""

from __future__ import annotations

from typing import cast

import numpy as np

from treadle.graph._classes import Group
from treadle.graph._nodes import Node
from treadle.graph._nodes_images import Pixels
from treadle.graph.rules._operands import Operands, Rule


def _pixels(of: Operands, members: Group) -> list[str]:
    results = []
    for node, x in zip(members.members, of.separate("x"), strict=True):
        image = cast(Pixels, node)
        # [rows, pixels, colours], with the rows' number spelled out: a size of 0 rows leaves nothing to infer from
        rows = of.emit.node("Shape", x, start=0, end=1)
        pixels = of.emit.constant([image.columns // image.channels, image.channels], np.int64)
        apart = of.emit.node("Reshape", x, of.emit.node("Concat", rows, pixels, axis=0), allowzero=1)
        shares = of.emit.node("Div", apart, of.emit.constant(255.0, np.float64))
        centred = of.emit.node("Sub", shares, of.emit.constant(list(image.mean), np.float64))
        scaled = of.emit.node("Div", centred, of.emit.constant(list(image.std), np.float64))
        if image.colours_apart:
            scaled = of.emit.node("Transpose", scaled, perm=[0, 2, 1])
        flat = of.emit.node("Concat", rows, of.emit.constant([image.columns], np.int64), axis=0)
        results.append(of.emit.node("Reshape", scaled, flat, allowzero=1))
    return results


RULES_OF_IMAGES: dict[type[Node], Rule] = {Pixels: _pixels}
