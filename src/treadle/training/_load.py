"""Reading transformed examples: features as they were written, or computed from the raw rows on the way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import TrainingDataError
from treadle.training._data import SplitData, TrainingData
from treadle.training._on_read import SplitOnRead

if TYPE_CHECKING:
    from treadle.transform import ExamplesSource

FORMAT = "treadle.transformed/1"
ON_READ = "treadle.transformed/2"
MANIFEST = "transformed.json"
ROW_ID = "__row_id__"


def load_training_data(
    path: str | os.PathLike[str],
    *,
    train: str = "train",
    eval: str | None = "eval",
    examples: ExamplesSource | None = None,
) -> TrainingData:
    """The splits of transformed examples that training uses.

    Args:
        path: Their directory.
        train: The split to fit on.
        eval: The split to watch; one that is not there or has no rows is left out.
        examples: The raw rows, for features that were not written: they are computed when they are read, and
            ``batches()`` holds one batch in memory at a time.

    Raises:
        TrainingDataError: There is no such data, the training split has no rows, a label is missing, or the features
            were not written and there are no ``examples``.
    """
    manifest = _read_manifest(Path(path))
    if manifest["format"] == ON_READ and examples is None:
        raise TrainingDataError(
            "These features were not written: they are computed from the examples when they are read.",
            where={"file": str(path)},
            hint="Give the examples too: train(features.transformed, examples, ...).",
        )
    fitted = load_split(path, train, examples=examples)
    if not fitted.num_rows:
        raise TrainingDataError(
            f"The split {train!r} has no rows to train on.",
            where={"file": str(path)},
            hint="Look at the rows that ingest excluded, and at its splits.",
        )
    watched = load_split(path, eval, examples=examples) if eval is not None and manifest["splits"].get(eval) else None
    return TrainingData(fitted, watched, tuple(manifest["features"]), manifest["label"])


def load_split(path: str | os.PathLike[str], split: str, *, examples: ExamplesSource | None = None) -> SplitData:
    """One split of transformed examples.

    Args:
        path: Their directory.
        split: The split's name.
        examples: The raw rows, for features that were not written; without them only labels and row ids can be read.

    Raises:
        TrainingDataError: There is no such split, a label is missing, or the examples have other rows.
    """
    manifest = _read_manifest(Path(path))
    if split not in manifest["splits"]:
        raise TrainingDataError(
            f"There is no split {split!r}.",
            where={"file": str(path)},
            hint=f"There are: {', '.join(manifest['splits'])}.",
        )
    if manifest["label"] is None:
        raise TrainingDataError("These examples were transformed without a label.", where={"file": str(path)})
    files = sorted((Path(path) / split).glob("part-*.parquet"))
    if manifest["format"] == ON_READ:
        _check_labels(path, split, files, manifest["label"])
        return SplitOnRead(Path(path), split, manifest, files, examples)
    table = pa.concat_tables([pq.read_table(file) for file in files])
    _check_labels(path, split, files, manifest["label"])
    labels = table.column(manifest["label"]).to_numpy()
    return SplitData(_matrix(table, manifest["features"]), labels, table.column(ROW_ID), table)


def _check_labels(path: str | os.PathLike[str], split: str, files: list[Path], label: str) -> None:
    count, missing, first = 0, 0, None
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(columns=[label]):
                gone = np.isnan(batch.column(0).to_numpy())
                if first is None and gone.any():
                    first = count + int(np.argmax(gone))
                count, missing = count + len(gone), missing + int(gone.sum())
    if missing:
        raise TrainingDataError(
            f"{missing} of {count} rows of the split {split!r} have no label.",
            where={"file": str(path), "row": first, "column": label},
            hint="Leave these rows out where the data is read, or fill the label in preprocess.",
        )


def _matrix(table: pa.Table, names: list[str]) -> npt.NDArray[np.float32]:
    matrix = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for index, name in enumerate(names):
        matrix[:, index] = table.column(name).to_numpy()
    return matrix


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(file.read_bytes())
        found = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError("There are no transformed examples here.", where={"file": str(file)}) from error
    if found not in (FORMAT, ON_READ):
        raise TrainingDataError(
            f"The transformed examples are of format {found!r}; this version of Treadle reads {ON_READ!r}.",
            where={"file": str(file)},
        )
    return manifest
