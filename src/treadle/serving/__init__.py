"""The model server: from a folder of servables alone, without database, engine or training framework.

The dataplane (:class:`Dataplane`) finds versions, answers rows and logs them, in no protocol's words; a skin such
as :mod:`treadle.serving.http` translates. :func:`serve` runs a server in this process, :class:`ServerProcess` in
one of its own.
"""

from treadle.serving._dataplane import Dataplane, Prediction
from treadle.serving._layout import CHAMPION, ModelFolder, find_models
from treadle.serving._limits import Limits
from treadle.serving._models import Model, Models
from treadle.serving._process import ServerProcess
from treadle.serving._request_log import LogEntry, LogSchema, RequestLog
from treadle.serving._version import ServedVersion, load_version
from treadle.serving.http import Ready, serve

__all__ = [
    "CHAMPION",
    "Dataplane",
    "Limits",
    "LogEntry",
    "LogSchema",
    "Model",
    "ModelFolder",
    "Models",
    "Prediction",
    "Ready",
    "RequestLog",
    "ServedVersion",
    "ServerProcess",
    "find_models",
    "load_version",
    "serve",
]
