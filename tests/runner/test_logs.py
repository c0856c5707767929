"""What nodes print is kept with what they made: an artifact for each attempt."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from project_folder import Project

from treadle.artifact import Log
from treadle.cli._log import command
from treadle.errors import UsageError
from treadle.runner import history, logs
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
