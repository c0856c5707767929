"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def key(name: str) -> str:
    """A key, in quotes where it must be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else value(name)


def inline(table: Mapping[str, Any]) -> str:
    """A table on one line."""
    return "{ " + ", ".join(f"{key(name)} = {value(item)}" for name, item in table.items()) + " }"


def value(item: object) -> str:
    """A value; floats by their shortest digits."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        # a JSON string is a TOML string, but for DEL, which TOML wants escaped
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(item, datetime):
        return item.isoformat()
    if isinstance(item, tuple):
        return "[" + ", ".join(value(part) for part in item) + "]"
    return repr(item)
