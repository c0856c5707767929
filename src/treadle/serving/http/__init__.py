"""The HTTP skin of the server: paths, bodies, status codes, connections. Nothing below it knows them."""

from treadle.serving.http._app import App
from treadle.serving.http._server import Ready, serve

__all__ = ["App", "Ready", "serve"]
