"""Start, stop and sudden death: what the request log holds after each."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from client import Client, read_all, wait_until
from layout import lay_out

from treadle.artifact import (
    FINDINGS_COLUMN,
    PREDICTION_COLUMN,
    PREDICTION_ID_COLUMN,
    REQUEST_LOG_FORMAT,
    TIME_COLUMN,
    VERSION_COLUMN,
    sealed_segments,
)
from treadle.loop import Replay
from treadle.serving import ServerProcess

Row = dict[str, Any]


def logged(log: Path, model: str = "taxi") -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sealed_segments(log, model)])


def test_sigterm_seals_every_answered_row(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    with ServerProcess(tmp_path / "models", log=tmp_path / "log") as server:
        client = Client(server)
        answer = client.post({"instances": rides, "ids": [f"r{i}" for i in range(len(rides))]}).json
        single = client.post({"instances": [{**rides[0], "vendor_id": 9}]}).json
        assert sealed_segments(tmp_path / "log", "taxi") == []
        assert server.stop() == 0
    table = logged(tmp_path / "log")
    assert table.num_rows == len(rides) + 1
    assert table[PREDICTION_ID_COLUMN].to_pylist() == answer["prediction_ids"] + single["prediction_ids"]
    assert table[PREDICTION_COLUMN].to_pylist() == answer["predictions"] + single["predictions"]
    assert set(table[VERSION_COLUMN].to_pylist()) == {1}
    assert table.schema.field(TIME_COLUMN).type == pa.timestamp("us", tz="UTC")
    findings = table[FINDINGS_COLUMN].to_pylist()
    assert findings[-1] == findings[0] + 1
    for name in rides[0]:
        values = table[name].to_pylist()[: len(rides)]
        if name == "pickup_datetime":
            values = [value.isoformat() for value in values]
        assert values == [ride[name] for ride in rides]
    metadata = pq.read_schema(sealed_segments(tmp_path / "log", "taxi")[0]).metadata
    assert metadata[b"treadle.format"] == REQUEST_LOG_FORMAT.encode()
    assert sorted(path.suffix for path in (tmp_path / "log" / "taxi").iterdir()) == [".parquet"]


def test_a_segment_is_sealed_by_rows_and_by_seconds(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    options = {"--seal-rows": 500, "--seal-seconds": 1.5}
    with ServerProcess(tmp_path / "models", log=tmp_path / "log", options=options) as server:
        client = Client(server)
        for _ in range(3):
            client.post({"instances": rides})
        wait_until(lambda: bool(sealed_segments(tmp_path / "log", "taxi")))
        client.post({"instances": rides[:1]})
        wait_until(lambda: b"treadle_request_log_sealed_rows_total 601" in client.get("/metrics").data)
    assert logged(tmp_path / "log").num_rows == 601


def test_sealing_on_demand_makes_answered_rows_readable(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    with ServerProcess(tmp_path / "models", log=tmp_path / "log") as server:
        client = Client(server)
        for count in (1, 2, 3):
            client.post({"instances": rides})
            server.seal()
            assert logged(tmp_path / "log").num_rows == count * len(rides)


def test_a_killed_server_loses_nothing_that_was_sealed(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    log = tmp_path / "log"
    server = ServerProcess(tmp_path / "models", log=log)
    client = Client(server)
    sealed = client.post({"instances": rides}).json["prediction_ids"]
    server.seal()
    appended = client.post({"instances": rides[:50]}).json["prediction_ids"]
    wait_until(lambda: b"treadle_request_log_open_rows 50" in client.get("/metrics").data)
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    assert logged(log)[PREDICTION_ID_COLUMN].to_pylist() == sealed
    [left] = (log / "taxi").glob("*.open")
    with left.open("ab") as stream:
        stream.write(b"\x00\x01\x02torn")  # as if it had died in the middle of a write
    with ServerProcess(tmp_path / "models", log=log):
        assert logged(log)[PREDICTION_ID_COLUMN].to_pylist() == sealed + appended
        assert list((log / "taxi").glob("*.open")) == []


def test_killed_under_load_every_sealed_segment_is_whole(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    log = tmp_path / "log"
    answered: list[str] = []
    for _ in range(3):
        server = ServerProcess(tmp_path / "models", log=log, options={"--seal-rows": 100})
        client = Client(server)

        def send(client: Client = client) -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):  # it ends with the server
                while True:
                    answered.extend(client.post({"instances": rides[:20]}).json["prediction_ids"])

        thread = threading.Thread(target=send)
        before = len(sealed_segments(log, "taxi"))
        thread.start()
        wait_until(lambda before=before: len(sealed_segments(log, "taxi")) > before + 1)  # type: ignore[misc]
        os.kill(server.pid, signal.SIGKILL)
        thread.join()
        server.stop()
        logged(log)  # each segment reads as it stands
    with ServerProcess(tmp_path / "models", log=log):
        pass
    ids = logged(log)[PREDICTION_ID_COLUMN].to_pylist()
    assert len(set(ids)) == len(ids)
    assert len(set(ids) - set(answered)) <= 3 * 20  # answered, but killed before the answer was read


def test_two_servers_share_a_log_folder(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    log = tmp_path / "log"
    with ServerProcess(tmp_path / "models", log=log) as one:
        Client(one).post({"instances": rides})
        wait_until(lambda: bool(list((log / "taxi").glob("*.open"))))
        with ServerProcess(tmp_path / "models", log=log) as two:  # does not take the first one's segment from it
            Client(two).post({"instances": rides[:3]})
        assert logged(log).num_rows == 3
    assert logged(log).num_rows == len(rides) + 3


def test_sigterm_finishes_what_runs(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    with limited_server(servables, tmp_path, "drain_seconds=20") as client:
        body = json.dumps({"instances": rides}).encode()
        head = f"POST /v1/models/taxi:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with client.socket() as connection:
            connection.sendall(head + body[:100])
            os.kill(client.pid, signal.SIGTERM)
            wait_until(lambda: client.get("/readyz").status == 503)  # no longer ready, and still answering
            assert client.post({"instances": rides[:1]}).headers["connection"] == "close"
            connection.sendall(body[100:])
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer


def test_sigint_stops_as_sigterm_does(servables: Path, tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    with ServerProcess(tmp_path / "models") as server:
        os.kill(server.pid, signal.SIGINT)
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("limits", "send", "expected"),
    [
        ("header_seconds=0.2", b"", b""),
        ("header_seconds=0.2", b"POST /v1/models/taxi:predict HT", b"HTTP/1.1 408 "),
        (
            "body_seconds=0.2",
            b"POST /v1/models/taxi:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
            b"HTTP/1.1 408 ",
        ),
        ("idle_seconds=0.2", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 "),
    ],
    ids=["idle at the start", "slow headers", "slow body", "idle after an answer"],
)
def test_slow_clients_are_closed_and_others_served(
    servables: Path, rides: list[Row], tmp_path: Path, limits: str, send: bytes, expected: bytes
) -> None:
    with limited_server(servables, tmp_path, limits) as client:
        slow = [client.socket() for _ in range(30)]
        for connection in slow:
            connection.sendall(send)
        assert client.post({"instances": rides[:1]}).status == 200
        for connection in slow:
            answer = b""
            while part := connection.recv(65536):  # ends only if the server closes
                answer += part
            assert answer.startswith(expected)
            assert bool(answer) is bool(expected)
            connection.close()


def test_a_replay_that_pauses_loses_no_rows(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    rows, ids = pa.Table.from_pylist(rides[:2]), pa.array(["a", "b"])
    with limited_server(servables, tmp_path, "idle_seconds=0.2") as client, Replay(client.url, "taxi") as replay:
        for _ in range(2):
            sent = replay.send(rows, ids)
            assert (sent.rows, sent.failed, sent.errors) == (2, 0, [])
            # ends when the server closes this one as idle, and the replay's is idle for longer
            assert client.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_client_that_takes_no_answers_is_closed(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    body = json.dumps({"instances": rides * 50}).encode()
    head = f"POST /v1/models/taxi:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with limited_server(servables, tmp_path, "read_seconds=0.3") as client, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(client.address)
        sent = 0
        with contextlib.suppress(ConnectionError):  # reset or broken pipe, as it comes
            for sent in range(200):  # noqa: B007
                connection.sendall(head + body)
        assert sent < 199
        assert client.get("/healthz").status == 200


class limited_server:
    """A server with limits that the command line does not offer, since nobody would want them so short."""

    def __init__(self, servables: Path, folder: Path, limits: str) -> None:
        lay_out(servables, folder, [1], champion=1)
        program = (
            "from pathlib import Path; from treadle.serving import Limits, serve; "
            f"serve(Path({str(folder)!r}), port=0, limits=Limits({limits}),"
            " on_ready=lambda r: print(r.url, flush=True))"
        )
        self._process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Client:
        assert self._process.stdout is not None
        return Client(self._process.stdout.readline().strip(), pid=self._process.pid)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0


def test_two_thousand_idle_clients_keep_nobody_out(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("this user may not open 2000 connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    idle: list[socket.socket] = []
    with limited_server(servables, tmp_path, "header_seconds=5") as client:
        try:
            idle.extend(client.socket() for _ in range(2000))
            for ride in rides[:20]:
                assert client.post({"instances": [ride]}).status == 200
            assert all(connection.recv(1) == b"" for connection in idle)  # each is closed by the server
        finally:
            for connection in idle:
                connection.close()
