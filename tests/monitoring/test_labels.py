from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import LabelError
from treadle.monitoring import LabelStore, join_labels


def labels(*rows):
    return pa.table(
        {
            "prediction_id": [row[0] for row in rows],
            "label": pa.array([float(row[1]) for row in rows], pa.float64()),
            "event_time": pa.array([datetime(2019, 1, 1)] * len(rows), pa.timestamp("us")),
        }
    )


def test_the_last_label_to_arrive_wins(tmp_path):
    store = LabelStore(tmp_path)
    store.add(labels(("a", 0), ("b", 1), ("a", 1)))
    store.add(labels(("b", 0), ("c", 1)))
    assert dict(zip(*[store.read()[name].to_pylist() for name in ("prediction_id", "label")], strict=True)) == {
        "a": 1, "b": 0, "c": 1,
    }  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 1)), min_size=1), max_size=6))
def test_equals_a_dict_that_is_updated(tmp_path_factory, deliveries):
    store = LabelStore(tmp_path_factory.mktemp("labels"))
    expected = {}
    for delivery in deliveries:
        store.add(labels(*delivery))
        expected.update(delivery)
    read = store.read()
    assert dict(zip(read["prediction_id"].to_pylist(), read["label"].to_pylist(), strict=True)) == expected
    served = pa.table({"id": list("fxedcba")})
    assert join_labels(served, read, key="id").to_pylist() == [expected.get(name) for name in "fxedcba"]


def test_more_than_nine_deliveries_keep_their_order(tmp_path):
    store = LabelStore(tmp_path)
    for number in range(12):
        store.add(labels(("a", number % 2)))
    assert store.read()["label"].to_pylist() == [1.0]


def test_no_labels_yet(tmp_path):
    read = LabelStore(tmp_path / "nowhere").read()
    assert read.num_rows == 0
    assert join_labels(pa.table({"id": ["a"]}), read, key="id").to_pylist() == [None]


def test_label_files_have_one_type_whatever_comes(tmp_path):
    table = labels(("a", 1)).set_column(1, "label", pa.array([True]))
    LabelStore(tmp_path).add(table)
    assert LabelStore(tmp_path).read()["label"].to_pylist() == [1.0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (labels(("a", 1)).drop_columns(["label"]), "lack the column 'label'"),
        (labels(("a", 1)).set_column(1, "label", pa.array(["yes"])), "wrong type"),
        (labels(("a", 1)).set_column(1, "label", pa.array([None], pa.float64())), "row has no label"),
        (labels(("a", 1)).set_column(0, "prediction_id", pa.array([None], pa.string())), "has no prediction_id"),
    ],
)
def test_bad_deliveries_leave_nothing(tmp_path, table, message):
    with pytest.raises(LabelError, match=message):
        LabelStore(tmp_path).add(table)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_named(tmp_path):
    path = LabelStore(tmp_path).add(labels(("a", 1)))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(LabelError, match="cannot be read") as error:
        LabelStore(tmp_path).read()
    assert path.name in str(error.value)
