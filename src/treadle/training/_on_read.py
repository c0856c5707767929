"""A split whose features are computed when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import TrainingDataError
from treadle.training._data import BATCH_ROWS, Batch, SplitData

if TYPE_CHECKING:
    from treadle.transform import ExamplesSource, TransformGraph

ROW_ID = "__row_id__"


class SplitOnRead(SplitData):
    """The same values as were they written, from the raw rows; ``features`` and ``table`` hold all of them at once."""

    def __init__(
        self,
        path: Path,
        split: str,
        manifest: Mapping[str, Any],
        files: Sequence[Path],
        examples: ExamplesSource | None,
    ) -> None:
        self._path, self._split, self._manifest, self._files, self._examples = path, split, manifest, files, examples

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return int(self._manifest["splits"][self._split])

    @cached_property
    def features(self) -> npt.NDArray[np.float32]:
        """``[N, F]``; missing is NaN."""
        matrix = np.empty((self.num_rows, len(self._manifest["features"])), dtype=np.float32)
        start = 0
        for batch in self.batches():
            matrix[start : start + len(batch.labels)] = batch.features
            start += len(batch.labels)
        return matrix

    @cached_property
    def labels(self) -> npt.NDArray[np.float32]:
        """``[N]``."""
        found: npt.NDArray[np.float32] = self._written(self._manifest["label"]).to_numpy()
        return found

    @cached_property
    def row_ids(self) -> pa.ChunkedArray:
        """``[N]`` strings: the rows' names, never a feature."""
        return self._written(ROW_ID)

    @cached_property
    def table(self) -> pa.Table:
        """The same as columns by name, with ``__row_id__``."""
        columns = {self._manifest["label"]: pa.array(self.labels)}
        columns |= {name: pa.array(self.features[:, i]) for i, name in enumerate(self._manifest["features"])}
        return pa.table({**columns, ROW_ID: self.row_ids})

    def batches(self, batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
        """The rows in their order, at most so many at a time; one batch is in memory.

        Raises:
            TrainingDataError: There are no examples, or not those that were transformed.
        """
        if self._examples is None:
            raise TrainingDataError(
                "These features were not written, and there are no examples to compute them from.",
                where={"file": str(self._path)},
                hint="load_split(..., examples=read_examples(...)).",
            )
        graph, label = self._graph, self._manifest["label"]
        out_of_fold = graph.has_folds and self._split == self._manifest["analyzed"]
        columns = [*graph.inputs_for(), ROW_ID]
        count = 0
        for raw in self._examples.batches(self._split, columns=columns):
            for start in range(0, raw.num_rows, batch_rows):
                rows = raw.slice(start, batch_rows)
                features = graph.feature_matrix(rows, out_of_fold=out_of_fold)
                labels = graph.transform(rows, [label]).column(label).to_numpy()
                count += rows.num_rows
                yield Batch(features, labels, rows.column(ROW_ID))
        if count != self.num_rows:
            raise TrainingDataError(
                f"The examples have {count} rows in the split {self._split!r}; {self.num_rows} were transformed.",
                where={"file": str(self._path)},
                hint="Give the examples that were transformed.",
            )

    @cached_property
    def _graph(self) -> TransformGraph:
        from treadle.transform import TransformGraph

        return TransformGraph.load(self._path)

    def _written(self, column: str) -> pa.ChunkedArray:
        return pa.concat_tables([pq.read_table(file, columns=[column]) for file in self._files]).column(column)
