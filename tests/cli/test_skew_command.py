from __future__ import annotations

import json
from pathlib import Path

import pytest

from treadle.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def test_rows_are_joined_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training, serving = tmp_path / "t.csv", tmp_path / "s.csv"
    training.write_text("id,x,s\n1,1.5,a\n2,2.5,b\n3,3.5,c\n")
    serving.write_text("id,x,s\n3,3.5,c\n2,25.0,b\n9,1,z\n")
    code, out, _ = run(capsys, "skew", training, serving, "--on", "id")
    assert code == 1
    assert "2.5 -> 25.0 (1)" in out
    assert "2 rows compared; ids only in training 1, only in serving 1" in out
    code, out, _ = run(capsys, "skew", training, serving, "--on", "id", "--feature", "s", "--json")
    assert (code, json.loads(out)["features"]["s"]["share"]) == (0, 0)
    assert run(capsys, "skew", training, serving, "--on", "id", "--max-share", "0.5")[0] == 0
    assert run(capsys, "skew", training, serving, "--on", "nowhere")[0] == 2
