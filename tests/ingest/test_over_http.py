"""Files over HTTP, from a server of our own: what cannot be had is told apart."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from treadle.errors import DataFileNotFoundError, DataSourceError
from treadle.ingest import read_table

pytestmark = pytest.mark.engines
_ANSWERS = {"/a.csv": 200, "/closed.csv": 403, "/broken.csv": 500}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"n\n1\n"
        self.send_response(_ANSWERS.get(self.path, 404))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        """Not into the tests' output."""


@pytest.fixture
def address() -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="HTTP is not tested: aiohttp is not installed; make test-engines")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_and_refusals_are_told_apart(address: str) -> None:
    assert read_table(f"{address}/a.csv").to_pydict() == {"n": [1]}
    with pytest.raises(DataFileNotFoundError, match="no such file"):
        read_table(f"{address}/gone.csv")
    for path, says in (("closed", "403"), ("broken", "500")):
        with pytest.raises(DataSourceError, match=says):
            read_table(f"{address}/{path}.csv")


def test_a_server_that_does_not_answer(address: str) -> None:
    nobody = address.rpartition(":")[0]
    with pytest.raises(DataSourceError, match="cannot be read"):
        read_table(f"{nobody}:9/a.csv")
