"""Errors as HTTP answers. The one place that knows status codes for what went wrong."""

from __future__ import annotations

import logging

from treadle.errors import (
    InputColumnError,
    InputValueError,
    ModelNotFoundError,
    ModelUnavailableError,
    RequestError,
    RequestTooLargeError,
    TreadleError,
)

_logger = logging.getLogger("treadle.serving")

_STATUS: tuple[tuple[type[TreadleError], int], ...] = (
    (RequestTooLargeError, 413),
    (RequestError, 400),
    (InputValueError, 400),
    (InputColumnError, 400),
    (ModelNotFoundError, 404),
    (ModelUnavailableError, 503),
)


class HttpError(Exception):
    """A mistake about HTTP itself: path, method, encoding.

    Args:
        status: The HTTP status.
        code: Stable, for machines.
        what: One sentence.
        hint: What to do.
        headers: Headers the status asks for.
    """

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        *,
        hint: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(what)
        self.status = status
        self.code = code
        self.what = what
        self.hint = hint
        self.headers = headers


def describe(error: Exception) -> tuple[int, dict[str, object]]:
    """The status and JSON body for an error. What nobody foresaw is logged, and not shown to the client."""
    if isinstance(error, HttpError):
        return error.status, _body(error.what, error.code, {}, error.hint)
    for kind, status in _STATUS:
        if isinstance(error, kind):
            fields = error.to_dict()
            return status, _body(error.what, error.code, fields["where"], error.hint)
    _logger.error("a request failed", exc_info=error)
    return 500, _body("The server failed to answer; its log has the reason.", "INTERNAL", {}, None)


def _body(what: str, code: str, where: object, hint: str | None) -> dict[str, object]:
    body: dict[str, object] = {"error": what, "code": code}
    if where:
        body["where"] = where
    if hint is not None:
        body["hint"] = hint
    return body
