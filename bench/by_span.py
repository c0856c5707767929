"""Data that grows and data that does not fit: what a new span costs, and how much memory features take.

The rows are made up as they are read, so that the figures are of analysing and transforming alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from processes import measure_with_memory

BATCH = 65536
NUMBERS = [f"n{i}" for i in range(6)]
TEXTS = ["s", "t"]
SPANS, SPAN_ROWS = 12, 100_000
ON_READ = """
import sys, tempfile
sys.path.insert(0, sys.argv[2])
from by_span import Rows, analyzed
from treadle import transform as tt
from treadle.training import load_training_data
rows = Rows(int(sys.argv[1]))
graph = analyzed(rows)
with tempfile.TemporaryDirectory() as folder:
    tt.write_transformed(graph, rows, folder, analyzed="train", materialize=False)
    data = load_training_data(folder, examples=rows)
    assert sum(len(batch.labels) for batch in data.train.batches()) == rows.count
"""

WRITTEN = """
import sys, tempfile
sys.path.insert(0, sys.argv[2])
from by_span import Rows, analyzed
from treadle import transform as tt
rows = Rows(int(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    tt.write_transformed(analyzed(rows), rows, folder, analyzed="train")
"""


def run() -> list[dict]:
    return [*new_span(), memory("analysed and read as features", ON_READ), memory("analysed and written", WRITTEN)]


def new_span() -> list[dict]:
    """A window of twelve spans moves on by one."""
    from treadle import transform as tt

    with tempfile.TemporaryDirectory() as folder:
        cache = tt.AnalysisCache(Path(folder))
        all_of_them = cpu_of(lambda: window(range(SPANS), cache, new=range(SPANS)))
        moved = cpu_of(lambda: window(range(1, SPANS + 1), cache, new=[SPANS]))
    return [
        {
            "name": f"{SPANS} spans of {SPAN_ROWS:,} rows analysed, of which one is new and transformed",
            "value": moved,
            "unit": "CPU s",
            "against": f"all of them new and transformed ({all_of_them:.2f} s)",
            "reference": all_of_them,
            "ratio": moved / all_of_them,
        }
    ]


def memory(what: str, command: str) -> dict:
    """The peak for few rows and for many."""
    here = str(Path(__file__).parent)
    few, many = (
        measure_with_memory([sys.executable, "-c", command, str(rows), here], rounds=1).megabytes
        for rows in (500_000, 10_000_000)
    )
    return {
        "name": f"10,000,000 rows {what}, peak memory",
        "value": many,
        "unit": "MB",
        "against": f"500,000 rows ({few:.0f} MB)",
        "reference": few,
        "ratio": many / few,
    }


def window(numbers: Sequence[int], cache, new: Sequence[int]) -> None:
    """Analyse the spans of these numbers, and transform the new ones."""
    from treadle import transform as tt

    spans = [tt.DataSpan(f"span {number}", Rows(SPAN_ROWS, number).of("train")) for number in numbers]
    graph = tt.analyze_spans(preprocess, schema(), spans, cache, label="label")
    for number in new:
        for batch in Rows(SPAN_ROWS, number).batches("train"):
            graph.transform(batch)


def analyzed(rows: Rows):
    from treadle import transform as tt

    return tt.analyze(preprocess, schema(), rows.of("train"), label="label")


def preprocess(x):
    from treadle import transform as tt

    return {
        "label": tt.fill_missing(x["n0"], 0.0) > 0.5,
        **{name: tt.scale_to_z_score(x[name]) for name in NUMBERS},
        **{name: tt.vocabulary(x[name], top_k=1000, num_oov_buckets=1) for name in TEXTS},
        "n5 bucket": tt.bucketize(x["n5"], 10),
    }


def schema():
    from treadle.schema import Schema

    kinds = {**dict.fromkeys(NUMBERS, "float"), **dict.fromkeys(TEXTS, "string")}
    return Schema.loads("".join(f'[features.{name}]\ntype = "{kind}"\n' for name, kind in kinds.items()))


class Rows:
    """Examples of one split that are made when they are read."""

    splits = ("train",)

    def __init__(self, count: int, seed: int = 0) -> None:
        self.count, self.seed = count, seed

    def of(self, split: str):
        """The rows of a split, as analysing wants them."""
        return lambda columns: self.batches(split, columns)

    def batches(self, split: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The same rows whenever they are asked for."""
        assert split in self.splits
        words = pa.array([f"word-{i:04}" for i in range(1500)])
        for number, start in enumerate(range(0, self.count, BATCH)):
            rows = min(BATCH, self.count - start)
            random = np.random.default_rng([self.seed, number])
            made = {
                name: pa.array(random.random(rows, dtype=np.float32).round(3).astype(np.float64)) for name in NUMBERS
            }
            made |= {name: words.take(pa.array(random.integers(0, 1500, rows))) for name in TEXTS}
            made["__row_id__"] = pa.array(np.arange(start, start + rows)).cast(pa.string())
            wanted = columns or list(made)
            yield pa.RecordBatch.from_arrays([made[name] for name in wanted], wanted)


def cpu_of(work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
