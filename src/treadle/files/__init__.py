"""Files that are whole or not there: written beside their place, synced, and moved into it in one step.

Who reads a file while it is replaced, or after the writer was killed or the machine lost its power, finds the old bytes
or the new ones, never a mixture or a part. A writer that was killed leaves its unfinished file beside, under a name
that begins with a dot.
"""

from __future__ import annotations

from treadle.files._sync import sync, sync_tree
from treadle.files._whole import whole_file, write_bytes, write_text

__all__ = ["sync", "sync_tree", "whole_file", "write_bytes", "write_text"]
