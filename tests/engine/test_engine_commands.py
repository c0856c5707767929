from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.cli import main
from treadle.engine import LocalEngine, open_engine
from treadle.errors import MissingDependencyError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> str:
    pq.write_table(pa.table({"x": [1, 2, None], "s": ["a", "b", "a"], "w": [1.0, 0.5, 2.0]}), tmp_path / "a.parquet")
    return str(tmp_path / "a.parquet")


def output(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(list(args))
    assert stopped.value.code == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


@pytest.mark.parametrize(
    "engine", ["local", *(pytest.param(name, marks=pytest.mark.engines) for name in ("spark", "ray"))]
)
def test_statistics_are_the_same_over_every_engine(
    engine: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if engine != "local":
        request.getfixturevalue(engine)  # what is running is used, and goes on
    saved = str(tmp_path / "saved.json")
    asked = ["--slice", "s", "--weight", "w", "--relations", "--label", "s", "--measure", "s=time", "--save", saved]
    for options in (["--compare", file], asked, ["--merge", saved]):
        plain = output(capsys, "stats", file, "--json", *options)
        assert output(capsys, "stats", file, "--json", *options, "--engine", engine) == plain
        assert json.loads(plain)["num_rows"] == (6 if "--merge" in options else 3)


@pytest.mark.parametrize(
    "engine", ["local", *(pytest.param(name, marks=pytest.mark.engines) for name in ("spark", "ray"))]
)
def test_drift_is_the_same_over_every_engine(
    engine: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if engine != "local":
        request.getfixturevalue(engine)
    pq.write_table(pa.table({"x": [9, 8], "s": ["b", "c"], "w": [None, 2.0]}), tmp_path / "b.parquet")
    asked = ["drift", file, str(tmp_path / "b.parquet"), "--json", "--histogram", "standard"]
    plain = output(capsys, *asked)
    assert json.loads(plain)["features"]["s"]["l_infinity"] == pytest.approx(2 / 3)
    assert output(capsys, *asked, "--engine", engine) == plain


def test_an_engine_that_is_not_there_is_refused(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no engine 'dask'" in output(capsys, "stats", file, "--engine", "dask", code=2)


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TREADLE_ENGINE", raising=False)
    assert isinstance(open_engine(), LocalEngine)
    monkeypatch.setenv("TREADLE_ENGINE", "abacus")
    with pytest.raises(UsageError, match="no engine 'abacus'") as caught:
        open_engine()
    assert "local, spark, ray" in (caught.value.hint or "")
    assert isinstance(open_engine("local"), LocalEngine)


@pytest.mark.parametrize(("engine", "library"), [("spark", "pyspark.sql"), ("ray", "ray")])
def test_a_missing_library_is_named(engine: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError) as caught:
        open_engine(engine)
    assert f"pip install 'treadle[{engine}]'" in (caught.value.hint or "")
