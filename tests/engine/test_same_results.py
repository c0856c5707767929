"""The same work over every engine gives the same bytes; large parts are made small, so that there are several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from treadle.engine import Engine, LocalEngine
from treadle.errors import CorruptFileError, StatisticsError, UsageError, UserCodeError
from treadle.ingest import scan
from treadle.schema import Schema
from treadle.statistics import generate, profile
from treadle.validation import check_rows

ENGINES = [
    pytest.param("here", id="threads"),
    pytest.param("spark", marks=pytest.mark.engines),
    pytest.param("ray", marks=pytest.mark.engines),
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return LocalEngine(3) if request.param == "here" else request.getfixturevalue(request.param)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two Parquet files in three parts, among them continuous floats and more strings than are counted exactly."""
    monkeypatch.setattr("treadle.ingest._partition.PART_ROWS", 20_000)
    random = np.random.default_rng(7)
    rows = 60_000
    table = pa.table(
        {
            "count": pa.array(random.integers(0, 50, rows), mask=random.random(rows) < 0.1),
            "amount": pa.array(random.lognormal(size=rows)),
            "city": pa.array(random.choice(["Ulm", "Bonn", None, ""], rows)),
            "name": pa.array([f"n{value}" for value in random.integers(0, 30_000, rows)]),
            "empty": pa.nulls(rows, pa.int64()),
            "weight": pa.array(random.integers(0, 9, rows) / 8),
        }
    )
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(table.slice(0, 45_000), paths[0], row_group_size=10_000)
    pq.write_table(table.slice(45_000).drop_columns(["city"]), paths[1])
    return paths


def test_statistics(engine: Engine, files: list[Path]) -> None:
    source = scan(files)
    assert [len(part.pieces) for part in source.parts()] == [1, 1, 2]
    found = generate(source, engine=engine)
    assert found.to_bytes() == generate(source, engine=LocalEngine(1)).to_bytes()
    plain = generate(source)
    for name in ("count", "city", "empty"):
        assert found.to_json()["features"][name] == plain.to_json()["features"][name]
    assert found.num_rows == plain.num_rows == 60_000
    amount, expected = found.features["amount"], plain.features["amount"]
    assert amount.mean == pytest.approx(expected.mean, rel=1e-14)
    assert amount.std_dev == pytest.approx(expected.std_dev, rel=1e-12)
    assert (amount.min, amount.median, amount.max, amount.unique) == (
        expected.min,
        expected.median,
        expected.max,
        expected.unique,
    )
    assert found.features["name"].unique == plain.features["name"].unique


def test_one_part_has_the_bytes_of_no_engine(engine: Engine, files: list[Path]) -> None:
    source = scan(files[1])
    assert len(source.parts()) == 1
    assert generate(source, engine=engine).to_bytes() == generate(source).to_bytes()


def test_profiles(engine: Engine, files: list[Path]) -> None:
    for file in files:
        pq.write_table(pq.read_table(file).drop_columns(["name"]), file, row_group_size=10_000)
    asked = {"slices": ["city"], "weight": "weight", "relations": ["count", "amount", "city"]}
    found = profile(scan(files), engine=engine, **asked)
    assert found.to_bytes() == profile(scan(files), engine=LocalEngine(1), **asked).to_bytes()
    plain = profile(scan(files), **asked)
    assert found.slices is not None
    assert plain.slices is not None
    assert list(found.slices.parts) == list(plain.slices.parts)
    bonn, expected = found.slices.parts["city=Bonn"], plain.slices.parts["city=Bonn"]
    assert bonn.features["amount"].mean == pytest.approx(expected.features["amount"].mean, rel=1e-14)
    assert found.weighted is not None
    assert plain.weighted is not None
    for name in ("count", "city"):
        assert found.weighted.to_json()["features"][name] == plain.weighted.to_json()["features"][name]
    assert found.weighted.features["amount"].mean == pytest.approx(plain.weighted.features["amount"].mean, rel=1e-14)
    assert found.relations is not None
    assert plain.relations is not None
    assert found.relations.lift("count", "city") == plain.relations.lift("count", "city")
    assert found.relations.correlation("count", "amount") == pytest.approx(
        plain.relations.correlation("count", "amount"), rel=1e-9
    )
    more = found.measure(scan(files[0]), engine=engine)
    assert more.to_bytes() == found.measure(scan(files[0]), engine=LocalEngine(1)).to_bytes()
    found.merge(more)
    assert found.statistics.num_rows == 105_000


