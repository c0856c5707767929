"""The parity proof: real rows through the native model and through the fused graph, and how far they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.errors import ParityError
from treadle.graph import differences

_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the graph's predictions are from the native model's."""

    bound: float
    """The largest difference that may be pushed."""
    max_difference: float | None
    """The largest difference seen; ``None`` over no rows. Absolute up to a native prediction of 1, relative to the
    prediction beyond; a NaN beside a number counts as infinite."""
    flipped: int
    """Rows of a binary task whose label at a threshold of 0.5 differs."""
    rows: int
    """Rows compared."""
    single_rows: int
    """Of these, rows also predicted alone through the request path."""

    def to_json(self) -> dict[str, Any]:
        """The proof as JSON-able fields."""
        return asdict(self)

    def check(self) -> None:
        """Refuse differences beyond the bound.

        Raises:
            ParityError: The graph does not predict what the native model predicts.
        """
        if self.max_difference is None:
            raise ParityError(
                "Parity was not measured: there are no rows to compare.",
                hint="Give rows of the evaluation split; a servable without a proof is not built.",
            )
        if not self.max_difference <= self.bound:
            raise ParityError(
                f"The fused graph differs from the native model by up to {self.max_difference:.3g} "
                f"(bound {self.bound:.3g}); {self.flipped} of {self.rows} labels flip.",
                hint="Nothing was built. Compare the model's export with the model, or raise the bound on purpose.",
            )


def compare(
    native: npt.NDArray[Any], graph: npt.NDArray[Any], single: npt.NDArray[Any], *, bound: float, task: str
) -> Parity:
    """Compare predictions of the same rows.

    Args:
        native: The native model's, ``[N]``.
        graph: The fused graph's in bulk, ``[N]``.
        single: The fused graph's one row at a time, for the first rows, ``[M]`` with ``M <= N``.
        bound: The largest difference allowed.
        task: ``binary`` or ``regression``; labels flip in the first only.
    """
    if len(native) != len(graph):
        raise ParityError(f"The native model predicted {len(native)} rows, the graph {len(graph)}.")
    apart = np.concatenate([differences(native, graph), differences(native[: len(single)], single)])
    flipped = np.count_nonzero((native >= _THRESHOLD) != (graph >= _THRESHOLD)) if task == "binary" else 0
    return Parity(
        bound=bound,
        max_difference=float(apart.max()) if len(apart) else None,
        flipped=int(flipped),
        rows=len(native),
        single_rows=len(single),
    )


def check_functions(proofs: Sequence[Mapping[str, Any]]) -> None:
    """Refuse bodies of numpy functions that are not what the functions gave.

    Args:
        proofs: As ``TransformGraph.function_proofs`` gives them.

    Raises:
        ParityError: A body is too far from its function, or was compared over no rows.
    """
    for proof in proofs:
        if not proof["rows"]:
            raise ParityError(
                f"The body of the numpy function {proof['function']!r} was compared over no rows.",
                hint="Analyze over rows; a servable without a proof is not built.",
            )
        if not proof["max_difference_of_witnesses"] <= proof["tolerance"]:
            raise ParityError(
                f"The body of the numpy function {proof['function']!r} differs from it by up to "
                f"{proof['max_difference_of_witnesses']:.3g} (tolerance {proof['tolerance']:.3g}).",
                hint="Nothing was built. Compare the versions here with those where the graph was analyzed.",
            )
