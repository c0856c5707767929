"""Analyses kept per data span: only what is new is read, and what was kept changes no byte of the graph."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.schema import Schema

SCHEMA = Schema.loads(
    """
    [features.a]
    type = "float"
    [features.b]
    type = "float"
    [features.k]
    type = "string"
    [features.i]
    type = "int"
    """
)
READ: list[tuple[int, tuple[str, ...]]] = []


def span(seed: int, rows: int = 300) -> tt.DataSpan:
    random = np.random.default_rng(seed)
    table = pa.table(
        {
            "a": random.normal(seed, 1, rows),
            "b": pa.array(random.normal(0, 1, rows), mask=random.random(rows) < 0.2),
            "k": random.choice(["x", "y", f"only-{seed}"], rows),
            "i": random.integers(0, 9, rows),
        }
    )

    def batches(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        READ.append((seed, tuple(columns or ())))
        return iter(table.select(columns).to_batches(100))

    return tt.DataSpan(f"sha256:{seed}", batches)


def preprocess(x: Any) -> dict[str, Any]:
    return {
        "z": tt.scale_to_z_score(x["a"]),
        "range": tt.scale_to_0_1(x["b"]),
        "bucket": tt.bucketize(x["a"], 10),
        "weighted": tt.bucketize(x["a"], 5, weights=x["b"]),
        "k": tt.vocabulary(x["k"], num_oov_buckets=1),
        "i": tt.vocabulary(x["i"]),
        "by": tt.scale_to_z_score_per_key(x["a"], x["k"]),
        "bucket_by": tt.bucketize_per_key(x["a"], x["i"], 4),
        "count": tt.count_per_key(x["i"]),
        "bell": tt.scale_to_gaussian(x["a"]),
        "pca": tt.pca(tt.vector(x["a"], x["b"]), 1),
        "density": tt.estimated_probability_density(x["b"], 4),
    }


def graph_bytes(graph: tt.TransformGraph, folder: Path) -> bytes:
    folder.mkdir()
    graph.save(folder)
    return (folder / "graph.json").read_bytes()


@pytest.fixture(autouse=True)
def _nothing_read() -> None:
    READ.clear()


def test_a_new_span_is_read_alone_and_the_graph_is_as_without_a_cache(tmp_path: Path) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    tt.analyze_spans(preprocess, SCHEMA, [span(1), span(2)], cache)
    assert [seed for seed, _ in READ] == [1, 2]
    READ.clear()
    warm = tt.analyze_spans(preprocess, SCHEMA, [span(1), span(2), span(3)], cache)
    assert [seed for seed, _ in READ] == [3]
    cold = tt.analyze_spans(preprocess, SCHEMA, [span(1), span(2), span(3)])
    assert graph_bytes(warm, tmp_path / "warm") == graph_bytes(cold, tmp_path / "cold")


def test_a_window_that_moves_reads_nothing_twice(tmp_path: Path) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    for first in range(4):
        tt.analyze_spans(preprocess, SCHEMA, [span(seed) for seed in range(first, first + 3)], cache)
    assert [seed for seed, _ in READ] == [0, 1, 2, 3, 4, 5]


def test_one_span_is_the_plain_analysis(tmp_path: Path) -> None:
    spans = tt.analyze_spans(preprocess, SCHEMA, [span(1)], tt.AnalysisCache(tmp_path / "cache"))
    plain = tt.analyze(preprocess, SCHEMA, span(1).batches)
    assert graph_bytes(spans, tmp_path / "spans") == graph_bytes(plain, tmp_path / "plain")


def test_a_new_analysis_reads_only_its_own_columns(tmp_path: Path) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    tt.analyze_spans(lambda x: {"z": tt.scale_to_z_score(x["a"])}, SCHEMA, [span(1)], cache)
    READ.clear()
    tt.analyze_spans(lambda x: {"z": tt.scale_to_z_score(x["a"]), "k": tt.vocabulary(x["k"])}, SCHEMA, [span(1)], cache)
    assert READ == [(1, ("k",))]


def test_a_later_phase_is_read_again_where_its_constants_changed(tmp_path: Path) -> None:
    def two_phases(x: Any) -> dict[str, Any]:
        return {"z": tt.scale_to_z_score(tt.fill_missing(x["b"], tt.mean(x["b"])))}

    cache = tt.AnalysisCache(tmp_path / "cache")
    tt.analyze_spans(two_phases, SCHEMA, [span(1)], cache)
    READ.clear()
    tt.analyze_spans(two_phases, SCHEMA, [span(1), span(2)], cache)
    assert [seed for seed, _ in READ] == [2, 1, 2]


def test_a_file_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    expected = graph_bytes(tt.analyze_spans(preprocess, SCHEMA, [span(1)], cache), tmp_path / "first")
    for number, file in enumerate(sorted((tmp_path / "cache").iterdir())):
        file.write_text(["", "{", json.dumps({"format": "treadle.analysis/0", "state": []}), "[]"][number % 4])
    assert graph_bytes(tt.analyze_spans(preprocess, SCHEMA, [span(1)], cache), tmp_path / "again") == expected
    assert [seed for seed, _ in READ] == [1, 1]
    assert not list((tmp_path / "cache").glob(".*"))


def test_what_was_not_used_lately_can_be_pruned_and_is_found_out_again(tmp_path: Path) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    assert cache.prune(2.0**40, delete=True) == (0, 0)
    expected = graph_bytes(tt.analyze_spans(preprocess, SCHEMA, [span(1), span(2)], cache), tmp_path / "first")
    (tmp_path / "cache" / ".dead.json.0123").write_text("{")
    for file in (tmp_path / "cache").iterdir():
        os.utime(file, (1000, 1000))
    tt.analyze_spans(preprocess, SCHEMA, [span(2)], cache)  # uses the states of one span, which so stay
    files = len(list((tmp_path / "cache").iterdir()))
    shown = cache.prune(2000, delete=False)
    assert (len(list((tmp_path / "cache").iterdir())), shown.files) == (files, (files - 1) // 2 + 1)
    assert cache.prune(2000, delete=True) == shown
    assert cache.prune(2000, delete=True).files == 0
    READ.clear()
    again = graph_bytes(tt.analyze_spans(preprocess, SCHEMA, [span(1), span(2)], cache), tmp_path / "again")
    assert {seed for seed, _ in READ} == {1}
    assert again == expected


def test_no_spans_are_an_analysis_over_nothing(tmp_path: Path) -> None:
    graph = tt.analyze_spans(preprocess, SCHEMA, [], tt.AnalysisCache(tmp_path / "cache"))
    assert graph.feature_matrix(pa.table({"a": [1.0], "b": [1.0], "k": ["x"], "i": [1]}))[0, 0] == 1


@dataclass(frozen=True)
class Last:
    version: str | None

    def create(self) -> _Last:
        return _Last()


class _Last:
    def __init__(self) -> None:
        self.value = 0.0

    def add(self, values: Any) -> None:
        self.value = max(self.value, float(values.max()))

    def merge(self, other: _Last) -> None:
        self.value = max(self.value, other.value)

    def result(self) -> dict[str, float]:
        return {"value": self.value}

    def state(self) -> float:
        return self.value

    def restore(self, state: float) -> None:
        self.value = state


@pytest.mark.parametrize(("version", "reads"), [("1", 1), (None, 2)])
def test_an_analyzer_of_ones_own_is_kept_if_it_names_its_version(
    tmp_path: Path, version: str | None, reads: int
) -> None:
    cache = tt.AnalysisCache(tmp_path / "cache")
    for _ in range(2):
        tt.analyze_spans(
            lambda x: {"m": x["a"] - tt.analyzer(Last(version), "value", x["a"])}, SCHEMA, [span(1)], cache
        )
    assert len(READ) == reads


def test_states_that_another_keeps_are_used_where_they_may_only_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("not the owner")

    cache = tt.AnalysisCache(tmp_path / "cache")
    tt.analyze_spans(preprocess, SCHEMA, [span(1)], cache)
    READ.clear()
    monkeypatch.setattr(os, "utime", refuse)  # as the system does for a file of somebody else
    tt.analyze_spans(preprocess, SCHEMA, [span(1)], cache)
    assert READ == []
