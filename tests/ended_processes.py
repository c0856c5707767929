"""Whether a process that a test knows by its number is still there."""

from __future__ import annotations

import time
from pathlib import Path


def lives(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(process: int) -> bool:
    """Whether it ends within 20 seconds."""
    deadline = time.monotonic() + 20
    while lives(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
