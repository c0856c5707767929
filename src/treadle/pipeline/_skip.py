"""How a component says that it has nothing to do, or that somebody has to decide first."""

from __future__ import annotations


class Skip(BaseException):
    """Raise it in a component to end its node as skipped, with a reason; nodes that wait for it are skipped too."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Wait(BaseException):
    """Raise it in a component to end its process and leave its node, and the run, waiting for what the reason says.

    The next run, or the run that is resumed, asks the component again; let it be one with ``cache=False``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
