"""A no to runs that an orchestrator makes, of which nobody here goes on with any."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.cli import main
from treadle.components import Approvals
from treadle.metadata import Attempt, MetadataStore
from treadle.runner import history


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_a_no_ends_every_run_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path))
    MetadataStore(tmp_path / "metadata.sqlite").close()
    for name, backend in (("r0", {}), ("r1", {"backend": "kubeflow"}), ("r2", {"backend": "kubeflow"})):
        with history() as metadata, Approvals(tmp_path) as approvals:
            metadata.begin_run(name, pipeline="p", ir={"parameters": {"for": name}, **backend})
            approvals.ask("g", "sha256:" + "a" * 64, verdict="passed", expires=None, place=(name, "gate"))
            metadata.finish_execution(metadata.start_execution(Attempt(name, "gate", "p:gate", "new")), "waiting")
            if state == "waiting" or name == "r0":
                metadata.finish_run(name, "waiting")
    with pytest.raises(SystemExit) as ended:
        main(["reject", "r2", "gate", "--reason", "too slow", "--by", "ada"])
    told = capsys.readouterr().err
    assert ended.value.code == 0
    assert ("has failed" in told, "ends as failed when" in told) == (state == "waiting", state == "running")
    with history() as metadata:
        if state == "running":
            for name in ("r1", "r2"):
                metadata.finish_run(name, "waiting")
        assert {one.id: one.state for one in metadata.runs()} == {"r0": "waiting", "r1": "failed", "r2": "failed"}
    with pytest.raises(SystemExit):
        main(["status", "r1"])
    assert "ada rejected it: too slow [APPROVAL_REJECTED]" in capsys.readouterr().out
