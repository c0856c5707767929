"""The whole wheel, small: pipeline, server process, replay, labels, a turn of the loop, a swap under traffic."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from treadle import runner
from treadle.components import Approvals
from treadle.errors import LoopError, RegistryError
from treadle.ingest import ROW_ID, build_examples, list_spans, read_examples, select_spans
from treadle.loop import Loop, Replay, RetrainPolicy, Sent
from treadle.monitoring import LabelStore, Traffic
from treadle.pipeline import load_pipeline
from treadle.registry import Registry
from treadle.schema import Schema
from treadle.transform import TransformGraph

TAXI = Path(__file__).parents[2] / "examples" / "taxi"


@pytest.fixture(scope="module")
def taxi():
    spec = importlib.util.spec_from_file_location("taxi_pipeline", TAXI / "pipeline.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["taxi_pipeline"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["taxi_pipeline"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def first_run(taxi, place):
    result = runner.run(
        taxi.taxi,
        {"first": "2018-11", "last": "2018-12", "serving": str(place / "serving")},
        home=place / "home",
    )
    assert result.state == "succeeded", {name: str(node.error) for name, node in result.nodes.items() if node.error}
    return result


@pytest.fixture
def server(first_run, place):
    command = [sys.executable, "-m", "treadle", "serve", str(place / "serving"), "--port", "0", "--json"]
    command += ["--log", str(place / "log"), "--seal-seconds", "0.5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    yield json.loads(process.stdout.readline())["url"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def make_loop(taxi, place, policy):
    return Loop(
        taxi.taxi,
        policy,
        model="taxi",
        serving=place / "serving",
        log=place / "log",
        labels=place / "labels",
        parameters={"serving": str(place / "serving")},
        home=place / "home",
    )


def test_a_loop_without_a_champion_says_what_to_do(taxi, tmp_path):
    with pytest.raises(RegistryError, match="Run the pipeline"):
        make_loop(taxi, tmp_path, RetrainPolicy()).tick(datetime(2019, 3, 1))
    Registry(tmp_path / "home").register("taxi", "sha256:0")
    Registry(tmp_path / "home").promote("taxi", 1, reason="by hand")
    with pytest.raises(LoopError, match="not in the serving folder"):
        make_loop(taxi, tmp_path, RetrainPolicy()).tick(datetime(2019, 3, 1))


def test_the_first_model_is_the_champion(first_run, place):
    version = Registry(place / "home").get("taxi@champion")
    assert (version.version, version.properties["last_span"]) == (1, "2018-12")
    assert (place / "serving" / "taxi" / "champion").read_text() == "1\n"


def test_running_again_reuses_all_but_the_push(taxi, first_run, place):
    again = runner.run(
        taxi.taxi, {"first": "2018-11", "last": "2018-12", "serving": str(place / "serving")}, home=place / "home"
    )
    ran = {name for name, node in again.nodes.items() if node.state == "ran"}
    # there is a champion now, so what compares with it runs too
    assert ran == {"champion", "evaluate", "push"}
    assert len(Registry(place / "home").versions("taxi")) == 1


def test_what_is_pushed_is_proven_on_real_rows_when_it_was_built_and_again(first_run):
    proof = first_run.nodes["push"].outputs["pushed"].properties["proof"]
    assert proof["rows"] > 1000
    assert 0 <= proof["max_difference"] <= proof["bound"]
    assert proof["again"]["rows"] == 16
    assert proof["again"]["max_difference_from_native"] <= proof["bound"]


def test_a_turn_of_the_wheel(taxi, first_run, place, server):
    schema = Schema.load(TAXI / "schema.toml")
    folder = place / "months"
    build_examples(
        select_spans(list_spans(taxi.DATA), first="2019-02", last="2019-02"),
        schema=schema,
        out_path=folder,
        where=taxi.CARD_PAID,
    )
    rides = read_examples(folder).table("train").slice(0, 1500)
    features = list(schema.environment("SERVING").features)
    graph = TransformGraph.load(first_run.nodes["transform"].outputs["graph"].path)
    with Replay(server, "taxi", batch_rows=200) as client:
        sent = client.send(rides.select(features), rides[ROW_ID])
        assert (sent.rows, sent.failed, sent.by_version) == (1500, 0, {1: 1500})
        LabelStore(place / "labels").add(
            pa.table(
                {
                    "prediction_id": rides[ROW_ID],
                    "label": graph.transform(rides, outputs=["big_tip"])["big_tip"],
                    "event_time": rides["pickup_datetime"],
                }
            )
        )
        wait_for(lambda: Traffic(place / "log", "taxi").read().num_rows == 1500)
        policy = RetrainPolicy(drift=1, quality={"calibration": (0.99, None)}, window=1, min_rows=1000)
        loop = make_loop(taxi, place, policy)
        turns = loop.tick(datetime(2019, 3, 1))
        # January had no traffic: nothing to decide. In February the surcharge is there.
        assert [(turn.window.name, turn.rows > 1000) for turn in turns] == [("2019-01", False), ("2019-02", True)]
        assert turns[0].action == "none"
        assert turns[1].drifted["congestion_surcharge"]["missing"] > 0.9
        assert turns[1].action in ("promoted", "refused")
        assert "drift in 2019-02: congestion_surcharge" in " ".join(turns[1].reasons)
        assert "trained on 2019-02..2019-02" in turns[1].reasons
        assert loop.tick(datetime(2019, 3, 1)) == []  # a window is decided once
        assert loop.turns() == turns
        # whatever the gates said, the alias can be moved, and the server follows it without failing a request
        expected = 2 if turns[1].action == "promoted" else 1
        assert int((place / "serving" / "taxi" / "champion").read_text()) == expected == turns[1].version
        sent = Sent()
        for start in range(0, 1500, 100):
            ids = pa.array([f"again-{start + n}" for n in range(100)])
            sent.add(client.send(rides.slice(start, 100).select(features), ids))
            time.sleep(0.1)
        assert sent.failed == 0
        assert set(sent.by_version) <= {1, expected}
        assert expected in sent.by_version


PUSH = '    step.push(servable, scores.verdict, examples, name="taxi", serving=serving)\n'
ASKED = '    asked = step.approval(servable, scores.verdict, gate=GATE, node="release")\n'


@pytest.mark.parametrize("answer", ["approved", "approved and gone on with", "rejected"])
def test_a_retraining_that_waits_for_a_person_goes_on_when_there_is_an_answer(answer, taxi, first_run, place):
    if not (place / "log").exists():
        pytest.skip("the turn of the wheel before this one makes its traffic")
    text = (TAXI / "pipeline.py").read_text().replace("Path(__file__).parent", repr(TAXI).replace("PosixPath", "Path"))
    assert PUSH in text
    guarded = text.replace(
        PUSH, ASKED.replace("GATE", repr(answer)) + PUSH.replace("examples, name", "examples, asked, name")
    )
    (place / "guarded.py").write_text(guarded)
    (place / "home" / "loop.sqlite").unlink()
    policy = RetrainPolicy(drift=1, quality={"calibration": (0.99, None)}, window=1, min_rows=1000)
    pipeline = load_pipeline(place / "guarded.py")
    loop = Loop(
        pipeline,
        policy,
        model="taxi",
        serving=place / "serving",
        log=place / "log",
        labels=place / "labels",
        parameters={"serving": str(place / "serving")},
        home=place / "home",
    )
    loop._first_window_start = lambda: datetime(2019, 2, 1)  # whichever version is the champion by now
    (turn,) = loop.tick(datetime(2019, 3, 1))
    assert turn.action == "waiting"
    assert "release waits for approval of sha256:" in turn.reasons[-1]
    assert loop.tick(datetime(2019, 3, 1)) == []
    (next_turn,) = loop.tick(datetime(2019, 4, 1))
    assert (next_turn.action, loop.turns()[0].action) == ("none", "waiting")
    with Approvals(place / "home") as approvals:
        approvals.decide(turn.run_id, "release", approved=answer != "rejected", by="ada", reason="looked at it")
    if "gone on" in answer:
        went_on = runner.run(pipeline, resume=turn.run_id, home=place / "home")
        assert went_on.state == "succeeded"
    versions = len(Registry(place / "home").versions("taxi"))
    (settled,) = loop.tick(datetime(2019, 4, 1))
    assert settled.window == turn.window
    assert settled.action in (["refused"] if answer == "rejected" else ["promoted", "refused"])
    if answer == "rejected":
        assert "ada rejected it: looked at it" in settled.reasons[-1]
    if "gone on" in answer:
        assert len(Registry(place / "home").versions("taxi")) == versions  # nothing is pushed twice
    assert [kept.action for kept in loop.turns()] == [settled.action, "none"]
    assert loop.tick(datetime(2019, 4, 1)) == []


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
