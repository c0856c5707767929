from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError, UsageError
from treadle.ingest import scan
from treadle.statistics import Profile, generate, relate

RANDOM = np.random.default_rng(11)
N = 5000
X = RANDOM.normal(size=N) + 1e6
TABLE = pa.table(
    {
        "x": X,
        "y": -2 * X + RANDOM.normal(size=N),
        "noise": RANDOM.normal(size=N),
        "constant": np.full(N, 0.1),
        "holes": pa.array(X, mask=RANDOM.random(N) < 0.4),
        "shape": np.where(X > 1e6, "round", "square"),
        "coin": RANDOM.random(N) < 0.5,
        "id": [f"id{number}" for number in range(N)],
    }
)
STATISTICS = generate(TABLE)


def test_covariance_and_correlation_are_those_of_numpy() -> None:
    found = relate(TABLE.to_batches(700), STATISTICS)
    x, y = TABLE["x"].to_numpy(), TABLE["y"].to_numpy()
    assert found.covariance("x", "y") == pytest.approx(np.cov(x, y, bias=True)[0, 1], rel=1e-9)
    assert found.correlation("x", "y") == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-9)
    there = TABLE["holes"].is_valid().to_numpy()
    assert found.covariance("holes", "y") == pytest.approx(np.cov(x[there], y[there], bias=True)[0, 1], rel=1e-9)
    assert found.correlation("x", "holes") == pytest.approx(1.0)
    assert found.correlation("x", "constant") is None
    assert found.covariance("x", "constant") == pytest.approx(0, abs=1e-9)


def test_what_tells_about_the_label_comes_first() -> None:
    found = relate(TABLE, STATISTICS, label="shape").associations()
    assert next(iter(found)) in ("x", "holes")
    assert found["x"].bits == pytest.approx(1.0, abs=0.06)  # a fair split, known from x to a decile
    assert found["coin"].adjusted == pytest.approx(0, abs=0.002)
    assert found["noise"].adjusted == pytest.approx(0, abs=0.004)
    assert "id" not in found
    assert found["holes"].rows == TABLE["holes"].is_valid().to_numpy().sum()


def test_lift_by_hand() -> None:
    table = pa.table({"rain": [True, True, False, False], "umbrella": ["yes", "yes", "yes", "no"]})
    found = relate(table, generate(table)).lift("rain", "umbrella")
    assert [(each.x, each.y, each.rows, pytest.approx(each.lift)) for each in found] == [
        ("false", "no", 1, 2.0),
        ("true", "yes", 2, 4 / 3),
        ("false", "yes", 1, 2 / 3),
    ]
    assert relate(table, generate(table)).lift("umbrella", "rain", min_rows=2)[0].x == "yes"


ROWS = st.lists(
    st.tuples(st.none() | st.integers(-3, 3), st.none() | st.sampled_from("ab"), st.none() | st.floats(-5, 5)),
    max_size=25,
)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_parts_merge_to_the_whole(first: list[Any], second: list[Any]) -> None:
    def table(rows: list[Any]) -> pa.Table:
        kinds = (pa.int64(), pa.string(), pa.float64())
        return pa.table(
            [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(kinds)], names=["i", "s", "f"]
        )

    statistics = generate(table(first + second))
    whole = relate(table(first + second), statistics)
    part = relate(table(first), statistics)
    part.merge(relate(table(second), statistics))
    assert {pair: counts.tolist() for pair, counts in part.tables.items()} == {
        pair: counts.tolist() for pair, counts in whole.tables.items()
    }
    assert part.comoments.count.tolist() == whole.comoments.count.tolist()
    assert np.allclose(part.comoments.product, whole.comoments.product, rtol=1e-9, atol=1e-9)
    for x, y in whole.tables:
        told = whole.association(x, y)
        assert told is None or (told.bits >= 0 and told == relate_back(part, x, y))


def relate_back(relations: Any, x: str, y: str) -> Any:
    """The same from the other side: information is symmetric."""
    back = relations.association(y, x)
    there = relations.association(x, y)
    assert back.bits == pytest.approx(there.bits, abs=1e-12)
    return there


