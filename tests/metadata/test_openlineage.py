"""Events as the specification wants them, in a file and over HTTP."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from treadle.errors import EventDeliveryError, UsageError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, openlineage_events, post_event

DATA = ArtifactRecord("sha256:" + "a" * 64, "Examples")
MODEL = ArtifactRecord("sha256:" + "b" * 64, "Model")
OUTSIDE = ArtifactRecord("sha256:" + "c" * 64, "Model")


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[MetadataStore]:
    times = iter(range(1_700_000_000, 1_700_001_000))
    with MetadataStore(tmp_path / "metadata.sqlite", clock=lambda: float(next(times))) as store:
        store.begin_run("r1", pipeline="taxi", ir={})
        first = store.start_execution(Attempt("r1", "read", "m:read", "first run"))
        store.finish_execution(first, "ran", outputs={"examples": DATA})
        attempt = Attempt("r1", "train", "m:train", "first run", inputs={"x": [DATA, DATA], "y": [OUTSIDE]})
        store.finish_execution(store.start_execution(attempt), "ran", outputs={"model": MODEL})
        third = store.start_execution(Attempt("r1", "push", "m:push", "first run", inputs={"m": [MODEL]}))
        store.finish_execution(third, "failed", error={"what": "no server"})
        store.record_unrun(Attempt("r1", "tell", "m:tell", "push failed"), "skipped")
        store.finish_run("r1", "failed")
        yield store


FACETS = {
    "parent": {"run", "job"},
    "errorMessage": {"message", "programmingLanguage"},
    "version": {"datasetVersion"},
}


def assert_valid(event: dict[str, Any]) -> None:
    """What the specification's schema asks of a run event (version 2-0-2), in its words."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= set(event)
    assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
    assert datetime.fromisoformat(event["eventTime"]).utcoffset() is not None
    assert ":" in event["producer"]
    uuid.UUID(event["run"]["runId"])
    places = [event["job"], *event["inputs"], *event["outputs"]]
    assert all(isinstance(place[name], str) and place[name] for place in places for name in ("namespace", "name"))
    for holder in (event["run"], *places):
        for name, facet in holder.get("facets", {}).items():
            assert {"_producer", "_schemaURL"} | FACETS[name] <= set(facet)


def test_events_of_a_run(metadata: MetadataStore) -> None:
    events = openlineage_events(metadata, "r1")
    for event in events:
        assert_valid(event)
    assert [(event["job"]["name"], event["eventType"]) for event in events] == [
        ("taxi", "START"),
        ("taxi.read", "START"),
        ("taxi.read", "COMPLETE"),
        ("taxi.train", "START"),
        ("taxi.train", "COMPLETE"),
        ("taxi.push", "START"),
        ("taxi.push", "FAIL"),
        ("taxi", "FAIL"),
    ]
    trained = events[4]
    assert [found["name"] for found in trained["inputs"]] == ["taxi.read.examples", OUTSIDE.digest]
    assert [found["name"] for found in trained["outputs"]] == ["taxi.train.model"]
    assert trained["outputs"][0]["facets"]["version"]["datasetVersion"] == MODEL.digest
    assert trained["run"]["facets"]["parent"]["run"]["runId"] == events[0]["run"]["runId"]
    assert events[6]["run"]["facets"]["errorMessage"]["message"] == "no server"
    assert events[3]["run"]["runId"] == trained["run"]["runId"] != events[1]["run"]["runId"]
    assert openlineage_events(metadata, "r1") == events


def test_only_runs_that_have_ended(metadata: MetadataStore) -> None:
    metadata.begin_run("r2", pipeline="taxi", ir={})
    for run in ("r2", "none"):
        with pytest.raises(UsageError):
            openlineage_events(metadata, run)


class Catalogue(BaseHTTPRequestHandler):
    got: list[Any] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(201 if self.path == "/api/v1/lineage" else 422)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_events_go_to_a_catalogue(metadata: MetadataStore) -> None:
    events = openlineage_events(metadata, "r1")
    with HTTPServer(("127.0.0.1", 0), Catalogue) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        for event in events:
            post_event(event, f"{url}/api/v1/lineage")
        assert Catalogue.got == events
        with pytest.raises(EventDeliveryError, match="422"):
            post_event(events[0], f"{url}/elsewhere")
        server.shutdown()
        thread.join()
    for nowhere in (url, "http://", "ftp://x/y", "http://[::"):
        with pytest.raises(EventDeliveryError):
            post_event(events[0], nowhere)
