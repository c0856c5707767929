"""Running compiled pipelines: driver (resolve, decide), one process per node, lineage."""

from treadle.runner._cancel import cancel
from treadle.runner._changes import Change
from treadle.runner._plan import Plan, PlannedNode, plan
from treadle.runner._results import Event, Failure, NodeResult, NodeState, RunResult
from treadle.runner._run import run
from treadle.runner._select import Selection
from treadle.runner._why import Explanation, history, why

__all__ = [
    "Change",
    "Event",
    "Explanation",
    "Failure",
    "NodeResult",
    "NodeState",
    "Plan",
    "PlannedNode",
    "RunResult",
    "Selection",
    "cancel",
    "history",
    "plan",
    "run",
    "why",
]
