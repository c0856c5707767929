"""Features that are computed when they are read: the same values as written ones, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.artifact import digest_tree
from treadle.errors import TrainingDataError
from treadle.schema import Schema
from treadle.training import load_split, load_training_data

SCHEMA = Schema.loads('[features.fare]\ntype = "float"\n[features.zone]\ntype = "string"\n')


class Rides:
    """Examples in memory, which say how much of them was asked for."""

    def __init__(self, **splits: pa.Table) -> None:
        self._splits = splits
        self.read = 0

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._splits)

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for batch in self._splits[split].select(columns).to_batches(7):
            self.read += batch.num_rows
            yield batch


def rides(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "fare": pa.array(random.normal(3, 2, rows), mask=random.random(rows) < 0.2),
            "zone": random.choice(["a", "b", "c"], rows),
            "__row_id__": [f"{seed}{row:031x}" for row in range(rows)],
        }
    )


def preprocess(x: Any) -> dict[str, Any]:
    return {
        "high": tt.fill_missing(x["fare"], 0) > 3,
        "fare": tt.scale_to_z_score(x["fare"]),
        "zone": tt.one_hot(tt.vocabulary(x["zone"])),
        "zone_high": tt.target_encode(x["zone"], tt.fill_missing(x["fare"], 0) > 3),
    }


@pytest.fixture
def examples() -> Rides:
    return Rides(train=rides(60, 1), eval=rides(20, 2))


@pytest.fixture
def folders(tmp_path: Path, examples: Rides) -> tuple[Path, Path]:
    train = next(iter(examples._splits.values()))
    graph = tt.analyze(preprocess, SCHEMA, lambda columns: iter(train.select(columns).to_batches()), label="high")
    written, on_read = tmp_path / "written", tmp_path / "on_read"
    for folder, materialize in ((written, True), (on_read, False)):
        folder.mkdir()
        tt.write_transformed(graph, examples, folder, analyzed="train", materialize=materialize)
    return written, on_read


def test_they_have_the_same_values_out_of_fold_too(folders: tuple[Path, Path], examples: Rides) -> None:
    written, on_read = load_training_data(folders[0]), load_training_data(folders[1], examples=examples)
    assert written.feature_names == on_read.feature_names
    assert written.eval is not None
    assert on_read.eval is not None
    for left, right in ((written.train, on_read.train), (written.eval, on_read.eval)):
        assert left.num_rows == right.num_rows
        np.testing.assert_array_equal(left.features, right.features)
        np.testing.assert_array_equal(left.labels, right.labels)
        assert left.row_ids.to_pylist() == right.row_ids.to_pylist()
        assert right.table.column_names == ["high", *on_read.feature_names, "__row_id__"]
        for name in right.table.column_names:
            np.testing.assert_array_equal(left.table[name].to_numpy(), right.table[name].to_numpy(), err_msg=name)
        for rows in (1, 5, 1000):
            for split in (left, right):
                batches = list(split.batches(rows))
                assert max(len(batch.labels) for batch in batches) <= rows
                np.testing.assert_array_equal(np.concatenate([b.features for b in batches]), left.features)
                np.testing.assert_array_equal(np.concatenate([b.labels for b in batches]), left.labels)
                assert [i for b in batches for i in b.row_ids.to_pylist()] == left.row_ids.to_pylist()


def test_batches_read_only_as_far_as_they_are_asked_for(folders: tuple[Path, Path], examples: Rides) -> None:
    data = load_training_data(folders[1], examples=examples)
    examples.read = 0
    next(data.train.batches(4))
    assert examples.read == 7


def test_only_labels_are_written_and_always_alike(folders: tuple[Path, Path], examples: Rides, tmp_path: Path) -> None:
    split = load_split(folders[1], "eval")
    np.testing.assert_array_equal(split.labels, load_split(folders[0], "eval").labels)
    assert split.row_ids.to_pylist() == rides(20, 2)["__row_id__"].to_pylist()
    with pytest.raises(TrainingDataError, match="no examples to compute them from"):
        _ = split.features
    again = tmp_path / "again"
    again.mkdir()
    graph = tt.TransformGraph.load(folders[1])
    tt.write_transformed(graph, examples, again, analyzed="train", materialize=False)
    assert digest_tree(again) == digest_tree(folders[1])


def test_other_examples_and_none_are_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(TrainingDataError, match="were not written") as caught:
        load_training_data(folders[1])
    assert "examples" in str(caught.value.hint)
    fewer = Rides(train=rides(59, 1), eval=rides(20, 2))
    with pytest.raises(TrainingDataError, match="59 rows .* 60 were transformed"):
        _ = load_training_data(folders[1], examples=fewer).train.features


def test_a_missing_label_is_told_before_training(tmp_path: Path) -> None:
    examples = Rides(train=rides(30, 1))
    graph = tt.analyze(
        lambda x: {"label": x["fare"], "zone": tt.vocabulary(x["zone"])},
        SCHEMA,
        lambda columns: iter(rides(30, 1).select(columns).to_batches()),
        label="label",
    )
    tt.write_transformed(graph, examples, tmp_path, analyzed="train", materialize=False)
    with pytest.raises(TrainingDataError, match="have no label") as caught:
        load_training_data(tmp_path, examples=examples)
    first = rides(30, 1)["fare"].to_pylist().index(None)
    assert caught.value.where["row"] == first