def test_values_that_the_statistics_do_not_know_are_one_more_value() -> None:
    statistics = generate(pa.table({"a": ["x", "y"], "b": [1, 2]}))
    found = relate(pa.table({"a": ["x", "new"], "b": [1, 3]}), statistics)
    assert {(each.x, each.y) for each in found.lift("a", "b")} == {("x", "1"), ("(other)", "(other)")}


def test_relations_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="gone"):
        relate(TABLE, STATISTICS, label="gone")
    found = relate(TABLE, STATISTICS, columns=["x", "coin"])
    with pytest.raises(UsageError, match="no numeric column"):
        found.covariance("x", "coin")
    with pytest.raises(UsageError, match="not counted"):
        found.lift("x", "id")
    with pytest.raises(UsageError, match="no label"):
        found.associations()
    with pytest.raises(StatisticsError, match="different ways"):
        found.merge(relate(TABLE, STATISTICS, columns=["y", "coin"]))
    wide = pa.table({f"c{number}": [1, 2] for number in range(80)})
    with pytest.raises(UsageError, match="pairs of columns"):
        relate(wide, generate(wide))
    assert found.to_json()["association"]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["u", "v"]),
            st.integers(-5, 5),
            st.integers(0, 90).map(lambda tenths: tenths / 10),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 30),
)
def test_a_row_of_weight_two_counts_as_two_rows(rows: list[tuple[Any, ...]], cut: int) -> None:
    rows = [*rows, ("a", "u", 1, 0.5, 1)]  # at least one of all
    columns = dict(zip(("x", "y", "n", "f", "w"), map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table({**columns, "w": pa.array(columns["w"], pa.float64())})
    repeated = table.take(pa.array([place for place, row in enumerate(rows) for _ in range(row[4])], pa.int64()))
    statistics = generate(table)
    found = relate(table.slice(0, cut), statistics, weight="w")
    found.merge(relate(table.slice(cut), statistics, weight="w"))
    expected = relate(repeated, statistics)
    assert found.lift("x", "y") == expected.lift("x", "y")
    assert found.associations("y") == expected.associations("y")
    for name in ("covariance", "correlation"):
        weighted, plain = (getattr(each, name)("n", "f") for each in (found, expected))
        assert weighted == (None if plain is None else pytest.approx(plain, rel=1e-6, abs=1e-6))


def test_relations_by_weight_are_kept_and_do_not_mix(tmp_path: Path) -> None:
    table = pa.table({"x": ["a", "b", "a"], "y": ["u", "v", "v"], "w": [0.5, 1.0, 0.25]})
    statistics = generate(table)
    found = relate(table, statistics, weight="w")
    assert [(each.x, each.y, each.rows) for each in found.lift("x", "y", min_rows=0.5)] == [
        ("a", "u", 0.5),
        ("b", "v", 1.0),
    ]
    saved = Profile(statistics, relations=found)
    saved.save(tmp_path / "p.json")
    again = Profile.load(tmp_path / "p.json")
    assert again.to_bytes() == saved.to_bytes()
    assert again.to_json()["relations"]["weight"] == "w"
    assert again.relations is not None
    with pytest.raises(StatisticsError, match="cut in different ways"):
        again.relations.merge(relate(table, statistics))
    with pytest.raises(UsageError, match="no column 'v'"):
        relate(table, statistics, weight="v")


def test_parts_whose_weights_are_too_large_together_do_not_merge() -> None:
    table = pa.table({"x": ["a"], "y": ["u"], "w": [2.4e11]})
    statistics = generate(table)
    found = relate(table, statistics, weight="w")
    before = found.to_json()
    with pytest.raises(StatisticsError, match="too large together"):
        found.merge(relate(table, statistics, weight="w"))
    assert found.to_json() == before


def test_a_wrong_weight_in_a_part_is_told_with_the_row_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treadle.ingest._partition.PART_ROWS", 4)
    pq.write_table(
        pa.table({"x": ["a", "b"] * 4, "w": [1.0] * 6 + [-1.0, 1.0]}), tmp_path / "d.parquet", row_group_size=4
    )
    statistics = generate(pa.table({"x": ["a", "b"]}))
    parts = scan(tmp_path / "d.parquet").parts()
    with pytest.raises(StatisticsError, match="negative") as caught:
        relate(parts[1], statistics, weight="w")
    assert caught.value.where == {"column": "w", "row": 6}
