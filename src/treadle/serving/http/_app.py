"""The HTTP skin: an ASGI application over the dataplane. It parses a path, decodes, calls and encodes.

POST /v1/models/NAME[/versions/V]:predict       rows or columns in, predictions and their ids out
GET  /v1/models/NAME[/versions/V]               which versions are there and in what state
GET  /v1/models/NAME[/versions/V]/metadata      signature and features
GET  /v1/models                                 the models
GET  /healthz /readyz /metrics                  alive; takes requests; counters for Prometheus
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from treadle.errors import ModelNotFoundError
from treadle.serving._dataplane import Dataplane
from treadle.serving._version import ServedVersion
from treadle.serving.http import _describe
from treadle.serving.http._body import ClientGoneError, Message, Receive, read_body
from treadle.serving.http._codec import Codec, encode
from treadle.serving.http._errors import HttpError, describe

Send = Callable[[Message], Awaitable[None]]

_MODEL = re.compile(r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[^/:]+))?(?P<verb>/metadata|:[a-z]+)?")
_VERSION = re.compile(r"0|[1-9][0-9]{0,17}")
_JSON = (b"content-type", b"application/json")
_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_CLOSE = (b"connection", b"close")


class Route(NamedTuple):
    """A path under ``/v1/models/``, taken apart."""

    model: str
    version: str | None
    verb: str | None


class App:
    """The ASGI application of one server.

    Args:
        dataplane: What answers.
    """

    def __init__(self, dataplane: Dataplane) -> None:
        self._dataplane = dataplane
        self._codecs: WeakKeyDictionary[ServedVersion, Codec] = WeakKeyDictionary()
        self._plain: dict[str, Callable[[], tuple[int, dict[str, Any]]]] = {
            "/healthz": lambda: (200, {"status": "ok"}),
            "/readyz": lambda: (200 if dataplane.ready else 503, _describe.readiness(dataplane)),
            "/v1/models": lambda: (200, _describe.models(dataplane)),
        }

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        model = version = ""
        headers: tuple[tuple[bytes, bytes], ...] = (_JSON,)
        try:
            route = _route(scope["path"])
            if route is None:
                status, body, headers = self._answer_plain(scope)
            elif route.verb == ":predict":
                model = self._known(route.model)
                allow(scope, "POST")
                served = await self._dataplane.version(route.model, _number(route.version))
                version = served.label
                status, body = 200, await self._predict(served, scope, receive)
            else:
                model = self._known(route.model)
                status, body = 200, await self._answer_about(route, scope)
        except ClientGoneError:
            return
        except Exception as error:  # the edge of the server: every error becomes an answer
            status, described = describe(error)
            body = encode(described)
            headers = (_JSON, *getattr(error, "headers", ()))
        self._dataplane.metrics.request(model, version, str(status), time.perf_counter() - began)
        length = (b"content-length", b"%d" % len(body))
        closing = (_CLOSE,) if self._dataplane.draining else ()
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *closing]})
        await send({"type": "http.response.body", "body": body})

    def _known(self, model: str) -> str:
        """The name as a metric's label: a client must not be able to invent labels."""
        return model if model in self._dataplane.models.by_name else ""

    async def _predict(self, version: ServedVersion, scope: dict[str, Any], receive: Receive) -> bytes:
        num_bytes = None
        for name, value in scope["headers"]:
            if name == b"content-length":
                num_bytes = int(value)  # digits: the parser has seen to it
            elif name == b"content-encoding" and value != b"identity":
                raise HttpError(
                    415, "HTTP_ENCODING", "A compressed body is not accepted.", hint="Send it without Content-Encoding."
                )
        body = await read_body(num_bytes, receive, self._dataplane.limits.max_body_bytes)
        codec = self._codecs.get(version)
        if codec is None:
            codec = self._codecs[version] = Codec(version.checker)
        request = codec.decode(body)
        answer = await self._dataplane.predict(version, request.rows, ids=request.ids, num_bytes=len(body))
        return encode(
            {
                "outputs" if request.by_column else "predictions": answer.predictions,
                "prediction_ids": answer.ids,
                "model_version": version.number,
            }
        )

    async def _answer_about(self, route: Route, scope: dict[str, Any]) -> bytes:
        verb, number = route.verb, _number(route.version)
        if verb not in (None, "/metadata"):
            raise HttpError(
                404, "HTTP_PATH", f"There is no method {verb[:80]!r}.", hint="The method for predictions is ':predict'."
            )
        allow(scope, "GET", "HEAD")
        if verb == "/metadata":
            return encode(_describe.metadata(await self._dataplane.version(route.model, number)))
        model = self._dataplane.models.get(route.model)
        if number is not None and number not in {*model.folder.versions(), *model.loaded_numbers(), *model.failures}:
            raise ModelNotFoundError(
                f"There is no version {number} of model {model.name!r} here.",
                where={"model": model.name, "version": number},
            )
        return encode(_describe.status(model, number))

    def _answer_plain(self, scope: dict[str, Any]) -> tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]:
        path = scope["path"]
        if path == "/metrics":
            allow(scope, "GET", "HEAD")
            return 200, self._dataplane.metrics.render(), (_TEXT,)
        plain = self._plain.get(path)
        if plain is None:
            raise HttpError(
                404,
                "HTTP_PATH",
                f"There is nothing at {path[:80]!r}.",
                hint="Predictions are at POST /v1/models/NAME:predict; GET /v1/models lists the models.",
            )
        allow(scope, "GET", "HEAD")
        status, body = plain()
        return status, encode(body), (_JSON,)


def allow(scope: dict[str, Any], *methods: str) -> None:
    """Refuse a request of another method.

    Raises:
        HttpError: 405, with the methods that are allowed.
    """
    if scope["method"] not in methods:
        raise HttpError(
            405,
            "HTTP_METHOD",
            f"{scope['method']} is not a method of this address.",
            hint=f"Use {methods[0]}.",
            headers=((b"allow", ", ".join(methods).encode()),),
        )


@lru_cache(maxsize=1024)
def _route(path: str) -> Route | None:
    match = _MODEL.fullmatch(path)
    return None if match is None else Route(match["name"], match["version"], match["verb"])


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not _VERSION.fullmatch(text):
        raise ModelNotFoundError(
            f"{text[:80]!r} is not the number of a version.",
            where={"version": text[:80]},
            hint="Versions are integers.",
        )
    return int(text)
