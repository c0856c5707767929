"""Large files for benchmarks, made of the 336,776 real flights of 2013 with seeded jitter; kept under ``build/bench``.

``flights``: 10,103,280 rows x 19, thirty copies in which delays, times and distances are moved by -2 to 2 each: whole
numbers and strings of few values. ``floats``: 10,000,000 rows x 19, numeric columns times ``1 + 0.05 z`` plus ``z``,
with z from a normal distribution: every value is distinct, the shape of each column is that of the real one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
FLIGHTS = ROOT / "build" / "flights" / "flights.parquet"
_MOVED = ("dep_delay", "arr_delay", "air_time", "distance", "dep_time", "arr_time")
_SEED = 20131


def flights_file() -> Path:
    """The whole numbers and strings."""
    return _built("flights", _flight_copies)


def floats_file() -> Path:
    """The floats."""
    return _built("floats", _float_parts)


def _built(name: str, tables: object) -> Path:
    file = FOLDER / f"{name}.parquet"
    if not file.exists():
        subprocess.run([sys.executable, str(ROOT / "tools" / "build_flights_data.py")], check=True, capture_output=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        writer = None
        for table in tables():
            writer = writer or pq.ParquetWriter(unfinished, table.schema)
            writer.write_table(table)
        writer.close()
        unfinished.replace(file)
    return file


def _flight_copies() -> Iterator[pa.Table]:
    flights, random = pq.read_table(FLIGHTS), np.random.default_rng(_SEED)
    for _ in range(30):
        columns = {name: flights[name] for name in flights.column_names}
        for name in _MOVED:
            values = flights[name].to_numpy().astype(np.float64)
            missing = np.isnan(values)
            moved = np.where(missing, 0, values + random.integers(-2, 3, len(values)))
            columns[name] = pa.array(moved.astype(np.int64), mask=missing)
        yield pa.table(columns)


def _float_parts() -> Iterator[pa.Table]:
    flights, random = pq.read_table(FLIGHTS), np.random.default_rng(_SEED)
    numeric = [field.name for field in flights.schema if pa.types.is_integer(field.type)]
    values = {name: flights[name].fill_null(0).to_numpy().astype(np.float64) for name in numeric}
    names = [(f"{name}_{copy}", name) for copy in range(2) for name in numeric][:19]
    for start in range(0, 10_000_000, 1_000_000):
        rows = np.arange(start, start + 1_000_000) % flights.num_rows
        noise = {name: random.standard_normal((2, len(rows))) for name, _ in names}
        yield pa.table(
            {name: values[real][rows] * (1 + 0.05 * noise[name][0]) + noise[name][1] for name, real in names}
        )


if __name__ == "__main__":
    print(flights_file(), floats_file(), sep="\n")
