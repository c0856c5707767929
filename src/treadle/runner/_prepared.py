"""A child that imports what its node is going to import, before the node's inputs are there.

Heavy libraries take longer to import than many a node works, and importing them needs no input: while one node works,
the process of the next one gets ready on another core.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from treadle.runner._child import begin
from treadle.runner._reads import ReadTracer
from treadle.runner._rehearsal import rehearse

LATER = (
    "treadle.components",
    "treadle.schema",
    "treadle.ingest",
    "treadle.engine",
    "treadle.frameworks",
    "treadle.registry",
    "importlib.metadata",
    "concurrent.futures.thread",
    "ctypes",
    "pydoc",
    "ssl",
)
"""Pure Python (and the standard library) for nodes that import anything: the template imports it for all of them."""


def import_early(imports: Iterable[tuple[str, str]]) -> None:
    """Import modules, and names from them. What cannot be imported now is for the node to tell."""
    for module, name in imports:
        with contextlib.suppress(BaseException):
            __import__(module, fromlist=[name] if name else [])


def wait_for_task(message: Mapping[str, Any], pipe: int) -> tuple[dict[str, Any], ReadTracer]:
    """Import, then wait for the task of the node; ends the process if there will be none."""
    tracer = begin(message["place"])
    import_early(message["imports"])
    with os.fdopen(pipe, "rb") as stream:
        if not select.select([stream], [], [], 0)[0]:
            rehearse(Path(message["place"]["home"]))
        line = stream.readline()
    if not line:
        os._exit(0)
    return json.loads(line), tracer
