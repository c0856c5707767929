"""The user's own line: where in their file an error of authoring was made."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType

_HERE = os.path.dirname(__file__) + os.sep


def user_line() -> dict[str, object]:
    """``{"line": "pipeline.py:12", "code": "..."}`` of the nearest caller outside this room."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    if frame is None:
        return {}
    file, line = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(file, line).strip()
    return {"line": f"{file}:{line}", "code": code or None}
