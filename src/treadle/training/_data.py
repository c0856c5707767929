"""What a training function is given: float32 matrices and labels, with the row ids beside them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import TrainingDataError

FORMAT = "treadle.transformed/1"
MANIFEST = "transformed.json"
ROW_ID = "__row_id__"


@dataclass(frozen=True, slots=True)
class SplitData:
    """One split, row by row in the order of the examples."""

    features: npt.NDArray[np.float32]
    """``[N, F]``; missing is NaN."""
    labels: npt.NDArray[np.float32]
    """``[N]``."""
    row_ids: pa.ChunkedArray
    """``[N]`` strings: the rows' names, never a feature."""
    table: pa.Table
    """The same as columns by name, with ``__row_id__``."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a training function is given."""

    train: SplitData
    eval: SplitData | None
    """For early stopping and the like; ``None`` where there is no such split."""
    feature_names: tuple[str, ...]
    """The columns of the matrices."""
    label: str
    """The label's name."""


def load_training_data(
    path: str | os.PathLike[str], *, train: str = "train", eval: str | None = "eval"
) -> TrainingData:
    """The splits of transformed examples that training uses.

    Args:
        path: Their directory.
        train: The split to fit on.
        eval: The split to watch; one that is not there or has no rows is left out.

    Raises:
        TrainingDataError: There is no such data, the training split has no rows, or a label is missing.
    """
    manifest = _read_manifest(Path(path))
    fitted = load_split(path, train)
    if not len(fitted.labels):
        raise TrainingDataError(
            f"The split {train!r} has no rows to train on.",
            where={"file": str(path)},
            hint="Look at the rows that ingest excluded, and at its splits.",
        )
    watched = load_split(path, eval) if eval is not None and manifest["splits"].get(eval) else None
    return TrainingData(fitted, watched, tuple(manifest["features"]), manifest["label"])


def load_split(path: str | os.PathLike[str], split: str) -> SplitData:
    """One split of transformed examples.

    Raises:
        TrainingDataError: There is no such split, or a label is missing.
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
    table = pa.concat_tables([pq.read_table(file) for file in files])
    labels = table.column(manifest["label"]).to_numpy()
    missing = int(np.isnan(labels).sum())
    if missing:
        raise TrainingDataError(
            f"{missing} of {len(labels)} rows of the split {split!r} have no label.",
            where={"file": str(path), "row": int(np.argmax(np.isnan(labels))), "column": manifest["label"]},
            hint="Leave these rows out where the data is read, or fill the label in preprocess.",
        )
    return SplitData(_matrix(table, manifest["features"]), labels, table.column(ROW_ID), table)


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
    if found != FORMAT:
        raise TrainingDataError(
            f"The transformed examples are of format {found!r}; this version of Treadle reads {FORMAT!r}.",
            where={"file": str(file)},
        )
    return manifest
