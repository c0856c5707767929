"""Running compiled pipelines: driver (resolve, decide), one process per node, lineage."""

from treadle.runner._results import Event, Failure, NodeResult, NodeState, RunResult
from treadle.runner._run import run

__all__ = ["Event", "Failure", "NodeResult", "NodeState", "RunResult", "run"]
