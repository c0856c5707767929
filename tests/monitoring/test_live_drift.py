from __future__ import annotations

import numpy as np
import pyarrow as pa

from treadle.monitoring import measure_drift
from treadle.schema import Feature, Schema
from treadle.statistics import generate


def test_every_threshold_of_the_schema_is_applied_to_traffic() -> None:
    base = generate(pa.table({"x": np.arange(1000) / 1000}))
    schema = Schema({"x": Feature(name="x", type="float", kolmogorov_smirnov=0.1, psi=9.0, p_value=0.001)})
    moved = measure_drift(pa.table({"x": np.arange(1000) / 1000 + 0.2}), base, schema)
    assert list(moved.drifted["x"]) == ["kolmogorov_smirnov"]
    few = measure_drift(pa.table({"x": np.arange(10) / 10 + 0.2}), base, schema)
    assert few.distances["x"].kolmogorov_smirnov > 0.1  # type: ignore[operator]
    assert few.drifted == {}
