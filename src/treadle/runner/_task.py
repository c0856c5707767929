"""One node's work as plain data: what the driver writes and the node's process reads.

A task is a folder in staging: ``request.json`` (from the driver), ``<name>/`` for each output (made by the process,
gone once published) and ``result.json`` (its last word). An output's name is an identifier, so every file that is put
here has a dot in its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treadle.files import write_text

REQUEST = "request.json"
RESULT = "result.json"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file that is whole or absent."""
    write_text(path, json.dumps(value), durable=False)


def read_json(path: Path) -> Any:
    """The JSON in a file, or None when it is not there."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
