"""Arrow without pandas: what a command saves where pandas happens to be installed."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

COMMANDS = frozenset({"coverage", "drift", "schema", "skew", "source", "stats", "validate"})
"""Commands that read data and run nobody's functions."""


def without_pandas() -> None:
    """Keep pyarrow from importing pandas, which it does once, at the first array made of Python values.

    It takes 0.4 to 0.6 s, more than the rest of a command, and only serves to recognise pandas' own objects. Whoever
    imports pandas afterwards still gets it. For a whole process: only the program itself may call this.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not asked for here", name=fullname)
