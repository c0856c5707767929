"""Requests against the schema, in microseconds: all that the server needs of this room."""

from treadle.validation.request._checker import Findings, RequestChecker

__all__ = ["Findings", "RequestChecker"]
