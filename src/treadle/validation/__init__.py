"""Is this batch, this request or this stream as expected? ``statistics`` measures, this room decides."""

from treadle.validation._request import Findings, RequestChecker

__all__ = ["Findings", "RequestChecker"]
