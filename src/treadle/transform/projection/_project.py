"""Projecting a table, and the page of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from treadle.errors import MissingDependencyError, TransformError
from treadle.transform.projection._planes import PLANES

METHODS = tuple(PLANES)
_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
_LONGEST = 200
_MOST_SHOWN = 30


@dataclass(frozen=True)
class Projection:
    """Rows of a table as points in planes."""

    points: dict[str, npt.NDArray[np.float64]]
    """``[N, 2]`` of each method."""
    rows: pa.Table
    """The columns that are shown of each point, in the points' order."""
    color: str | None
    """The column that colours the points at first."""
    used: tuple[str, ...]
    """The columns that were projected."""
    total: int
    """How many rows the table had."""

    def page(self, title: str = "Projection") -> str:
        """One HTML file that needs nothing else; the same projection gives the same text."""
        data = {
            "methods": [{"key": key, "name": _NAMES[key], "at": _places(at)} for key, at in self.points.items()],
            "columns": [{"name": n, "values": _values(self.rows[n])} for n in self.rows.column_names],
            "color": self.color,
            "used": len(self.used),
            "total": self.total,
        }
        # "<" would end the script where a value says so
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        page = _file("page.html")
        for name, content in (("title", escape(title)), ("css", _file("page.css")), ("js", _file("page.js"))):
            page = page.replace(f"@{name}@", content)
        return page.replace("@data@", text)

    def _repr_html_(self) -> str:
        return f'<iframe style="width:100%;height:640px;border:0" srcdoc="{escape(self.page())}"></iframe>'


def project(
    table: pa.Table,
    *,
    columns: Sequence[str] | None = None,
    color: str | None = None,
    methods: Sequence[str] | None = None,
    sample: int = 2000,
    seed: int = 0,
) -> Projection:
    """Project the rows of a table.

    Every column is brought to mean 0 and deviation 1 before; missing and infinite values stand at the mean.

    Args:
        table: Features, embeddings as lists of one length, and whatever is to be shown beside.
        columns: The columns to project; all of numbers but ``color`` by default.
        color: The column to colour points by at first.
        methods: Of ``pca``, ``tsne`` and ``umap``; by default those whose libraries are installed.
        sample: At most so many rows, drawn by ``seed`` and kept in their order.
        seed: For the sample, t-SNE and UMAP.

    Raises:
        TransformError: A column is not there or holds no numbers, or there are fewer than 3 rows.
        MissingDependencyError: A method that was asked for needs a library that is not installed.
    """
    for name in (*(columns or ()), *([color] if color is not None else ())):
        if name not in table.column_names:
            raise TransformError(f"There is no column {name!r}.", hint=f"There are: {', '.join(table.column_names)}.")
    unknown = [method for method in methods or () if method not in PLANES]
    if unknown:
        raise TransformError(f"There is no projection {unknown[0]!r}.", hint=f"There are: {', '.join(PLANES)}.")
    if table.num_rows < 3:
        raise TransformError(f"{table.num_rows} rows are too few for a projection.", hint="Give 3 rows or more.")
    total = table.num_rows
    if total > sample:
        table = table.take(pa.array(np.sort(np.random.default_rng(seed).choice(total, sample, replace=False))))
    used = (
        tuple(columns)
        if columns is not None
        else tuple(n for n in table.column_names if n != color and _fits(table, n))
    )
    if not used:
        raise TransformError("There is no column of numbers to project.", hint="Say which: columns=[...].")
    matrix = np.concatenate([_standard(_matrix(table, name)) for name in used], axis=1)
    found = {}
    for method in methods or METHODS:
        try:
            found[method] = PLANES[method](matrix, seed)
        except MissingDependencyError:
            if methods:
                raise
    return Projection(found, _shown(table, used, color), color, used, total)


def _fits(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _matrix(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    if not _fits(table, name):
        raise TransformError(f"The column {name!r} holds {table.schema.field(name).type}, and no numbers.")
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    if pa.types.is_nested(column.type):
        lengths = set(pc.list_value_length(column).to_pylist())
        if len(lengths) != 1 or None in lengths:
            raise TransformError(
                f"The lists of {name!r} are not all of one length.", hint="Embeddings have one length."
            )
        return _floats(column.flatten()).reshape(len(column), -1)
    return _floats(column).reshape(-1, 1)


def _floats(array: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _standard(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    there = np.isfinite(matrix)
    count = np.maximum(there.sum(axis=0), 1)
    kept = np.where(there, matrix, 0.0)
    scale = np.maximum(np.abs(kept).max(axis=0, initial=0.0), np.finfo(np.float64).tiny)
    kept = kept / scale  # so that squares of large values stay finite
    mean = kept.sum(axis=0) / count
    centred = np.where(there, kept - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / count)
    return np.asarray(centred / np.where(deviation > 0, deviation, 1.0), np.float64)


def _shown(table: pa.Table, used: Sequence[str], color: str | None) -> pa.Table:
    """What is told of a point: the colour, what was not projected, then the first of the projected columns."""
    plain = [name for name in table.column_names if not pa.types.is_nested(table.schema.field(name).type)]
    first = [name for name in plain if name == color] + [n for n in plain if n not in used and n != color]
    return table.select([*first, *(n for n in plain if n in used and n != color)][:_MOST_SHOWN])


def _places(points: npt.NDArray[np.float64]) -> list[list[float]]:
    """Within -1 to 1, four digits: more than a screen has."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    return np.round((points - (low + high) / 2) * 2 / span, 4).tolist()  # type: ignore[no-any-return]


def _values(column: pa.ChunkedArray) -> list[Any]:
    return [_value(value) for value in column.to_pylist()]


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _file(name: str) -> str:
    return files("treadle.transform.projection").joinpath(name).read_text(encoding="utf-8")
