"""Who made what from what: runs, executions, artifacts and the edges between them.

`open_metadata` and `open_database` find the databases of a store, in its folder or in PostgreSQL; `Database` is the
careful way to keep rows in a file, shared with other rooms that own a file of their own;
`MetadataStore` is the lineage of pipeline runs; `Lineage` asks it where something came from and where it went;
`collect` takes out of a store what nothing needs any more.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.metadata._answers import Making, Related, SpanRange
from treadle.metadata._database import Database, Transaction
from treadle.metadata._lineage import Lineage
from treadle.metadata._place import has_database, has_metadata, open_database, open_metadata
from treadle.metadata._records import ArtifactRecord, Attempt, ExecutionRecord, ExecutionState, RunRecord, RunState
from treadle.metadata._retention import Kept, Retention
from treadle.metadata._store import MetadataStore

if TYPE_CHECKING:
    from treadle.metadata._archive import Transfer, export_run, import_run
    from treadle.metadata._collect import Collection, Pins, collect, pins_of, plan_collection
    from treadle.metadata._openlineage import openlineage_events, post_event

__all__ = [
    "ArtifactRecord",
    "Attempt",
    "Collection",
    "Database",
    "ExecutionRecord",
    "ExecutionState",
    "Kept",
    "Lineage",
    "Making",
    "MetadataStore",
    "Pins",
    "Related",
    "Retention",
    "RunRecord",
    "RunState",
    "SpanRange",
    "Transaction",
    "Transfer",
    "collect",
    "export_run",
    "has_database",
    "has_metadata",
    "import_run",
    "open_database",
    "open_metadata",
    "openlineage_events",
    "pins_of",
    "plan_collection",
    "post_event",
]

# A run needs none of this: archives, collection, catalogues.
_LATER = {
    "Collection": "_collect",
    "Pins": "_collect",
    "Transfer": "_archive",
    "collect": "_collect",
    "export_run": "_archive",
    "import_run": "_archive",
    "openlineage_events": "_openlineage",
    "pins_of": "_collect",
    "plan_collection": "_collect",
    "post_event": "_openlineage",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
