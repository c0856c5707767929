"""Build ``build/reviews``: 23,703 real sentences, a line each: film reviews, product reviews, tweets, editorials.

They are inside the source distribution of vaderSentiment (MIT). This script downloads the archive with pip, compares
its sha256 and takes the members; nothing is installed.

Run it with ``python tools/build_reviews_data.py``; ``--archive FILE`` uses an archive that is already here.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path

from archives import archive_bytes

REQUIREMENT = "vaderSentiment==3.3.2"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
MEMBER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
PARTS = ("movieReviewSnippets", "amazonReviewSnippets", "tweets", "nytEditorialSnippets")
ROWS = 23_703
OUT = Path(__file__).resolve().parent.parent / "build" / "reviews"


def build(out: Path, archive: Path | None = None) -> None:
    """Write ``reviews.txt`` into ``out``; refuse another archive."""
    data = archive_bytes(REQUIREMENT, SHA256, archive)
    lines: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as outer, tarfile.open(fileobj=outer.extractfile(MEMBER)) as inner:
        for part in PARTS:
            member = inner.extractfile(f"hutto_ICWSM_2014/{part}_GroundTruth.txt")
            assert member is not None
            text = member.read().decode("utf-8-sig", errors="replace")
            lines += [line.split("\t", 2)[2].strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if len(lines) != ROWS:
        raise SystemExit(f"{len(lines)} sentences instead of {ROWS}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "reviews.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    build(OUT, parser.parse_args().archive)
