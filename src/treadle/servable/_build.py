"""Building a servable: fuse, prove, write, publish whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from treadle.errors import ParityError, ServableError
from treadle.files import sync, sync_tree
from treadle.graph import InputSpec, Session, encode_columns, encode_table
from treadle.servable._manifest import (
    BASELINE,
    FORMAT,
    MANIFEST,
    MODEL,
    PARITY,
    SCHEMA,
    WARMUP,
    canonical,
)
from treadle.servable._parity import Parity, check_functions, compare
from treadle.servable._rows import request_columns

if TYPE_CHECKING:
    import onnx
    import pyarrow as pa

    from treadle.schema import Schema

SERVING = "SERVING"
_PACKAGES = ("treadle", "numpy", "onnx", "onnxruntime", "pyarrow")
_SINGLE_ROWS = 64
_WARM_UP_ROWS = 16
_PROOF_ROWS = 1000
_TASKS = ("binary", "regression")


def build_servable(
    out_path: str | os.PathLike[str],
    *,
    feature_model: onnx.ModelProto,
    model_onnx: onnx.ModelProto,
    feature_names: Sequence[str],
    native_predict: Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]],
    transform_rows: Callable[[pa.Table], npt.NDArray[np.float32]],
    schema: Schema,
    rows: pa.Table,
    task: str,
    baseline_path: str | os.PathLike[str] | None = None,
    parity_bound: float = 1e-4,
    versions: Mapping[str, str] | None = None,
    functions: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Build a servable and prove that it predicts what the native model predicts.

    The same inputs and package versions give the same bytes: the manifest and every other file are canonical.

    Args:
        out_path: The directory to make; it must not exist, or be empty. Nothing is left there on an error.
        feature_model: Raw features in, ``features`` ``[N, F]`` float32 out.
        model_onnx: ``[N, F]`` float32 in, ``prediction`` ``[N, 1]`` float32 out.
        feature_names: The ``F`` columns of the matrix.
        native_predict: The native model: ``[N, F]`` float32 to predictions ``[N]``.
        transform_rows: Raw rows to the ``[N, F]`` matrix, as training computed it.
        schema: The schema; its SERVING environment is what the servable holds.
        rows: Raw rows of the evaluation split, for the proof (all of them) and for warm-up (the first).
        task: ``binary`` or ``regression``.
        baseline_path: Statistics of the training split.
        parity_bound: The largest difference between native and fused predictions.
        versions: Versions of further packages to record, as the framework's.
        functions: What is known of the numpy functions among the features (``TransformGraph.function_proofs``).

    Returns:
        The manifest.

    Raises:
        ParityError: The predictions differ by more than ``parity_bound``, there are no rows, or a numpy function's body
            is not what the function is.
        ServableError: The graph needs a feature that requests do not have.
    """
    from treadle.graph import fuse, serialize

    if task not in _TASKS:
        raise ServableError(f"{task!r} is not a task.", hint=f"Use one of {', '.join(_TASKS)}.")
    serving = schema.environment(SERVING)
    model = serialize(fuse(feature_model, model_onnx))
    session = Session(model)
    specs = _input_specs(session, serving)
    native = np.asarray(native_predict(transform_rows(rows)), dtype=np.float64).reshape(-1)
    if len(native) and np.isnan(native).all():
        raise ParityError(
            f"Every prediction is NaN, for all {len(native)} rows.",
            hint="A linear model gives NaN for a missing feature: use fill_missing in preprocess.",
        )
    fused = _in_bulk(session, specs, rows)
    parity = compare(native, fused, _one_by_one(session, specs, rows, serving), bound=parity_bound, task=task)
    parity.check()
    check_functions(functions)
    files = {
        MODEL: model,
        SCHEMA: serving.dumps().encode(),
        WARMUP: canonical(_warm_up(session, specs, rows, serving)),
        PARITY: canonical(_proof(parity, native, fused, functions)),
    }
    if baseline_path is not None:
        files[BASELINE] = Path(baseline_path).read_bytes()
    manifest = {
        "format": FORMAT,
        "task": task,
        "inputs": [{"name": spec.name, "type": spec.type} for spec in specs],
        "feature_names": list(feature_names),
        "output": session.outputs[0],
        "parity": parity.to_json(),
        "versions": {**{name: version(name) for name in _packages(specs)}, **(versions or {})},
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in files.items()
        },
    }
    _publish(Path(out_path), {**files, MANIFEST: canonical(manifest)})
    return manifest


