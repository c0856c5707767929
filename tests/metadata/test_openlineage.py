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

from treadle.cli._main import main
from treadle.errors import EventDeliveryError, UsageError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore, openlineage_events, post_event

DATA = ArtifactRecord("sha256:" + "a" * 64, "Examples")
MODEL = ArtifactRecord("sha256:" + "b" * 64, "Model")
PRINTED = ArtifactRecord("sha256:" + "d" * 64, "Log")
OUTSIDE = ArtifactRecord("sha256:" + "c" * 64, "Model")


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[MetadataStore]:
    times = iter(range(1_700_000_000, 1_700_001_000))
    with MetadataStore(tmp_path / "metadata.sqlite", clock=lambda: float(next(times))) as store:
        store.begin_run("r1", pipeline="taxi", ir={})
        first = store.start_execution(Attempt("r1", "read", "m:read", "first run"))
        store.finish_execution(first, "ran", outputs={"examples": DATA}, log=PRINTED)
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
    assert [found["name"] for found in events[2]["outputs"]] == ["taxi.read.examples"]  # what it printed is no dataset
    assert PRINTED.digest not in json.dumps(events)
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
    """Takes events at one address, as catalogues do."""

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(201 if self.path == "/api/v1/lineage" else 422)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def catalogue() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Catalogue) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_events_go_to_a_catalogue(metadata: MetadataStore, catalogue: HTTPServer) -> None:
    events = openlineage_events(metadata, "r1")
    url = f"http://127.0.0.1:{catalogue.server_port}"
    for event in events:
        post_event(event, f"{url}/api/v1/lineage")
    assert catalogue.got == events
    with pytest.raises(EventDeliveryError, match="422"):
        post_event(events[0], f"{url}/elsewhere")


def test_catalogues_that_are_not_there(metadata: MetadataStore) -> None:
    event = openlineage_events(metadata, "r1")[0]
    for nowhere in ("http://127.0.0.1:1/", "http://", "ftp://x/y", "http://[::"):
        with pytest.raises(EventDeliveryError):
            post_event(event, nowhere)


@pytest.fixture
def emitted(
    metadata: MetadataStore, catalogue: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """The events of a run as the command wrote them to a file, and as a server got them."""
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path))
    for target in (str(tmp_path / "events.jsonl"), f"http://127.0.0.1:{catalogue.server_port}/api/v1/lineage"):
        with pytest.raises(SystemExit) as ended:
            main(["openlineage", "r1", "--to", target])
        assert ended.value.code == 0
    written = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert written == catalogue.got == openlineage_events(metadata, "r1")
    return written


@pytest.mark.engines
def test_events_are_valid_by_the_published_schemas(emitted: list[dict[str, Any]]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed; make test-engines")
    from openlineage_spec import documents
    from referencing import Registry, Resource

    known = documents()
    registry = Registry().with_resources((uri, Resource.from_contents(text)) for uri, text in known.items())

    def check(thing: dict[str, Any], uri: str) -> None:
        assert uri.partition("#")[0] in known
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": uri}
        checks = jsonschema.Draft202012Validator(
            schema, registry=registry, format_checker=jsonschema.FormatChecker(["uuid"])
        )
        checks.validate(thing)
        for lacking in known[uri.partition("#")[0]]["$defs"][uri.rpartition("/")[2]].get("required", ()):
            assert not checks.is_valid({name: value for name, value in thing.items() if name != lacking})

    facets = 0
    for event in emitted:
        check(event, event["schemaURL"])
        assert not jsonschema.Draft202012Validator({"$ref": event["schemaURL"]}, registry=registry).is_valid(
            {**event, "eventType": "DONE"}
        )
        for holder in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
            for facet in holder["facets"].values():
                check(facet, facet["_schemaURL"])
                facets += 1
    assert facets > 10


def without_empty(value: Any) -> Any:
    """Without the places for facets that nothing is in: whether they are written is each one's own."""
    if isinstance(value, list):
        return [without_empty(one) for one in value]
    if isinstance(value, dict):
        return {name: without_empty(one) for name, one in value.items() if one != {}}
    return value


@pytest.mark.engines
def test_events_are_those_of_the_official_client(emitted: list[dict[str, Any]]) -> None:
    """Its classes are made from the specification: what they say of a run is what we say."""
    pytest.importorskip("openlineage.client", reason="openlineage-python is not installed; make test-engines")
    from openlineage.client import event_v2, facet_v2
    from openlineage.client.serde import Serde

    facet_v2.set_producer(emitted[0]["producer"])

    def facet(name: str, said: dict[str, Any]) -> Any:
        if name == "parent":
            of = facet_v2.parent_run
            return of.ParentRunFacet(run=of.Run(**said["run"]), job=of.Job(**said["job"]))
        kinds = {
            "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
            "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
        }
        return kinds[name](**{key: value for key, value in said.items() if not key.startswith("_")})

    def told(kind: Any, said: dict[str, Any]) -> Any:
        facets = {name: facet(name, one) for name, one in said["facets"].items()}
        return kind(**{**said, "facets": facets})

    for event in emitted:
        theirs = event_v2.RunEvent(
            eventType=event_v2.RunState(event["eventType"]),
            eventTime=event["eventTime"],
            run=told(event_v2.Run, event["run"]),
            job=told(event_v2.Job, event["job"]),
            inputs=[told(event_v2.InputDataset, one) for one in event["inputs"]],
            outputs=[told(event_v2.OutputDataset, one) for one in event["outputs"]],
            producer=event["producer"],
        )
        assert without_empty(Serde.to_dict(theirs)) == without_empty(event)
