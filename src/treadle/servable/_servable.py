"""The object that predicts, from a directory alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from treadle.errors import ServableError
from treadle.graph import InputSpec, Ragged, Session, differences, encode_columns, encode_rows, encode_table
from treadle.schema import Schema
from treadle.servable._manifest import BASELINE, MODEL, PARITY, SCHEMA, WARMUP, digest_of, read_file, read_manifest

if TYPE_CHECKING:
    import pyarrow as pa

    from treadle.statistics import Statistics

_BATCH_ROWS = 16384
_WARM_UP_TOLERANCE = 1e-4


class Servable:
    """A model with everything it needs: raw features in, predictions out. Safe to call from several threads.

    Examples:
        >>> servable = Servable.load("models/taxi/3")  # doctest: +SKIP
        >>> servable.predict_rows([{"fare_amount": 12.5, "trip_distance": 2.6}])  # doctest: +SKIP
        array([0.71], dtype=float32)
    """

    def __init__(self, path: Path, manifest: dict[str, Any], digest: str, schema: Schema, session: Session) -> None:
        """Use :meth:`load`."""
        self.path = path
        self.manifest = manifest
        """The parsed ``manifest.json``."""
        self.digest = digest
        """``"sha256:..."`` of the manifest, which names every other file's."""
        self.schema = schema
        """What a request should be: the schema in the SERVING environment."""
        self._session = session
        self._specs = tuple(
            InputSpec(entry["name"], entry["type"], session.inputs[entry["name"]], _is_required(schema, entry["name"]))
            for entry in manifest["inputs"]
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, verify: bool = True, threads: int = 1) -> Servable:
        """Load a servable.

        Args:
            path: Its directory.
            verify: Whether to check each file against the manifest's sha256.
            threads: Threads for one prediction; 1 is best for small requests.

        Raises:
            ServableError: A file is missing or was changed, or the format is not known.
        """
        root = Path(path)
        manifest, data = read_manifest(root)
        contents = {name: read_file(root, name, manifest, verify=verify) for name in sorted(manifest["files"])}
        schema = Schema.loads(contents[SCHEMA].decode())
        session = Session(contents[MODEL], threads=threads)
        named = [entry["name"] for entry in manifest["inputs"]]
        if sorted(named) != sorted(session.inputs):
            raise ServableError(
                "The manifest and the graph name different inputs.",
                where={"file": str(root / MODEL), "graph": sorted(session.inputs), "manifest": sorted(named)},
            )
        return cls(root, manifest, digest_of(data), schema, session)

    @property
    def task(self) -> str:
        """``"binary"`` (a prediction is the probability of the positive label) or ``"regression"``."""
        return str(self.manifest["task"])

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """The raw features the graph takes; the schema may allow others, which change nothing."""
        return self._specs

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the matrix between preprocessing and model."""
        return tuple(self.manifest["feature_names"])

    def predict_columns(self, columns: Mapping[str, Sequence[object]]) -> npt.NDArray[np.float32]:
        """Predictions ``[N]`` for columns of plain Python values.

        Raises:
            InputColumnError: A required feature is not there.
            InputValueError: A value does not fit its feature's type.
        """
        return self._predict(encode_columns(self._specs, columns))

    def predict_rows(self, rows: Sequence[Mapping[str, object]]) -> npt.NDArray[np.float32]:
        """Predictions ``[N]`` for rows of plain Python values; raises as :meth:`predict_columns`."""
        return self._predict(encode_rows(self._specs, rows))

    def predict_table(self, table: pa.Table) -> npt.NDArray[np.float32]:
        """Predictions ``[N]`` for the rows of an Arrow table; raises as :meth:`predict_columns`."""
        parts = [
            self._predict(encode_table(self._specs, table.slice(start, _BATCH_ROWS)))
            for start in range(0, max(table.num_rows, 1), _BATCH_ROWS)
        ]
        return np.concatenate(parts)

    def baseline(self) -> Statistics | None:
        """Statistics of the training split, or ``None`` where the servable was built without."""
        return self._baseline

    @cached_property
    def _baseline(self) -> Statistics | None:
        if BASELINE not in self.manifest["files"]:
            return None
        from treadle.statistics import Statistics

        return Statistics.load(self.path / BASELINE)

    def warm_up(self) -> dict[str, Any]:
        """Predict the warm-up rows, each alone and all together, and compare with what was predicted when it was built.

        Returns:
            The proof: ``rows``, the ``max_difference`` from the graph's predictions then, and from the native model's
            (``max_difference_from_native``; ``None`` where its predictions of these rows are not known).

        Raises:
            ServableError: This machine predicts something else.
        """
        warmup = json.loads((self.path / WARMUP).read_text(encoding="utf-8"))
        columns, wanted = warmup["columns"], _numbers(warmup["predictions"])
        if not len(wanted):
            return {"rows": 0, "max_difference": None, "max_difference_from_native": None}
        together = self.predict_columns(columns)
        alone = [
            self.predict_columns({name: [value[row]] for name, value in columns.items()})[0]
            for row in range(len(wanted))
        ]
        apart = differences(np.concatenate([wanted, wanted]), np.concatenate([together, alone]))
        if not apart.max() <= _WARM_UP_TOLERANCE:
            raise ServableError(
                "The warm-up rows are not predicted as they were when the servable was built.",
                where={"file": str(self.path / WARMUP)},
                hint="Compare the versions of onnxruntime here and in the manifest.",
            )
        native, as_proven = self._proven(wanted)
        from_native = differences(native[as_proven], together[as_proven])
        return {
            "rows": len(wanted),
            "max_difference": float(apart.max()),
            "max_difference_from_native": float(from_native.max()) if len(from_native) else None,
        }

    def _proven(self, wanted: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The native model's predictions of the warm-up rows, and which of them are rows as the proof had them.

        JSON has no infinities, so a row with one is another row in the warm-up.
        """
        proof = json.loads((self.path / PARITY).read_text(encoding="utf-8"))["predictions"]
        native, graph = (_numbers(proof[name])[: len(wanted)] for name in ("native", "graph"))
        return native, graph == wanted

    def _predict(self, feed: Mapping[str, npt.NDArray[Any] | Ragged]) -> npt.NDArray[np.float32]:
        if feed and len(next(iter(feed.values()))) == 0:
            return np.empty(0, dtype=np.float32)
        prediction: npt.NDArray[np.float32] = self._session.run(feed)[0].reshape(-1)
        return prediction


def _numbers(values: Sequence[float | None]) -> npt.NDArray[np.float32]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def _is_required(schema: Schema, name: str) -> bool:
    feature = schema.features.get(name)
    return feature is None or feature.required
