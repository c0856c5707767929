"""What was executed in a notebook so far: the cells in their order, and the names they made."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from treadle.errors import UsageError
from treadle.notebook._formatters import register
from treadle.notebook._statement import CellStatement, read_cell


class History(Protocol):
    """The cells that were executed."""

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The global names as they are now."""

    def statements(self) -> list[CellStatement]:
        """The statements that were executed, in their order."""


@dataclass
class CellHistory:
    """Cells given as texts, for tests and for tools that are no notebook."""

    namespace: Mapping[str, Any]
    cells: Sequence[str] = field(default_factory=list)

    def statements(self) -> list[CellStatement]:
        """The statements of all cells."""
        return [statement for number, cell in enumerate(self.cells, 1) for statement in read_cell(number, cell)]


class NotebookHistory:
    """The cells of the notebook that this process is the kernel of."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._failed: dict[int, int] = {}
        shell.events.register("post_run_cell", self._after)

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The global names as they are now."""
        names: Mapping[str, Any] = self._shell.user_ns
        return names

    def statements(self) -> list[CellStatement]:
        """The statements that were executed: of a cell that failed, or that is at work, those before that line."""
        cells: Sequence[str] = self._shell.user_ns.get("In", [])
        found = []
        for number, source in enumerate(cells):
            until = self._failed.get(number)
            if number == len(cells) - 1 and until is None:
                until = next(_lines_at_work(self.namespace), None)
            found += read_cell(number, source, until=until)
        return found

    def _after(self, result: Any) -> None:
        error, number = result.error_in_exec, result.execution_count
        if error is None or number is None:
            return
        trace, line = error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_globals is self._shell.user_ns and trace.tb_frame.f_code.co_name == "<module>":
                line = trace.tb_lineno
            trace = trace.tb_next
        if line is not None:
            self._failed[number] = line


def _lines_at_work(namespace: Mapping[str, Any]) -> Iterator[int]:
    """The line of the cell that is being executed."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
            yield frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]


def current_history() -> History:
    """The history of the notebook that this process belongs to.

    Raises:
        UsageError: When it is no notebook.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        raise UsageError(
            "This is no notebook",
            hint="elsewhere, treadle.runner.run(pipeline), or treadle run FILE.py, runs pipelines",
        )
    register(shell)
    return NotebookHistory(shell)
