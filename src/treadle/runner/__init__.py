"""Running compiled pipelines: driver (resolve, decide), one process per node, lineage."""

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
