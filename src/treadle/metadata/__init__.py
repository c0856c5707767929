"""Who made what from what: runs, executions, artifacts and the edges between them.

`Database` is the careful way to keep rows in a file, shared with other rooms that own a file of their own;
`MetadataStore` is the lineage of pipeline runs.
"""

from treadle.metadata._database import Database, Transaction
from treadle.metadata._records import ArtifactRecord, Attempt, ExecutionRecord, ExecutionState, RunRecord, RunState
from treadle.metadata._store import MetadataStore

__all__ = [
    "ArtifactRecord",
    "Attempt",
    "Database",
    "ExecutionRecord",
    "ExecutionState",
    "MetadataStore",
    "RunRecord",
    "RunState",
    "Transaction",
]
