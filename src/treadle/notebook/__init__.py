"""Notebooks: run a component or a pipeline from cells, look at what it made, take the code out as a module.

Importing this room also teaches artifacts to show themselves; see `treadle.artifact.show_with`.

Examples:
    ::

        from treadle import components as step
        from treadle.notebook import Session

        session = Session("explore")
        rows = session.run(step.ingest, pattern="data/{YYYY}-{MM}.parquet", schema="schema.toml")
        rows.examples                       # the first rows
        session.export("explore.py")        # treadle run explore.py
"""

from treadle.notebook._history import CellHistory, History
from treadle.notebook._outcome import NodeOutcome, RunOutcome
from treadle.notebook._session import Session
from treadle.notebook._views import register

__all__ = ["CellHistory", "History", "NodeOutcome", "RunOutcome", "Session"]

register()
