"""Bad input over real HTTP: a sentence, a code and a place, never a 5xx, and the server lives on."""

from __future__ import annotations

import json
import re
import socket
import threading
from typing import Any

import pytest
from client import Client, read_all
from hypothesis import given, settings
from hypothesis import strategies as st

Row = dict[str, Any]
PREDICT = "/v1/models/taxi:predict"


def refused(reply: Any, status: int, code: str) -> dict[str, Any]:
    assert (reply.status, reply.json.get("code")) == (status, code), reply.data
    body: dict[str, Any] = reply.json
    assert body["error"].endswith(".")
    assert body.keys() <= {"error", "code", "where", "hint"}
    # nothing of the server's inside: no paths, no trace, no addresses
    assert not re.search(r"Traceback|\.py|/tmp/|0x[0-9a-f]{6}", reply.data.decode())
    return body


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("fare_amount", "12.5", "REQUEST_WRONG_TYPE"),
        ("fare_amount", [12.5], "REQUEST_WRONG_TYPE"),
        ("fare_amount", {"a": 1}, "REQUEST_WRONG_TYPE"),
        ("rate_code_id", 1.5, "REQUEST_WRONG_TYPE"),
        ("rate_code_id", True, "REQUEST_WRONG_TYPE"),
        ("rate_code_id", 2**63, "REQUEST_WRONG_TYPE"),
        ("rate_code_id", 10**400, "REQUEST_WRONG_TYPE"),
        ("rate_code_id", -(2**63), "INPUT_VALUE"),
        ("fare_amount", 10**400, "REQUEST_WRONG_TYPE"),
        ("pickup_datetime", "2018-10-01T12:00:00Z", "REQUEST_WRONG_TYPE"),
        ("pickup_datetime", "noon", "REQUEST_WRONG_TYPE"),
        ("pickup_datetime", 1538397000, "REQUEST_WRONG_TYPE"),
        ("tip_amount", 1.0, "REQUEST_UNKNOWN_FIELD"),
        ("Fare_amount", 1.0, "REQUEST_UNKNOWN_FIELD"),
    ],
)
def test_a_bad_value_is_named_by_row_and_field(
    served: Client, rides: list[Row], name: str, value: object, code: str
) -> None:
    reply = served.post({"instances": [rides[0], {**rides[1], name: value}]})
    where = refused(reply, 400, code)["where"]
    assert where["row"] == 1
    assert name in (where.get("field"), where.get("column"))


def test_a_missing_required_field_is_named(served: Client, rides: list[Row]) -> None:
    row = {name: value for name, value in rides[0].items() if name != "fare_amount"}
    assert refused(served.post({"instances": [rides[0], row]}), 400, "REQUEST_MISSING_FIELD")["where"] == {
        "row": 1,
        "field": "fare_amount",
    }
    columns = {name: [value] for name, value in row.items()}
    assert refused(served.post({"inputs": columns}), 400, "REQUEST_MISSING_FIELD")["where"] == {"field": "fare_amount"}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "+1", "01", "1.", ".5", "0x10"])
