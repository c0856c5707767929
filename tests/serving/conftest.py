from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servable"))

from client import Client
from taxi import build_taxi_servable, taxi_rows

from treadle.serving import ServerProcess

BIASES = {1: -1.0, 2: 0.0, 3: 1.0}


@pytest.fixture(scope="session")
def servables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three servables over real taxi rows, in folders 1, 2 and 3; their predictions differ."""
    folder = tmp_path_factory.mktemp("servables")
    for version, bias in BIASES.items():
        build_taxi_servable(folder / str(version), bias=bias)
    return folder


@pytest.fixture(scope="session")
def rides() -> list[dict[str, object]]:
    """200 real rides as requests bring them."""
    names = ["vendor_id", "trip_distance", "rate_code_id", "store_and_fwd_flag", "fare_amount", "congestion_surcharge"]
    table = taxi_rows()
    rows: list[dict[str, object]] = table.select(names).to_pylist()
    for row, moment in zip(rows, table["pickup_datetime"].to_pylist(), strict=True):
        row["pickup_datetime"] = moment.isoformat()
    return rows


@pytest.fixture(scope="session")
def served(servables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server with versions 1 to 3 of model taxi, 2 the champion, for tests that leave it as it was."""
    from layout import lay_out

    folder = tmp_path_factory.mktemp("served")
    lay_out(servables, folder, [1, 2, 3], champion=2)
    with ServerProcess(folder, log=folder.parent / "served-log") as server:
        client = Client(server)
        yield client
        assert client.get("/healthz").status == 200  # whatever the tests sent, it lives on
        assert b'code="500"' not in client.get("/metrics").data
