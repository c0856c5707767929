"""Threads against processes on this machine, over the same parts: statistics, rows judged, rows transformed.

Four million flights in parts, each kind of work as a whole command: its start, its imports and, for processes, those of
every worker and the results sent back.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from treadle.engine import LocalEngine

GROUPS = 12
"""Row groups of the flights file, of 336,776 rows each."""
SCHEMA = """
[features.month]
type = "int"
max = 11
[features.distance]
type = "float"
max = 4000.0
[features.dep_delay]
type = "float"
min_fraction = 0.9
[features.carrier]
type = "string"
[features.origin]
type = "string"
values = ["EWR", "JFK"]
"""


class Processes(LocalEngine):
    """The engine of this machine with processes for threads."""

    def map(self, fn: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[Any]:
        """The function's result for every part, in order."""
        with ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(fn, parts)


def run() -> list[dict]:
    from processes import measure

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        for work in WORKS:
            command = [sys.executable, __file__]
            threads, processes = (
                measure([*command, engine, work, folder], rounds=3) for engine in ("threads", "processes")
            )
            rows += [
                {
                    "name": f"{work}, processes, {kind}",
                    "value": theirs,
                    "unit": "s",
                    "against": f"threads ({ours:.2f} s)",
                    "reference": ours,
                    "ratio": theirs / ours,
                }
                for kind, ours, theirs in (
                    ("wall", threads.wall, processes.wall),
                    ("CPU", threads.cpu, processes.cpu),
                )
            ]
    return rows


def build(folder: Path) -> None:
    """The flights as a file, as Examples, and the graph that transforms them."""
    import pyarrow.parquet as pq
    from large_files import flights_file

    from treadle import transform as tt
    from treadle.ingest import build_examples, read_examples
    from treadle.schema import Schema

    schema = Schema.loads(SCHEMA)
    flights = pq.ParquetFile(flights_file())
    with pq.ParquetWriter(folder / "flights.parquet", flights.schema_arrow) as writer:
        for group in range(GROUPS):
            writer.write_table(flights.read_row_group(group))
    build_examples([folder / "flights.parquet"], schema=schema, out_path=folder / "examples")
    reader = read_examples(folder / "examples")
    (folder / "graph").mkdir()
    tt.analyze(preprocess, schema, lambda columns: reader.batches("train", columns)).save(folder / "graph")


def preprocess(x):
    from treadle import transform as tt

    return {
        "delay": tt.scale_to_z_score(tt.fill_missing(x["dep_delay"], 0.0)),
        "distance": tt.bucketize(x["distance"], 10),
        "carrier": tt.vocabulary(x["carrier"]),
        "origin": tt.one_hot(tt.vocabulary(x["origin"])),
    }


def statistics(engine: LocalEngine, folder: Path) -> None:
    from treadle.ingest import scan
    from treadle.statistics import generate

    generate(scan(folder / "flights.parquet"), engine=engine)


def rows_judged(engine: LocalEngine, folder: Path) -> None:
    from treadle.ingest import scan
    from treadle.schema import Schema
    from treadle.validation import check_rows

    check_rows(scan(folder / "flights.parquet"), Schema.loads(SCHEMA), limit=5, engine=engine)


def rows_transformed(engine: LocalEngine, folder: Path) -> None:
    from treadle.ingest import read_examples
    from treadle.transform import TransformGraph, write_parts

    graph = TransformGraph.load(folder / "graph")
    with tempfile.TemporaryDirectory(dir=folder) as out:
        parts = read_examples(folder / "examples").parts("train")
        write_parts(engine, graph, list(graph.nodes), parts, Path(out))


WORKS = {"statistics": statistics, "rows judged": rows_judged, "rows transformed": rows_transformed}

if __name__ == "__main__":
    with (LocalEngine if sys.argv[1] == "threads" else Processes)() as chosen:
        WORKS[sys.argv[2]](chosen, Path(sys.argv[3]))
