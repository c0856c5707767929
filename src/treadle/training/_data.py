"""What a training function is given: float32 matrices and labels, with the row ids beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BATCH_ROWS = 65536


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a split."""

    features: npt.NDArray[np.float32]
    """``[n, F]``; missing is NaN."""
    labels: npt.NDArray[np.float32]
    """``[n]``."""
    row_ids: pa.ChunkedArray | pa.Array
    """``[n]`` strings."""


class SplitData:
    """One split, row by row in the order of the examples."""

    def __init__(
        self,
        features: npt.NDArray[np.float32],
        labels: npt.NDArray[np.float32],
        row_ids: pa.ChunkedArray,
        table: pa.Table,
    ) -> None:
        self._features, self._labels, self._row_ids, self._table = features, labels, row_ids, table

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self._labels)

    @property
    def features(self) -> npt.NDArray[np.float32]:
        """``[N, F]``; missing is NaN."""
        return self._features

    @property
    def labels(self) -> npt.NDArray[np.float32]:
        """``[N]``."""
        return self._labels

    @property
    def row_ids(self) -> pa.ChunkedArray:
        """``[N]`` strings: the rows' names, never a feature."""
        return self._row_ids

    @property
    def table(self) -> pa.Table:
        """The same as columns by name, with ``__row_id__``."""
        return self._table

    def batches(self, batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
        """The rows in their order, so many at a time: for models that learn from more than fits into memory."""
        for start in range(0, self.num_rows, batch_rows):
            rows = slice(start, start + batch_rows)
            yield Batch(self._features[rows], self._labels[rows], self._row_ids[rows])


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
