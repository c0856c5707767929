"""What every node's process does, gone through once by one that waits for its task.

After a fork, the first touch of a page of memory copies it; and a node touches hundreds that every node touches, of the
interpreter, the decorators and the store. Who has gone through the motions while another node was at work has its
copies when its own task comes. Nothing else comes of it: no file is written, and nothing of the user's imported.
"""

from __future__ import annotations

import contextlib
import json
import os
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from treadle import files
from treadle.artifact import Value, canonical_json, digest_tree
from treadle.runner._task import RESULT, read_json
from treadle.storage import open_artifacts

_SCRIPT = compile(
    """
from __future__ import annotations
import treadle

@treadle.component
def rehearsed(x: int) -> int:
    return x

@treadle.pipeline
def rehearsal(x: int = 0):
    rehearsed(x)
""",
    "<rehearsal>",
    "exec",
)


def rehearse(home: Path) -> None:
    """Go through the motions of a node.

    Args:
        home: The store's folder.
    """
    with contextlib.suppress(Exception):  # what is wrong is for the node to tell
        script = ModuleType("rehearsal")
        exec(_SCRIPT, vars(script))  # noqa: S102 - our own
        find_spec("treadle_rehearsal")  # there is none: every folder is looked through
        canonical_json(json.loads(json.dumps({"a": [1.0, "b", None, {"c": True}]})))
        read_json(home / RESULT)
        store = open_artifacts(home)
        digest = digest_tree(os.path.dirname(files.__file__))
        store.promise(digest, Value).path.exists()
