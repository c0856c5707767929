"""Running compiled pipelines: driver (resolve, decide), one process per node, lineage."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.runner._cancel import cancel
    from treadle.runner._changes import Change
    from treadle.runner._code_of_runs import prune_code
    from treadle.runner._diff import Difference, NodeDifference, diff
    from treadle.runner._earlier import find_run, is_elsewhere
    from treadle.runner._logs import NodeLog, logs
    from treadle.runner._memory import Unneeded
    from treadle.runner._plan import Plan, PlannedNode, plan
    from treadle.runner._rerun import Reproduction, rerun
    from treadle.runner._results import Event, Failure, NodeResult, NodeState, RunResult
    from treadle.runner._run import run
    from treadle.runner._select import Selection
    from treadle.runner._why import Explanation, history, why

__all__ = [
    "Change",
    "Difference",
    "Event",
    "Explanation",
    "Failure",
    "NodeDifference",
    "NodeLog",
    "NodeResult",
    "NodeState",
    "Plan",
    "PlannedNode",
    "Reproduction",
    "RunResult",
    "Selection",
    "Unneeded",
    "cancel",
    "diff",
    "find_run",
    "history",
    "is_elsewhere",
    "logs",
    "plan",
    "prune_code",
    "rerun",
    "run",
    "why",
]

# The processes of nodes come from this room too, and need none of its driver.
_LATER = {
    "Change": "_changes",
    "Difference": "_diff",
    "Event": "_results",
    "Explanation": "_why",
    "Failure": "_results",
    "NodeDifference": "_diff",
    "NodeLog": "_logs",
    "NodeResult": "_results",
    "NodeState": "_results",
    "Plan": "_plan",
    "PlannedNode": "_plan",
    "Reproduction": "_rerun",
    "RunResult": "_results",
    "Selection": "_select",
    "Unneeded": "_memory",
    "cancel": "_cancel",
    "diff": "_diff",
    "find_run": "_earlier",
    "history": "_why",
    "is_elsewhere": "_earlier",
    "logs": "_logs",
    "plan": "_plan",
    "prune_code": "_code_of_runs",
    "rerun": "_rerun",
    "run": "_run",
    "why": "_why",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
