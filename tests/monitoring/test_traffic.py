from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.artifact import PREDICTION_COLUMN, PREDICTION_ID_COLUMN, TIME_COLUMN, VERSION_COLUMN
from treadle.errors import MonitoringError
from treadle.monitoring import Traffic, Window, measure_quality

JANUARY = Window(datetime(2019, 1, 1), datetime(2019, 2, 1))


def segment(folder, name, rows, **extra):
    """A sealed segment; rows are (id, event time, prediction, version)."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "when": pa.array([row[1] for row in rows], pa.timestamp("us")),
            **extra,
            PREDICTION_ID_COLUMN: [row[0] for row in rows],
            PREDICTION_COLUMN: pa.array([row[2] for row in rows], pa.float32()),
            VERSION_COLUMN: pa.array([row[3] for row in rows], pa.int64()),
            TIME_COLUMN: pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * len(rows), pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(table, folder / name)


@pytest.fixture
def log(tmp_path):
    day = datetime(2019, 1, 15)
    segment(tmp_path / "taxi", "segment-1.parquet", [("a", day, 0.9, 1), ("b", datetime(2018, 12, 31), 0.5, 1)])
    segment(
        tmp_path / "taxi",
        "segment-2.parquet",
        [("c", datetime(2019, 1, 1), 0.2, 2), ("d", datetime(2019, 2, 1), 0.1, 2), ("a", day, 0.8, 2)],
        added=[1, 2, 3],
    )
    (tmp_path / "taxi" / "segment-3.open").write_bytes(b"half")
    return tmp_path


def test_windows_are_half_open_and_the_last_answer_stands(log):
    rows = Traffic(log, "taxi", event_time="when").read(JANUARY)
    assert rows[PREDICTION_ID_COLUMN].to_pylist() == ["c", "a"]
    assert rows[PREDICTION_COLUMN].to_pylist() == pytest.approx([0.2, 0.8])
    assert rows["added"].to_pylist() == [1, 3]  # a feature that only later versions have


def test_everything_and_the_earliest(log):
    traffic = Traffic(log, "taxi", event_time="when")
    assert traffic.read().num_rows == 4
    assert traffic.first_event() == datetime(2018, 12, 31)
    assert Traffic(log, "taxi").first_event() == datetime(2024, 1, 1)  # the server's clock


def test_nothing_served_yet(tmp_path):
    traffic = Traffic(tmp_path, "taxi", event_time="when")
    assert traffic.read(JANUARY).num_rows == 0
    assert traffic.first_event() is None
    assert measure_quality(traffic.read(JANUARY), pa.table({})).metrics["auc"] is None


def test_unknown_event_time_and_broken_segment(log):
    with pytest.raises(MonitoringError, match="no column 'pickup'"):
        Traffic(log, "taxi", event_time="pickup").read(JANUARY)
    (log / "taxi" / "segment-2.parquet").write_bytes(b"PAR1")
    with pytest.raises(MonitoringError, match="cannot be read") as error:
        Traffic(log, "taxi", event_time="when").read(JANUARY)
    assert "segment-2.parquet" in str(error.value)


def test_quality_overall_and_per_version(log):
    rows = Traffic(log, "taxi", event_time="when").read()
    labels = pa.table({"prediction_id": ["a", "c", "b", "zz"], "label": [1.0, 0.0, 1.0, 1.0]})
    quality = measure_quality(rows, labels)
    assert (quality.rows, quality.labelled) == (4, 3)
    assert quality.metrics["auc"] == 1.0
    assert quality.metrics["calibration"] == pytest.approx((0.8 + 0.2 + 0.5) / 2)
    assert {version: metrics["count"] for version, metrics in quality.by_version.items()} == {1: 1, 2: 2}
