from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servable"))

from taxi import build_taxi_servable, taxi_rows

from treadle.cli import main
from treadle.engine import LocalEngine, RayEngine, open_engine
from treadle.errors import EngineError, MissingDependencyError, UsageError
from treadle.servable import Servable


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


@pytest.mark.parametrize(
    "engine", ["local", *(pytest.param(name, marks=pytest.mark.engines) for name in ("spark", "ray"))]
)
def test_predictions_are_the_same_over_every_engine(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if engine != "local":
        request.getfixturevalue(engine)
    build_taxi_servable(tmp_path / "taxi")
    pq.write_table(taxi_rows(count=200), tmp_path / "rides.parquet", row_group_size=64)
    asked = ["predict", str(tmp_path / "taxi"), str(tmp_path / "rides.parquet"), "--json"]
    plain = output(capsys, *asked)
    assert json.loads(plain)["rows"] == 200
    assert output(capsys, *asked, "--engine", engine) == plain
    rates = pa.array([1] * 150 + [None] * 49 + [2**63], pa.uint64())
    rides = taxi_rows(count=200)
    place = rides.column_names.index("rate_code_id")
    pq.write_table(rides.set_column(place, "rate_code_id", rates), tmp_path / "rides.parquet", row_group_size=64)
    errors = {output(capsys, *asked, *more, code=2) for more in ([], ["--engine", engine])}
    assert len(errors) == 1
    empty = tmp_path / "rides.parquet"
    pq.write_table(rides.slice(0, 0), empty)
    assert json.loads(output(capsys, *asked, "--engine", engine))["rows"] == 0


def test_parts_share_a_servable_that_is_loaded_with_the_threads_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build_taxi_servable(tmp_path / "taxi")
    pq.write_table(taxi_rows(count=200), tmp_path / "rides.parquet", row_group_size=20)
    monkeypatch.setenv("TREADLE_THREADS", "1")  # one worker: parts cannot begin to load it side by side
    load, loads = Servable.load, []

    def counted(path: object, *, verify: bool = True, threads: int = 1) -> Servable:
        loads.append(threads)
        return load(path, verify=verify, threads=threads)  # type: ignore[arg-type]

    monkeypatch.setattr(Servable, "load", counted)
    asked = ["predict", str(tmp_path / "taxi"), str(tmp_path / "rides.parquet"), "--json", "--threads", "2"]
    assert json.loads(output(capsys, *asked, "--engine", "local"))["rows"] == 200
    assert loads == [2, 2]  # the command itself, and all parts together


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


@pytest.mark.engines
@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_cluster_that_does_not_answer_is_said_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed (make test-engines installs it)")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # another test may have a cluster of its own
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(EngineError, match="refused") as caught:
        RayEngine(address.format(port))
    assert caught.value.where == {"address": address.format(port)}
    assert "RAY_AUTH_MODE" in (caught.value.hint or "")
