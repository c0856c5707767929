"""What nodes print is kept with what they made: an artifact for each attempt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from project_folder import Project

from treadle.artifact import Log
from treadle.cli._log import command
from treadle.errors import UsageError
from treadle.metadata import Attempt, open_metadata
from treadle.pipeline import load_pipeline
from treadle.runner import Event, Selection, history, logs, run
from treadle.storage import open_artifacts

TEXT = """
    import sys

    @component
    def quiet() -> int:
        return 1

    @component(retries=1)
    def shaky(x: int, tries: str) -> int:
        attempt = len(list(Path(tries).iterdir()))
        (Path(tries) / str(attempt)).touch()
        print("attempt", attempt)
        sys.stderr.buffer.write(b"\\xff\\n")
        if not attempt:
            raise ConnectionError("not now")
        return x

    @component
    def bug(x: int) -> int:
        print("before the bug")
        raise KeyError(x)

    @pipeline
    def p(tries: str):
        bug(shaky(quiet(), tries))
"""


@pytest.fixture
def ran(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project.write(TEXT)
    tries = str(tmp_path_factory.mktemp("tries"))
    assert project.states({"tries": tries}) == {"quiet": "ran", "shaky": "ran", "bug": "failed"}
    assert project.states({"tries": tries}) == {"quiet": "cached", "shaky": "cached", "bug": "failed"}
    return project


def test_each_attempt_has_its_own(ran: Project) -> None:
    with history(ran.home) as metadata:
        second, first = metadata.runs()
        attempts = [found for found in metadata.executions(first.id) if found.node == "shaky"]
        assert [(found.state, set(found.outputs)) for found in attempts] == [("failed", set()), ("ran", {"value"})]
        assert {found.node for found in metadata.executions(first.id) if found.log is None} == {"quiet"}
        kept = metadata.digests_of(first.id)
    store = open_artifacts(ran.home)
    for number, found in enumerate(attempts):
        assert found.log is not None
        assert found.log.digest in kept  # so it goes into archives, and no collection takes it
        assert (store.open(found.log.digest, Log).path / "log.txt").read_bytes() == b"attempt %d\n\xff\n" % number
    assert [(log.run, log.text) for log in logs("shaky", run=first.id, home=ran.home)] == [
        (first.id, "attempt 0\n\ufffd\n"),
        (first.id, "attempt 1\n\ufffd\n"),
    ]
    assert [(log.run, log.state) for log in logs("shaky", home=ran.home)] == [(first.id, "cached")]
    (failed,) = logs("bug", home=ran.home)
    assert (failed.run, failed.state) == (second.id, "failed")
    assert failed.text.startswith("before the bug\n")
    with pytest.raises(UsageError, match="no node 'none'"):
        logs("none", home=ran.home)


def test_the_command(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(ran.home))
    with history(ran.home) as metadata:
        first = metadata.runs()[-1].id
    done = CliRunner().invoke(command, ["shaky", "--run", first])
    assert "attempt 0" in done.output
    assert "Attempt 2: ran" in done.output
    assert "quiet printed nothing." in CliRunner().invoke(command, ["quiet"]).output
    told = json.loads(CliRunner().invoke(command, ["bug", "--json"]).stdout)
    assert [attempt["state"] for attempt in told["attempts"]] == ["failed"]


def test_an_interrupted_node_has_its_log(project: Project) -> None:
    project.write("""
        import time

        @component
        def slow() -> int:
            print("so far", flush=True)
            time.sleep(60)

        @pipeline
        def p():
            slow()
    """)

    def listen(event: Event) -> None:
        if event.kind == "printed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(load_pipeline(project.folder / "pipeline.py"), home=project.home, on_event=listen)
    with history(project.home) as metadata:
        (record,) = metadata.runs()
        (stopped,) = metadata.executions(record.id)
    assert (stopped.state, stopped.reason) == ("failed", "interrupted")
    assert stopped.log is not None
    (log,) = logs("slow", home=project.home)
    assert log.text == "so far\n"


def test_the_last_attempt_of_a_killed_driver_is_read_from_its_file(tmp_path: Path) -> None:
    with open_metadata(tmp_path) as metadata:
        metadata.begin_run("r1", pipeline="p", ir={})
        for _ in range(2):
            metadata.start_execution(Attempt("r1", "train", "m:train", "first run"))
        metadata.abandon_run("r1", {"code": "NODE_LOST", "what": "died", "where": {}, "hint": None})
    (tmp_path / "logs" / "r1").mkdir(parents=True)
    (tmp_path / "logs" / "r1" / "train.txt").write_text("epoch 1\n")
    assert [(log.state, log.text) for log in logs("train", home=tmp_path)] == [("failed", ""), ("failed", "epoch 1\n")]


def test_a_log_that_was_collected_is_read_from_its_file_or_told_to_be_gone(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(ran.home))
    store = open_artifacts(ran.home)
    with history(ran.home) as metadata:
        _, first = metadata.runs()
        for found in metadata.executions(first.id):
            if found.node == "shaky" and found.state == "ran":
                assert found.log is not None
                path = store.open(found.log.digest, Log).path
    path.chmod(0o700)
    shutil.rmtree(path)
    assert [(log.text, log.gone) for log in logs("shaky", home=ran.home)] == [("attempt 1\n\ufffd\n", False)]
    (ran.home / "logs" / first.id / "shaky.txt").unlink()
    assert [(log.text, log.gone) for log in logs("shaky", home=ran.home)] == [("", True)]
    told = CliRunner().invoke(command, ["shaky"]).output
    assert "is not kept any more" in told
    assert "printed nothing" not in told


def test_a_node_reused_from_a_run_that_reused_it(ran: Project) -> None:
    with history(ran.home) as metadata:
        second, first = metadata.runs()
        tries = first.ir["parameters"]
    ran.run(tries, selection=Selection(only=("bug",)), base=second.id)
    assert [(log.run, log.state) for log in logs("shaky", home=ran.home)] == [(first.id, "cached")]
    assert "attempt 1" in logs("shaky", home=ran.home)[0].text


def test_a_log_that_cannot_be_kept_does_not_undo_the_node(project: Project) -> None:
    project.write("""
        @component
        def a(staging: str) -> int:
            print("said")
            for request in Path(staging).glob("*/*/request.json"):
                request.parent.with_suffix(".log").touch()
            return 5

        @pipeline
        def p(staging: str):
            a(staging)
    """)
    result = project.run({"staging": str(project.home / "staging")})
    assert (result.nodes["a"].state, result.nodes["a"].value) == ("ran", 5)
    assert any("could not be kept" in event.text for event in project.events)
    assert [log.text for log in logs("a", home=project.home)] == ["said\n"]
