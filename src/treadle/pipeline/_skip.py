"""How a component says that it has nothing to do."""

from __future__ import annotations


class Skip(BaseException):
    """Raise it in a component to end its node as skipped, with a reason; nodes that wait for it are skipped too."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
