"""The loop measures what the champion is for, not what its labels happen to look like."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servable"))

from taxi import build_taxi_servable, taxi_rows

from treadle.artifact import PREDICTION_COLUMN, PREDICTION_ID_COLUMN, TIME_COLUMN, VERSION_COLUMN
from treadle.loop import Loop, RetrainPolicy
from treadle.monitoring import LabelStore
from treadle.pipeline import pipeline
from treadle.registry import Registry


@pipeline
def never() -> None:
    """Nothing is retrained here."""


@pytest.mark.parametrize(("task", "metric"), [("regression", "rmse"), ("binary", "calibration")])
def test_quality_is_of_the_champions_task(tmp_path: Path, task: str, metric: str) -> None:
    # every label is 0 or 1 and every prediction between them: the numbers alone do not say what they are
    build_taxi_servable(tmp_path / "serving" / "taxi" / "1", task=task)
    registry = Registry(tmp_path / "home")
    registry.register("taxi", "sha256:0", properties={"last_span": "2018-09"})
    registry.promote("taxi", 1, reason="by hand")
    rides = taxi_rows(count=20)
    ids = [str(number) for number in range(20)]
    (tmp_path / "log" / "taxi").mkdir(parents=True)
    own = {
        PREDICTION_ID_COLUMN: ids,
        PREDICTION_COLUMN: pa.array([0.25] * 20, pa.float32()),
        VERSION_COLUMN: pa.array([1] * 20, pa.int64()),
        TIME_COLUMN: pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 20, pa.timestamp("us", "UTC")),
    }
    served = pa.table({**{name: rides[name] for name in rides.column_names}, **own})
    pq.write_table(served, tmp_path / "log" / "taxi" / "segment-1.parquet")
    LabelStore(tmp_path / "labels").add(
        pa.table({"prediction_id": ids, "label": [0.0, 1.0] * 10, "event_time": rides["pickup_datetime"]})
    )
    loop = Loop(
        never,
        RetrainPolicy(min_rows=1),
        model="taxi",
        serving=tmp_path / "serving",
        log=tmp_path / "log",
        labels=tmp_path / "labels",
        home=tmp_path / "home",
    )
    (turn,) = loop.tick(datetime(2018, 11, 1))
    assert metric in turn.quality["metrics"]
