"""What differs between two fingerprints, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SHOWN = 3
_READABLE = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One named part that is different."""

    part: str
    before: str | None
    """None: it was not there."""
    after: str | None
    """None: it is gone."""

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.part} is new"
        if self.after is None:
            return f"{self.part} is gone"
        return f"{self.part} changed" + (f": {self.before} -> {self.after}" if self.is_readable else "")

    @property
    def is_readable(self) -> bool:
        """Whether both sides are values that say something to a reader, not digests."""
        before, after = self.before or "", self.after or ""
        return len(before + after) <= _READABLE and not before.startswith("sha256:") and not after.startswith("sha256:")

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"part": self.part, "before": self.before, "after": self.after}


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The parts that differ, those that changed before those that came or went, each by name."""
    found = [
        Change(part, before.get(part), after.get(part))
        for part in sorted({*before, *after})
        if before.get(part) != after.get(part)
    ]
    return sorted(found, key=lambda change: change.before is None or change.after is None)


def describe_changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """One line for people."""
    found = changes(before, after)
    if not found:
        return "an earlier run of the same fingerprint did not succeed or cannot be used"
    shown = "; ".join(str(change) for change in found[:_SHOWN])
    return shown if len(found) <= _SHOWN else f"{shown}; and {len(found) - _SHOWN} more"