def test_what_json_has_no_number_for_is_refused(served: Client, rides: list[Row], token: str) -> None:
    text = json.dumps({"instances": [{**rides[0], "fare_amount": "@"}]}).replace('"@"', token)
    reply = served.post(text.encode())
    assert reply.status == 400
    if "N" in token or "I" in token:
        assert "send null" in refused(reply, 400, "REQUEST_MALFORMED")["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"not json",
        b'{"instances": []} x',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b'{"instances": [{"store_and_fwd_flag": "\xff"}]}',
        b'{"instances": [{"store_and_fwd_flag": "\\ud800"}]}',
        b'{"instances": [{"store_and_fwd_flag": "\\udc00\\ud800"}]}',
        b'{"instances": [{"store_and_fwd_flag": "\x00"}]}',
        b'{"instances": 5}',
        b'{"instances": {}}',
        b'{"instances": [5]}',
        b'{"instances": [[]]}',
        b'{"instances": [null]}',
        b'{"inputs": []}',
        b'{"inputs": {}}',
        b'{"instances": null}',
        b"{}",
        b'{"instances": []}',
    ],
)
def test_a_body_that_is_no_request_is_refused(served: Client, body: bytes) -> None:
    reply = served.post(body)
    assert reply.status == 400, reply.data
    refused(reply, 400, reply.json["code"])


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"instances":[', '{"inputs":{"fare_amount":'])
def test_json_nested_ten_thousand_deep_is_refused(served: Client, opening: str) -> None:
    for body in (opening * 10_000, '{"instances":' + opening * 10_000, '{"x":' + "[" * 10_000 + "]" * 10_000 + "}"):
        assert served.post(body.encode()).status == 400


def test_rows_and_columns_together_are_refused(served: Client, rides: list[Row]) -> None:
    columns = {name: [value] for name, value in rides[0].items()}
    refused(served.post({"instances": rides[:1], "inputs": columns}), 400, "REQUEST_SHAPE")
    body = refused(served.post({"instance": rides[:1]}), 400, "REQUEST_UNKNOWN_FIELD")
    assert body["hint"] == "Did you mean 'instances'?"


def test_columns_of_different_length_are_refused(served: Client, rides: list[Row]) -> None:
    columns = {name: [value, value] for name, value in rides[0].items()}
    body = refused(served.post({"inputs": {**columns, "vendor_id": [1]}}), 400, "REQUEST_SHAPE")
    assert "vendor_id" in body["error"]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        (["a"], "REQUEST_SHAPE"),
        (["a", "b", "c"], "REQUEST_SHAPE"),
        (["a", "a"], "REQUEST_SHAPE"),
        (["a", ""], "REQUEST_SHAPE"),
        (["a", "x" * 257], "REQUEST_SHAPE"),
        (["a", 5], "REQUEST_WRONG_TYPE"),
        (["a", None], "REQUEST_WRONG_TYPE"),
        ("ab", "REQUEST_WRONG_TYPE"),
        ([], "REQUEST_SHAPE"),
    ],
)
def test_ids_that_do_not_fit_are_refused(served: Client, rides: list[Row], ids: object, code: str) -> None:
    refused(served.post({"instances": rides[:2], "ids": ids}), 400, code)


@pytest.mark.parametrize(
    "spelling",
    ['"fare_amount":1,"fare_amount":2', '"fare_amount" :1,"fare_amount":2', '"fare_amount":1,"fare\\u005famount":2'],
)
def test_a_name_given_twice_is_refused(served: Client, rides: list[Row], spelling: str) -> None:
    rest = json.dumps({name: value for name, value in rides[0].items() if name != "fare_amount"})[1:]
    body = refused(served.post(f'{{"instances":[{{{spelling},{rest}]}}'.encode()), 400, "REQUEST_MALFORMED")
    assert body["where"] == {"field": "fare_amount"}
    twice = f'{{"ids":["a"],"instances":[{json.dumps(rides[0])}],"ids":["b"]}}'
    refused(served.post(twice.encode()), 400, "REQUEST_MALFORMED")


def test_text_that_only_looks_like_a_repeated_name_is_served(served: Client, rides: list[Row]) -> None:
    row = {**rides[0], "store_and_fwd_flag": '","fare_amount":1,"fare_amount" :2'}
    assert served.post({"instances": [row]}).status == 200


def test_too_many_rows_are_refused(served: Client, rides: list[Row]) -> None:
    refused(served.post({"instances": rides[:1] * 10_001}), 413, "REQUEST_TOO_LARGE")
    assert served.post({"instances": rides[:1] * 10_000}).status == 200


def test_ten_megabytes_are_refused_before_they_are_read(served: Client) -> None:
    resident = memory(served)
    for size in (10_000_000, 200_000_000):
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
        with served.socket() as connection:
            connection.sendall(head)  # not a byte of the body is sent, and the answer is there
            assert b"413" in connection.recv(65536).split(b"\r\n")[0]
    assert memory(served) < resident + 32e6


def test_a_client_that_sends_all_of_it_hears_why_it_is_refused(served: Client) -> None:
    resident = memory(served)
    body = b'{"instances": [' + b" " * 50_000_000
    assert "8388608" in refused(served.call("POST", PREDICT, body), 413, "REQUEST_TOO_LARGE")["error"]
    assert memory(served) < resident + 32e6


def test_a_body_of_unknown_length_is_refused_where_it_exceeds_the_limit(served: Client) -> None:
    resident = memory(served)
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with served.socket() as connection:
        connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(300):  # 20 MB; the server hears it out, so that the client can read the answer
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in read_all(connection)
    assert memory(served) < resident + 48e6


def test_a_client_that_waits_for_permission_is_refused_at_once(served: Client) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    with served.socket() as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/models/nobody:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/99:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/99999999999999999999:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/-1:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/01:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/two:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi/versions/..:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/%2e%2e:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/..%2Ftaxi:predict", 404, "HTTP_PATH"),
        ("POST", "/v1/models/%ff%00:predict", 404, "SERVING_MODEL_NOT_FOUND"),
        ("POST", "/v1/models/taxi:classify", 404, "HTTP_PATH"),
        ("GET", "/v1/models/nobody", 404, "SERVING_MODEL_NOT_FOUND"),
        ("GET", "/v1/models/nobody/metadata", 404, "SERVING_MODEL_NOT_FOUND"),
        ("GET", "/v1/models/taxi/versions/99", 404, "SERVING_MODEL_NOT_FOUND"),
        ("GET", "/v1/models/taxi/versions/99/metadata", 404, "SERVING_MODEL_NOT_FOUND"),
        ("GET", "/", 404, "HTTP_PATH"),
        ("GET", "/v1/models/", 404, "HTTP_PATH"),
        ("GET", "/v1/models/taxi/", 404, "HTTP_PATH"),
        ("GET", "//etc/passwd", 404, "HTTP_PATH"),
        ("GET", "/" + "x" * 5000, 404, "HTTP_PATH"),
        ("GET", PREDICT, 405, "HTTP_METHOD"),
        ("PUT", PREDICT, 405, "HTTP_METHOD"),
        ("DELETE", "/v1/models/taxi", 405, "HTTP_METHOD"),
        ("POST", "/v1/models/taxi", 405, "HTTP_METHOD"),
        ("POST", "/v1/models/taxi/metadata", 405, "HTTP_METHOD"),
        ("POST", "/healthz", 405, "HTTP_METHOD"),
        ("POST", "/metrics", 405, "HTTP_METHOD"),
    ],
)
def test_a_wrong_address_or_method_is_refused(served: Client, method: str, path: str, status: int, code: str) -> None:
    reply = served.call(method, path, b"{}" if method == "POST" else None)
    refused(reply, status, code)
    assert ("allow" in reply.headers) is (status == 405)