def _input_specs(session: Session, serving: Schema) -> tuple[InputSpec, ...]:
    absent = [name for name in session.inputs if name not in serving.features]
    if absent:
        raise ServableError(
            f"The graph needs {', '.join(map(repr, absent))}, which a request does not have.",
            where={"environment": SERVING},
            hint="Leave it out of the features, or take SERVING from the feature's not_in in the schema.",
        )
    return tuple(
        InputSpec(name, serving.features[name].type, tensor, serving.features[name].required)
        for name, tensor in session.inputs.items()
    )


def _packages(specs: Sequence[InputSpec]) -> tuple[str, ...]:
    """What predictions depend on: decoders of images differ between versions."""
    return (*_PACKAGES, "pillow") if any(spec.tensor == "bytes" for spec in specs) else _PACKAGES


def _in_bulk(session: Session, specs: Sequence[InputSpec], rows: pa.Table) -> npt.NDArray[np.float64]:
    if rows.num_rows == 0:
        return np.empty(0)
    return np.asarray(session.run(encode_table(specs, rows))[0].reshape(-1), dtype=np.float64)


def _one_by_one(
    session: Session, specs: Sequence[InputSpec], rows: pa.Table, serving: Schema
) -> npt.NDArray[np.float64]:
    """The first rows as requests would bring them: plain values, one row a call."""
    columns = request_columns(rows.slice(0, _SINGLE_ROWS), serving.features.values())
    count = min(rows.num_rows, _SINGLE_ROWS)
    singles = [
        session.run(encode_columns(specs, {name: values[i : i + 1] for name, values in columns.items()}))[0][0, 0]
        for i in range(count)
    ]
    return np.array(singles, dtype=np.float64)


def _warm_up(session: Session, specs: Sequence[InputSpec], rows: pa.Table, serving: Schema) -> dict[str, Any]:
    """The first rows without infinities, which JSON cannot say, and their predictions."""
    columns = request_columns(rows.slice(0, _WARM_UP_ROWS), serving.features.values(), finite=True)
    predictions = session.run(encode_columns(specs, columns))[0].reshape(-1)
    return {"columns": columns, "predictions": _numbers(predictions)}


def _proof(
    parity: Parity,
    native: npt.NDArray[Any],
    fused: npt.NDArray[Any],
    functions: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The summary, the first rows' predictions by either way, and how far bodies are from numpy functions."""
    shown = {"native": _numbers(native[:_PROOF_ROWS]), "graph": _numbers(fused[:_PROOF_ROWS])}
    return {**parity.to_json(), "predictions": shown, **({"functions": list(functions)} if functions else {})}


def _numbers(values: npt.NDArray[Any]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _publish(out_path: Path, files: Mapping[str, bytes]) -> None:
    """Write all files beside ``out_path`` and rename: a reader sees a whole servable or none."""
    if out_path.exists() and (not out_path.is_dir() or any(out_path.iterdir())):
        raise ServableError("There is something else where the servable should be.", where={"file": str(out_path)})
    out_path.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{out_path.name}-", dir=out_path.parent))
    try:
        staged.chmod(0o755)
        for name, data in sorted(files.items()):
            (staged / name).write_bytes(data)
        sync_tree(staged)
        staged.rename(out_path)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync(out_path.parent)
