"""Converting a column in which some values cannot be: the others, and which they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def cast_values(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """The values as ``kind``, null where that cannot be, and where that is."""
    return convert_values(values, lambda part: pc.cast(part, kind), kind)


def convert_values(
    values: pa.Array, convert: Callable[[pa.Array], pa.Array], kind: pa.DataType
) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """The values converted; the ones that ``convert`` refuses are found by halving.

    ``convert`` raises ``pa.ArrowInvalid`` or a ``TypeError`` if one of the values given to it cannot be converted.
    """
    parts: list[pa.Array] = []
    wrong = np.zeros(len(values), dtype=bool)
    waiting = [(0, len(values))]
    while waiting:
        start, count = waiting.pop()
        try:
            part = convert(values.slice(start, count))
            parts.extend(part.chunks if isinstance(part, pa.ChunkedArray) else [part])
        except (pa.ArrowInvalid, TypeError):
            if count == 1:
                wrong[start] = True
                parts.append(pa.nulls(1, kind))
                continue
            half = count // 2
            waiting += [(start + half, count - half), (start, half)]
    return (pa.concat_arrays(parts) if parts else pa.nulls(0, kind)), wrong
