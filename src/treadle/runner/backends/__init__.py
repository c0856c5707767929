"""Where a run's nodes run: this machine, a Ray cluster, Kubeflow Pipelines."""

from treadle.runner.backends._contract import Backend, Began, Ended, Launcher, Preparer, Task
from treadle.runner.backends._local import LocalBackend
from treadle.runner.backends._named import backend_named

__all__ = ["Backend", "Began", "Ended", "Launcher", "LocalBackend", "Preparer", "Task", "backend_named"]
