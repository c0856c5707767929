"""Say in one sentence what the system lacks, before a traceback does."""

from __future__ import annotations

import ctypes.util
import sys


def main() -> int:
    """Check for what pip cannot install; return 2 when something is missing."""
    if sys.platform.startswith("linux") and ctypes.util.find_library("gomp") is None:
        print(
            "LightGBM needs the system's OpenMP library, libgomp1: "
            "`apt-get install libgomp1` (Debian, Ubuntu) or `dnf install libgomp` (Fedora, RHEL) gets it.",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
