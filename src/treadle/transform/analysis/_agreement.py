"""Whether the ONNX body of a user's numpy function gives what the function gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.errors import TransformError, UserCodeError
from treadle.graph import Output, Session, differences, lower, replace_nodes, serialize
from treadle.graph import body_nodes as b
from treadle.graph import nodes as n

Floats = npt.NDArray[np.float64]
_WITNESSES = 64
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class AgreementOf:
    """``evidence``: how far the last column, the body's, is from the function of the others, over all rows.

    Of the rows it keeps those with the smallest hashes, so which they are depends on the data and not on its order.
    """

    function: Callable[..., Any]
    tolerance: float
    line: tuple[tuple[str, object], ...]

    def create(self) -> _AgreementState:
        return _AgreementState(self)


class _AgreementState:
    def __init__(self, of: AgreementOf) -> None:
        self._of = of
        self._rows = 0
        self._witnesses: Floats | None = None
        self._worst: tuple[float, ...] = (0.0,)
        """The largest difference, and the row: what was given, what the function gave, what the body gave."""

    def add(self, values: Any, counts: Any = None) -> None:
        raise NotImplementedError("a body is compared over several columns")

    def add_columns(self, columns: Sequence[Floats]) -> None:
        *given, body = columns
        wanted = called(self._of.function, given, dict(self._of.line))
        rows = np.column_stack([*given, wanted, body])
        apart = differences(wanted, body)
        self._rows += len(rows)
        if len(rows):
            at = int(apart.argmax())
            self._worst = max(self._worst, (float(apart[at]), *rows[at].tolist()), key=lambda found: found[0])
        self._keep(rows[:, :-1])

    def merge(self, other: _AgreementState) -> None:
        self._rows += other._rows
        self._worst = max(self._worst, other._worst, key=lambda found: found[0])
        if other._witnesses is not None:
            self._keep(other._witnesses)

    def result(self) -> Mapping[str, n.Node]:
        apart, *row = self._worst
        if apart > self._of.tolerance:
            *given, wanted, body = row
            raise TransformError(
                f"The body gives {body:.9g} and the function {wanted:.9g} for {', '.join(f'{x:.9g}' for x in given)}.",
                where=dict(self._of.line),
                hint="Mend the body, or raise tolerance= on purpose.",
            )
        kept = [] if self._witnesses is None else self._witnesses.tolist()
        return {"evidence": b.Evidence(self._rows, apart, tuple(map(tuple, kept)))}

    def _keep(self, rows: Floats) -> None:
        known = rows if self._witnesses is None else np.concatenate([self._witnesses, rows])
        bits = np.where(np.isnan(known), np.nan, known).view(np.uint64)
        hashes = _hashes(bits)
        wanted = np.isin(hashes, np.unique(hashes)[:_WITNESSES])
        self._witnesses = np.unique(bits[wanted], axis=0).view(np.float64)


def proof_of(node: b.Proven) -> dict[str, Any]:
    """The evidence of a body, and how far it is from the witnesses' values here and now."""
    evidence = node.evidence
    assert isinstance(evidence, b.Evidence), "analyzed"
    apart = 0.0
    if evidence.witnesses:
        *given, wanted = np.array(evidence.witnesses, dtype=np.float64).T
        names = [f"x{i}" for i in range(len(given))]
        inputs = {id(x): n.Input(name, "float", n.Kind.NUMBER) for x, name in zip(node.xs, names, strict=True)}
        model = lower([Output("y", tuple(replace_nodes([node.x], inputs)), as_float32=False)])
        feed = {name: values.reshape(-1, 1) for name, values in zip(names, given, strict=True)}
        session = Session(serialize(model))
        found = session.run({name: feed[name] for name in session.inputs})[0]
        apart = float(differences(wanted, found[:, 0]).max())
    return {
        "function": node.name,
        "tolerance": node.tolerance,
        "rows": evidence.rows,
        "max_difference": evidence.max_difference,
        "witnesses": len(evidence.witnesses),
        "max_difference_of_witnesses": apart,
    }


def called(function: Callable[..., Any], given: Sequence[Floats], line: Mapping[str, object]) -> Floats:
    """What a numpy function gives for columns, as float64.

    Raises:
        UserCodeError: It raised.
        TransformError: It gave something else than a number a row.
    """
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(function(*(values.copy() for values in given)))
    except Exception as error:
        raise UserCodeError.raised_in("a numpy function", function, error) from error
    if found.shape != given[0].shape or found.dtype.kind not in "biuf":
        raise TransformError(
            f"A numpy function must give a number a row, and for {len(given[0])} rows this one gave an array of "
            f"{found.dtype} {list(found.shape)}.",
            where=dict(line),
        )
    return found.astype(np.float64)


def _hashes(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    mixed = np.zeros(len(bits), np.uint64)
    for column in bits.T:
        mixed = (mixed ^ column) * _MIX
        mixed ^= mixed >> np.uint64(31)
    return mixed
