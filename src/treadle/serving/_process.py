"""A server in a process of its own: started, asked for its address, stopped."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from treadle.errors import ServingError

_SEALS = re.compile(rb"^treadle_request_log_seals_total (\S+)", re.MULTILINE)


class ServerProcess:
    """``treadle serve`` as a child process. As a context manager it is stopped at the end.

    Args:
        folder: What is served.
        log: Folder of the request log; ``None`` writes none.
        port: The port; 0 takes a free one.
        options: Further options of ``treadle serve``, as ``{"--seal-rows": 1000}``.
        timeout: Seconds to wait for the server to be ready.

    Raises:
        ServingError: The server did not start; what it said is the cause.

    Examples:
        >>> with ServerProcess("models", log="log") as server:  # doctest: +SKIP
        ...     print(server.url)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        log: str | os.PathLike[str] | None = None,
        port: int = 0,
        options: Mapping[str, object] | None = None,
        timeout: float = 60.0,
    ) -> None:
        command = [sys.executable, "-m", "treadle", "serve", os.fspath(folder), "--json", "--port", str(port)]
        command += ["--no-log"] if log is None else ["--log", os.fspath(log)]
        for option, value in (options or {}).items():
            command += [option, str(value)]
        # a file, not a pipe: nobody reads along, and a pipe that is full would stop the server
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is stopped
        self._said: str | None = None
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors)
        line = self._first_line(timeout)
        try:
            said = json.loads(line)
            self.url: str = said["url"]
            """The address, as ``http://127.0.0.1:8501``."""
            self.models: dict[str, int | None] = said["models"]
            """Each model, and the version that answered for it at the start."""
        except (ValueError, KeyError):
            self._process.kill()
            self.stop()
            hint = self.messages() or "It said nothing."
            raise ServingError("The server did not start.", where={"folder": Path(folder)}, hint=hint) from None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def messages(self) -> str:
        """What the server wrote on standard error so far."""
        if self._said is not None:
            return self._said
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace").strip()

    def seal(self, *, timeout: float = 30.0) -> None:
        """Have the request log sealed: every request that was answered before can be read after.

        Raises:
            ServingError: It was not sealed within ``timeout`` seconds.
        """
        before = self._seals()
        self._process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + timeout
        while self._seals() == before:
            if time.monotonic() > end or self._process.poll() is not None:
                raise ServingError("The request log was not sealed.", where={"url": self.url})
            time.sleep(0.005)

    def stop(self, *, timeout: float = 60.0) -> int:
        """Stop the server as SIGTERM does, and return its exit code; stopping it again is free."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=timeout)
        self._said = self.messages()
        self._errors.close()
        return self._process.returncode

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _seals(self) -> float:
        with urllib.request.urlopen(self.url + "/metrics", timeout=10) as response:  # noqa: S310 - our own server
            found = _SEALS.search(response.read())
        if found is None:
            raise ServingError("The server writes no request log.", hint="Start it with a log folder.")
        return float(found[1])

    def _first_line(self, timeout: float) -> bytes:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout)
        return self._process.stdout.readline() if ready else b""
