"""The node of an image's pixels."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.graph._nodes import Kind, Node


@dataclass(frozen=True, eq=False)
class Pixels(Node):
    """Pixels of 0 to 255, the colours of each side by side, as ``(value / 255 - mean) / std``; missing stays missing.

    With ``colours_apart`` all pixels of one colour come first, then those of the next.
    """

    x: Node
    channels: int
    colours_apart: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind = Kind.NUMBER

    @property
    def columns(self) -> int:
        return self.x.columns
