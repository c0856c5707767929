"""The server process: an address, a dataplane, uvicorn between them, and an end without a lost request."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from treadle.errors import AddressError
from treadle.serving._dataplane import Dataplane
from treadle.serving._limits import Limits
from treadle.serving._models import Models
from treadle.serving._request_log import RequestLog
from treadle.serving._version import load_version
from treadle.serving.http._app import App
from treadle.serving.http._connection import sweep, with_limits

_MAX_FILES = 65536


@dataclass(frozen=True, slots=True)
class Ready:
    """What a server says when it takes requests."""

    url: str
    models: dict[str, int | None]
    """Each model and the version that answers for it."""


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    log: Path | None = None,
    seal_rows: int = 100_000,
    seal_seconds: float = 60.0,
    name: str | None = None,
    threads: int = 1,
    limits: Limits | None = None,
    on_ready: Callable[[Ready], None] = lambda _: None,
) -> None:
    """Serve the models of a folder until SIGTERM or SIGINT; then answer what is running, seal the log and return.

    SIGUSR1 seals the request log at once.

    Args:
        folder: A servable, a model's folder, or a folder of models.
        host: The address to listen at. There is no authentication: keep it to networks you trust.
        port: The port; 0 takes a free one.
        log: Folder of the request log; ``None`` writes none.
        seal_rows: Rows after which a log segment is sealed.
        seal_seconds: Seconds after which it is.
        name: The model's name, where the folder holds one model.
        threads: Threads for one prediction.
        limits: Limits of requests and connections.
        on_ready: Called once, when requests are taken.

    Raises:
        AddressError: The address cannot be had.
        ModelFolderError: The folder holds no servable.
        ModelUnavailableError: A champion cannot be loaded.
        RequestLogError: The log folder cannot be written.
    """
    limits = limits or Limits()
    _raise_file_limit()
    listener = _listen(host, port)
    with contextlib.closing(listener):
        models = Models(folder, partial(load_version, threads=threads), name=name)
        models.load_champions()
        request_log = None
        if log is not None:
            request_log = RequestLog(log, seal_rows=seal_rows, seal_seconds=seal_seconds)
            request_log.start()
        try:
            dataplane = Dataplane(models, request_log, limits)
            config = uvicorn.Config(
                App(dataplane),
                http=with_limits(limits),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=int(limits.idle_seconds) + 1,  # the sweep is first
                timeout_graceful_shutdown=int(limits.finish_seconds),
            )
            server = _Server(config, dataplane, request_log, lambda: on_ready(_ready(listener, models)))
            with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
                runner.run(server.serve_all(listener))
        finally:
            if request_log is not None:
                request_log.close()


class _Server(uvicorn.Server):  # type: ignore[misc]  # its types are not followed
    def __init__(
        self,
        config: uvicorn.Config,
        dataplane: Dataplane,
        log: RequestLog | None,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._dataplane = dataplane
        self._log = log
        self._on_ready = on_ready
        self._quiet_ticks = 0

    async def serve_all(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await self._dataplane.start()
        # models and modules stay: the collector need not look at them again and again
        gc.collect()
        gc.freeze()
        try:
            await self.serve(sockets=[listener])
        finally:
            await self._dataplane.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            sweep(self.server_state.connections, self._loop.time())
        if self._dataplane.draining:
            # Nobody is left to be told; but who connected just before the signal is only seen a turn later.
            self._quiet_ticks = 0 if self.server_state.connections else self._quiet_ticks + 1
            if self._quiet_ticks > 1:
                self._stop()
        return bool(await super().on_tick(counter))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and return; uvicorn's own raises the signal again, so that no exit code is 0."""
        handlers = {signal.SIGTERM: self.handle_exit, signal.SIGINT: self.handle_exit, signal.SIGUSR1: self._seal}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """First signal: no longer ready, each answer ends its connection, then stop. Second: stop now."""
        if self._dataplane.draining:
            self.should_exit = self.force_exit = True
            return
        self._dataplane.draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, self._dataplane.limits.drain_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    def _seal(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        if self._log is not None:
            self._log.seal()


def _raise_file_limit() -> None:
    """Let the process have as many connections as the system lets it; the usual 1024 files are soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens, so that an address in use is found before a model is loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        raise _address_error(host, port, error) from error
    return listener


def _address_error(host: str, port: int, error: OSError | OverflowError) -> AddressError:
    number = error.errno if isinstance(error, OSError) else None
    what, hint = f"The server cannot listen: {getattr(error, 'strerror', None) or error}.", "Name another address."
    if number == errno.EADDRINUSE:
        what = "Another program listens at this port."
        hint = "Stop it, or choose another port: --port 0 takes a free one."
    elif number == errno.EACCES:
        what, hint = "This user may not listen at this port.", "Choose a port above 1023."
    elif number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        what, hint = "This machine does not have that address.", "Use --host 127.0.0.1 for this machine alone."
    return AddressError(what, where={"host": host, "port": port}, hint=hint)


def _ready(listener: socket.socket, models: Models) -> Ready:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    champions = {
        name: None if model.current is None else model.current.number for name, model in models.by_name.items()
    }
    return Ready(f"http://{shown}:{port}", champions)
