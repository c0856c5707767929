"""A notebook without a notebook: cells are executed one after the other in one namespace."""

from __future__ import annotations

import linecache
import textwrap
from pathlib import Path

from treadle.notebook import CellHistory, Session


class Notebook:
    """Executes cells and has a session over them."""

    def __init__(self, folder: Path, name: str = "explore") -> None:
        self.folder = folder
        self.namespace: dict[str, object] = {"__name__": "__main__"}
        self.cells: list[str] = []
        self.session = Session(name, home=folder / ".treadle", history=CellHistory(self.namespace, self.cells))
        self.namespace["session"] = self.session

    def cell(self, text: str) -> None:
        source = textwrap.dedent(text).strip("\n")
        self.cells.append(source)
        name = f"<cell {len(self.cells)} of {self.folder.name}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # as IPython does
        exec(compile(source, name, "exec"), self.namespace)

    def __getitem__(self, name: str) -> object:
        return self.namespace[name]
