"""What do we do about a changed world? A declared policy decides, the pipeline runs, gates judge, an alias moves.

Time is event time and comes in as an argument, so months of history can be replayed in seconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.loop._policy import Decision, Observation, RetrainPolicy

if TYPE_CHECKING:
    from treadle.loop._loop import Loop
    from treadle.loop._replay import Replay, Sent
    from treadle.loop._turns import Turn, TurnStore

__all__ = ["Decision", "Loop", "Observation", "Replay", "RetrainPolicy", "Sent", "Turn", "TurnStore"]

# A pipeline file declares its policy; only what runs the loop needs the rest of the factory.
_LATER = {"Loop": "_loop", "Replay": "_replay", "Sent": "_replay", "Turn": "_turns", "TurnStore": "_turns"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
