"""Values that occurred before, over batches: exact, a hash table of what was seen."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.validation._values import Mask


class Remembers(Protocol):
    """Knows which values occurred before."""

    def again(self, values: pa.Array) -> Mask:
        """Which of the values that come next occurred before."""
        ...


class Repeats:
    """Remembers the distinct values of a column: as much memory as they need."""

    def __init__(self) -> None:
        self._seen: pa.Array | None = None

    def again(self, values: pa.Array) -> Mask:
        """Which of the values occurred before, here or in a batch before this one; the first one did not."""
        encoded = values.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        first = np.zeros(len(codes), np.bool_)
        first[np.unique(codes, return_index=True)[1]] = True
        distinct = encoded.dictionary
        if self._seen is None:
            self._seen = distinct
            return ~first
        known = np.asarray(pc.is_in(distinct, self._seen).to_numpy(zero_copy_only=False), np.bool_)
        self._seen = pa.concat_arrays([self._seen, distinct.filter(pa.array(~known))])
        return np.asarray(~first | known[codes])