def test_a_compressed_body_is_refused(served: Client) -> None:
    reply = served.call("POST", PREDICT, b"\x1f\x8b", {"content-encoding": "gzip"})
    refused(reply, 415, "HTTP_ENCODING")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n\r\n\x00",
        b"HELLO\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_no_http_get_one_refusal_and_the_connection_ends(served: Client, data: bytes) -> None:
    with served.socket() as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 ") <= 1
    if answer:
        assert 400 <= int(answer.split(b" ")[1]) < 500
        assert b'"code"' in answer


def test_headers_without_end_are_refused(served: Client) -> None:
    sent = 0
    with served.socket() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        try:
            for _ in range(20_000):
                sent += connection.send(b"x-header: " + b"x" * 1000 + b"\r\n")
        except OSError:  # the server has closed: what it said may be lost with what it did not read
            pass
        assert sent < 20e6


def test_an_upgrade_that_is_not_offered_is_passed_over(served: Client) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with served.socket() as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_goes_away_disturbs_nobody(served: Client, rides: list[Row]) -> None:
    body = json.dumps({"instances": rides}).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for cut in (len(head) // 2, len(head), len(head) + len(body) // 2, len(head) + len(body)):
        with served.socket() as connection:
            connection.sendall((head + body)[:cut])
    assert served.post({"instances": rides[:1]}).status == 200


def test_one_bad_value_does_not_fail_its_neighbours(served: Client, rides: list[Row]) -> None:
    """What only the graph can refuse is refused for its request alone, however requests were joined."""
    bad = {**rides[0], "rate_code_id": -(2**63)}  # the mark of a missing integer
    outcomes: dict[int, set[int]] = {0: set(), 1: set()}

    def send(kind: int) -> None:
        for _ in range(40):
            outcomes[kind].add(served.post({"instances": [rides[1], bad] if kind else rides[:2]}).status)

    threads = [threading.Thread(target=send, args=(i % 2,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {0: {200}, 1: {400}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_json_is_answered_or_refused(served: Client, rides: list[Row], data: st.DataObject) -> None:
    row = dict(rides[0])
    if data.draw(st.booleans()):
        row[data.draw(st.sampled_from(sorted(row)) | st.text(max_size=8))] = data.draw(json_values)
    if data.draw(st.booleans()):
        del row[data.draw(st.sampled_from(sorted(row)))]
    request: Any = {"instances": [row]}
    if data.draw(st.integers(0, 3)) == 0:
        request[data.draw(st.sampled_from(["instances", "inputs", "ids", "signature_name", "x"]))] = data.draw(
            json_values
        )
    body = json.dumps(request).encode()
    if data.draw(st.integers(0, 3)) == 0 and body:
        at = data.draw(st.integers(0, len(body) - 1))
        body = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
    reply = served.post(body)
    assert reply.status in (200, 400), (reply.data, body)


def memory(client: Client) -> float:
    found = re.search(rb"^process_resident_memory_bytes (\S+)", client.get("/metrics").data, re.MULTILINE)
    assert found is not None
    return float(found[1])
