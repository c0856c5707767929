"""Requests against the schema, in microseconds: all that the server needs of this room."""

from treadle.validation.request._checker import RequestChecker
from treadle.validation.request._rules import Findings

__all__ = ["Findings", "RequestChecker"]
