"""The protocol, against a real server over real HTTP."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from client import Client

from treadle.servable import Servable

Row = dict[str, Any]


def columns_of(rows: list[Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_rows_in_predictions_out(served: Client, rides: list[Row], servables: Path) -> None:
    reply = served.post({"instances": rides})
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json
    assert answer.keys() == {"predictions", "prediction_ids", "model_version"}
    assert answer["predictions"] == Servable.load(servables / "2").predict_rows(rides).tolist()
    assert answer["model_version"] == 2
    assert len(set(answer["prediction_ids"])) == len(rides)
    assert all(0 < p < 1 for p in answer["predictions"])


def test_columns_in_outputs_out(served: Client, rides: list[Row]) -> None:
    by_row = served.post({"instances": rides[:9]}).json
    by_column = served.post({"inputs": columns_of(rides[:9])}).json
    assert by_column.keys() == {"outputs", "prediction_ids", "model_version"}
    assert by_column["outputs"] == by_row["predictions"]


def test_a_version_can_be_asked_for(served: Client, rides: list[Row]) -> None:
    answers = {v: served.post({"instances": rides[:1]}, f"/v1/models/taxi/versions/{v}:predict").json for v in (1, 3)}
    assert answers[1]["predictions"][0] < answers[3]["predictions"][0]
    assert [answer["model_version"] for answer in answers.values()] == [1, 3]


def test_own_ids_come_back(served: Client, rides: list[Row]) -> None:
    ids = ["ride-1", "Fahrt-ü", "乗車"]
    answer = served.post({"instances": rides[:3], "ids": ids}).json
    assert answer["prediction_ids"] == ids


def test_a_large_request_is_answered_as_a_small_one(served: Client, rides: list[Row]) -> None:
    small = served.post({"instances": rides}).json["predictions"]
    large = served.post({"instances": rides * 5}).json["predictions"]
    assert large == small * 5


def test_what_the_schema_does_not_expect_is_served_and_counted(served: Client, rides: list[Row]) -> None:
    row = {**rides[0], "vendor_id": 9, "trip_distance": -3.0, "store_and_fwd_flag": None}
    before = findings(served)
    answer = served.post({"instances": [row]}).json
    assert not math.isnan(answer["predictions"][0])
    after = findings(served)
    for key in (("vendor_id", "out_of_domain"), ("trip_distance", "out_of_range"), ("store_and_fwd_flag", "null")):
        assert after[key] == before.get(key, 0) + 1


def test_status_lists_the_versions(served: Client) -> None:
    served.get("/v1/models/taxi/versions/1")
    reply = served.get("/v1/models/taxi")
    assert reply.status == 200
    assert reply.json["champion"] == 2
    states = {entry["version"]: entry["state"] for entry in reply.json["model_version_status"]}
    assert states.keys() == {"1", "2", "3"}
    assert states["2"] == "AVAILABLE"
    one = served.get("/v1/models/taxi/versions/2").json["model_version_status"]
    assert one == [{"version": "2", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]


def test_metadata_has_the_signature_and_the_features(served: Client, servables: Path) -> None:
    reply = served.get("/v1/models/taxi/metadata").json
    assert reply["model_spec"] == {"name": "taxi", "signature_name": "", "version": "2"}
    assert reply["digest"] == Servable.load(servables / "2").digest
    assert reply["event_time"] == "pickup_datetime"
    signature = reply["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert "tip_amount" not in signature["inputs"]
    assert signature["inputs"]["rate_code_id"]["dtype"] == "DT_INT64"
    assert signature["outputs"]["prediction"]["dtype"] == "DT_FLOAT"
    features = {feature["name"]: feature for feature in reply["features"]}
    assert features["vendor_id"] == {"name": "vendor_id", "type": "int", "required": True, "values": [1, 2]}
    assert served.get("/v1/models/taxi/versions/3/metadata").json["model_spec"]["version"] == "3"


def test_health_and_readiness(served: Client) -> None:
    assert served.get("/healthz").json == {"status": "ok"}
    assert served.get("/readyz").json == {
        "ready": True,
        "draining": False,
        "models": [{"name": "taxi", "champion": 2}],
    }
    assert served.get("/v1/models").json == {"models": [{"name": "taxi", "champion": 2}]}
    head = served.call("HEAD", "/healthz")
    assert (head.status, head.data) == (200, b"")


def test_metrics_count_requests_and_rows(served: Client, rides: list[Row]) -> None:
    before = metric(served, 'treadle_rows_total{model="taxi",version="2"}')
    requests = metric(served, 'treadle_requests_total{code="200",model="taxi",version="2"}')
    served.post({"instances": rides[:7]})
    assert metric(served, 'treadle_rows_total{model="taxi",version="2"}') == before + 7
    assert metric(served, 'treadle_requests_total{code="200",model="taxi",version="2"}') == requests + 1
    assert metric(served, 'treadle_champion_version{model="taxi"}') == 2
    assert metric(served, "process_resident_memory_bytes") > 0


def test_one_connection_answers_many_requests(served: Client, rides: list[Row]) -> None:
    import http.client

    connection = http.client.HTTPConnection(*served.address, timeout=30)
    for ride in rides[:20]:
        connection.request("POST", "/v1/models/taxi:predict", json.dumps({"instances": [ride]}))
        response = connection.getresponse()
        assert response.status == 200
        assert len(json.loads(response.read())["predictions"]) == 1
    connection.close()


@pytest.mark.parametrize("path", ["/v1/models/taxi:predict", "/v1/models/taxi/versions/2:predict"])
def test_the_signature_may_be_named(served: Client, rides: list[Row], path: str) -> None:
    assert served.post({"instances": rides[:1], "signature_name": "serving_default"}, path).status == 200


def metric(client: Client, name: str) -> float:
    for line in client.get("/metrics").data.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    return 0.0


def findings(client: Client) -> dict[tuple[str, str], float]:
    import re

    pattern = re.compile(r'treadle_findings_total\{feature="(\w+)",kind="(\w+)",.*\} (\S+)')
    return {(m[1], m[2]): float(m[3]) for m in pattern.finditer(client.get("/metrics").data.decode())}
