"""What ONNX cannot say about a text is computed where it enters: hashes, lengths, tokens.

A model names such inputs in its metadata, under ``treadle.prepared``: for each the raw feature it is made of, and
the steps that make it. A step goes from one text to a text, a number or a list of texts, and knows nothing of other
rows. ``Session`` takes the steps, in bulk (over distinct values) as for one request: they exist once, here. Only the
standard library is used, and nothing that depends on the machine, its locale or its version of Unicode.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from treadle.errors import ModelFormatError
from treadle.graph._values_python import MISSING_INT, MISSING_TEXT, Tensor

METADATA = "treadle.prepared"
Step: TypeAlias = "tuple[str | int | tuple[str, ...], ...]"
"""A name and its settings."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """An input that is made of a raw text feature."""

    feature: str
    steps: tuple[Step, ...]


def prepare(steps: Sequence[Step], values: Sequence[str]) -> Tensor:
    """The input for some rows: ``[N, 1]`` int64, or ``[N, size]`` text where the last step is ``pad``.

    Args:
        steps: What to do, in order.
        values: The raw texts, ``MISSING_TEXT`` where there is none.
    """
    *before, last = steps
    run = _run(tuple(before))
    results = [run(None if value == MISSING_TEXT else value) for value in values]
    return _LAST[str(last[0])](results, *last[1:])


def dump(preparations: Mapping[str, Preparation]) -> str:
    """For a model's metadata; the same preparations give the same text."""
    found = {name: {"feature": each.feature, "steps": each.steps} for name, each in preparations.items()}
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> dict[str, Preparation]:
    """What :func:`dump` wrote.

    Raises:
        ModelFormatError: A step that this version does not know, or not what was written.
    """
    try:
        found = {
            name: Preparation(each["feature"], tuple(_tuple(step) for step in each["steps"]))
            for name, each in json.loads(text).items()
        }
        names = {str(step[0]) for each in found.values() for step in each.steps}
        complete = all(each.steps and str(each.steps[-1][0]) in _LAST for each in found.values())
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFormatError("The model's prepared inputs cannot be read.") from error
    if not complete or not names <= _STEPS.keys() | _LAST.keys():
        raise ModelFormatError(
            f"The model wants steps that this version of Treadle does not know: {', '.join(sorted(names))}.",
            hint="Serve it with the version that built it.",
        )
    return found


def ascii_lower(text: str) -> str:
    """``A`` to ``Z`` in lower case, and nothing else."""
    return text.lower() if text.isascii() else text.encode().lower().decode()


def ascii_upper(text: str) -> str:
    """``a`` to ``z`` in upper case, and nothing else."""
    return text.upper() if text.isascii() else text.encode().upper().decode()


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


@lru_cache(maxsize=256)
def _run(steps: tuple[Step, ...]) -> Callable[[str | None], Any]:
    functions = [_STEPS[str(step[0])](*step[1:]) for step in steps]

    def run(value: Any) -> Any:
        for function in functions:
            value = function(value)
        return value

    return run


Function: TypeAlias = "Callable[[Any], Any]"


def _present(function: Callable[[str], Any]) -> Function:
    return lambda value: None if value is None else function(value)


def _fill(value: str) -> Function:
    return lambda given: value if given is None else given


def _split(separator: str) -> Function:
    """Between separators; ``""`` is any run of ASCII white space, and then no token is empty."""
    if separator:
        return _present(lambda text: text.split(separator))
    return _present(lambda text: re.findall(r"[^ \t\n\r\f\v]+", text))


def _find(pattern: str) -> Function:
    found = re.compile(pattern, re.ASCII)
    return _present(lambda text: [match[0] for match in found.finditer(text)])


def _ngrams(low: int, high: int, separator: str) -> Function:
    def grams(tokens: Sequence[str]) -> list[str]:
        return [
            separator.join(tokens[start : start + length])
            for length in range(low, high + 1)
            for start in range(len(tokens) - length + 1)
        ]

    return lambda tokens: None if tokens is None else grams(tokens)


_STEPS: dict[str, Callable[..., Function]] = {
    "lower": lambda: _present(ascii_lower),
    "upper": lambda: _present(ascii_upper),
    "fill": _fill,
    "split": _split,
    "find": _find,
    "ngrams": _ngrams,
    "unique": lambda: lambda tokens: None if tokens is None else list(dict.fromkeys(tokens)),
    "first": lambda size: lambda tokens: None if tokens is None else tokens[:size],
}


def _hash(values: Sequence[str | None], key: str) -> Tensor:
    """BLAKE2b of the UTF-8, 8 bytes of digest, keyed by the UTF-8 of ``key``; little endian, the top bit cut off."""
    secret = key.encode()
    return _ints(
        None
        if value is None
        else int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8, key=secret).digest(), "little") & (2**63 - 1)
        for value in values
    )


def _count(values: Sequence[Any]) -> Tensor:
    """Code points of a text, or tokens of a list."""
    return _ints(None if value is None else len(value) for value in values)


def _ints(values: Any) -> Tensor:
    found = [MISSING_INT if value is None else value for value in values]
    return np.array(found, dtype=np.int64).reshape(-1, 1)


def _pad(values: Sequence[Sequence[str] | None], size: int) -> Tensor:
    """The first ``size`` tokens, missing behind the last; a missing text has none."""
    matrix = np.full((len(values), size), MISSING_TEXT, dtype=object)
    for row, tokens in enumerate(values):
        kept = tokens[:size] if tokens else ()
        matrix[row, : len(kept)] = kept
    return matrix


_LAST: dict[str, Callable[..., Tensor]] = {"hash": _hash, "count": _count, "pad": _pad}