def test_a_weight_that_is_wrong_is_found_in_its_part(engine: Engine, files: list[Path], tmp_path: Path) -> None:
    right = pq.read_table(files[1]).drop_columns(["weight"])
    wrong = right.append_column("weight", [pa.array([1.0] * 14_000 + [-1.0] * 1_000)])
    pq.write_table(wrong, tmp_path / "wrong.parquet", row_group_size=10_000)
    with pytest.raises(StatisticsError, match="negative") as caught:
        profile(scan([files[0], tmp_path / "wrong.parquet"]), weight="weight", engine=engine)
    assert caught.value.where == {"column": "weight", "row": 59_000}
    with pytest.raises(UsageError, match="no column 'town'"):
        profile(scan(files), slices=["town"], engine=engine)


def test_an_error_in_a_part_says_where(engine: Engine, files: list[Path], tmp_path: Path) -> None:
    source = scan(files)
    files[1].write_bytes(files[1].read_bytes()[:1000])
    with pytest.raises(CorruptFileError) as caught:
        generate(source, engine=engine)
    assert caught.value.where == {"file": files[1], "bytes": 1000}
    odd = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"m": pa.array([[(1, 2)]], pa.map_(pa.int64(), pa.int64()))}), odd)
    assert generate(scan(odd), engine=engine).features["m"].count == 1


def test_rows_of_this_process_are_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="in this process") as caught:
        generate(pa.table({"x": [1]}), engine=engine)
    assert "scan" in (caught.value.hint or "")


def test_measures_are_known_or_refused(engine: Engine, files: list[Path]) -> None:
    found = generate(scan(files), measures={"name": ["text"]}, engine=engine)
    assert found.to_bytes() == generate(scan(files), measures={"name": ["text"]}, engine=LocalEngine(1)).to_bytes()
    with pytest.raises(UsageError, match="no column 'nam'"):
        generate(scan(files), measures={"nam": ["text"]}, engine=engine)
    with pytest.raises((UsageError, StatisticsError)):
        generate(scan(files), measures={"name": ["nothing"]}, engine=engine)


SCHEMA = """
key = "name"

[features.count]
type = "int"
min_fraction = 1.0
max = 45

[features.amount]
type = "float"
max = 20.0

[features.city]
type = "string"
values = ["Ulm"]
required = false

[features.name]
type = "string"

[features.empty]
type = "bool"
required = false

[rules.dear]
rows = "amount < 15 or count > 3"
"""


@pytest.mark.parametrize("limit", [None, 4])
def test_rows_that_are_wrong(engine: Engine, files: list[Path], limit: int | None) -> None:
    def is_even(batch: pa.RecordBatch) -> pa.Array:
        return pc.equal(pc.bit_wise_and(batch.column("count"), 1), 0)

    schema, checks = Schema.loads(SCHEMA), {"even": is_even}
    plain = check_rows(scan(files), schema, limit=limit, checks=checks)
    found = check_rows(scan(files), schema, limit=limit, checks=checks, engine=engine)
    reasons = {reason.value for _, reason, _ in found.counts}
    assert reasons >= {"LOW_PRESENCE", "OUT_OF_RANGE", "NOT_UNIQUE", "RULE"}
    assert found.num_rows == plain.num_rows == 60_000
    assert found.counts == plain.counts
    assert found.table.equals(plain.table)
    assert {key: rows.to_pylist() for key, rows in found.wrong.items()} == {
        key: rows.to_pylist() for key, rows in plain.wrong.items()
    }


def test_a_check_that_raises_is_the_users(engine: Engine, files: list[Path]) -> None:
    def broken(batch: pa.RecordBatch) -> int:
        return batch.num_rows // 0

    with pytest.raises(UserCodeError, match="The check 'broken'") as caught:
        check_rows(scan(files), Schema.loads(SCHEMA), checks={"broken": broken}, engine=engine)
    assert "ZeroDivisionError" in caught.value.what
    assert "test_same_results.py" in str(caught.value.where["line"])
