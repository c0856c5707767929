"""The last step of a preparation: from one row's value each to the tensor of an input."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from treadle.graph.steps._text import WHITE
from treadle.graph.values._python import MISSING_INT, MISSING_TEXT, Tensor, microseconds_of

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _hash(values: Sequence[str | None], key: str) -> Tensor:
    """BLAKE2b of the UTF-8, 8 bytes of digest, keyed by the UTF-8 of ``key``; little endian, the top bit cut off."""
    secret = key.encode()
    return _ints(None if value is None else _hash_of(value, secret) for value in values)


def _hash_each(values: Sequence[Sequence[str] | None], key: str, size: int) -> Tensor:
    """The hash of each of the first ``size`` tokens, missing behind the last."""
    secret = key.encode()
    known: dict[str, int] = {}
    matrix = np.full((len(values), size), MISSING_INT, dtype=np.int64)
    for row, tokens in enumerate(values):
        for column, token in enumerate(tokens[:size] if tokens else ()):
            if token not in known:
                known[token] = _hash_of(token, secret)
            matrix[row, column] = known[token]
    return matrix


def _hash_of(text: str, secret: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=secret).digest(), "little") & (2**63 - 1)


def _count(values: Sequence[Any]) -> Tensor:
    """Code points of a text, or tokens of a list."""
    return _ints(None if value is None else len(value) for value in values)


def _index(values: Sequence[str | None], part: str) -> Tensor:
    """How many code points are before the first ``part``; -1 where there is none."""
    return _ints(None if value is None else value.find(part) for value in values)


def _ints(values: Iterable[int | None]) -> Tensor:
    found = [MISSING_INT if value is None else value for value in values]
    return np.array(found, dtype=np.int64).reshape(-1, 1)


def _number(values: Sequence[str | None]) -> Tensor:
    """A decimal number between ASCII white space; missing where a text is none."""
    return np.array([_parsed(value) for value in values], dtype=np.float64).reshape(-1, 1)


def _parsed(value: str | None) -> float:
    stripped = "" if value is None else value.strip(WHITE)
    return float(stripped) if _NUMBER.fullmatch(stripped) else float("nan")


def _text(values: Sequence[str | None]) -> Tensor:
    made = [MISSING_TEXT if value is None else value for value in values]
    return np.array(made, dtype=object).reshape(-1, 1)


def _pad(values: Sequence[Sequence[str] | None], size: int) -> Tensor:
    """The first ``size`` tokens, missing behind the last; a missing text has none."""
    matrix = np.full((len(values), size), MISSING_TEXT, dtype=object)
    for row, tokens in enumerate(values):
        kept = tokens[:size] if tokens else ()
        matrix[row, : len(kept)] = kept
    return matrix


DIRECTIVES = {
    "Y": ("year", "[0-9]{4}"),
    "m": ("month", "[0-9]{1,2}"),
    "d": ("day", "[0-9]{1,2}"),
    "H": ("hour", "[0-9]{1,2}"),
    "M": ("minute", "[0-9]{1,2}"),
    "S": ("second", "[0-9]{1,2}"),
    "f": ("microsecond", "[0-9]{1,6}"),
    "y": ("short", "[0-9]{2}"),
}
"""What may stand behind ``%`` in a format, and the digits it stands for."""


def time_pattern(format_: str) -> re.Pattern[str]:
    """The regular expression of a format of times.

    Raises:
        ValueError: A directive is not known, or stands twice.
    """
    made, at = [], 0
    seen: set[str] = set()
    while at < len(format_):
        character = format_[at]
        if character != "%":
            made.append(re.escape(character))
        else:
            at += 1
            directive = format_[at : at + 1]
            if directive == "%":
                made.append("%")
            elif directive not in DIRECTIVES or directive in seen:
                raise ValueError(f"%{directive} is not one of {', '.join(f'%{d}' for d in DIRECTIVES)}, each once")
            else:
                seen.add(directive)
                made.append(f"(?P<{DIRECTIVES[directive][0]}>{DIRECTIVES[directive][1]})")
        at += 1
    return re.compile("".join(made))


def check_time_format(format_: str) -> None:
    """Refuse a format that :func:`time_pattern` refuses."""
    time_pattern(format_)


def _time(values: Sequence[str | None], format_: str) -> Tensor:
    """Microseconds since 1970 of a text in a format; missing where it is not in it, or no such day exists."""
    pattern = time_pattern(format_)
    return _ints(None if value is None else _moment(pattern.fullmatch(value.strip(WHITE))) for value in values)


def _moment(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    parts = {name: int(digits) for name, digits in match.groupdict().items() if name != "microsecond"}
    if "short" in parts:  # as POSIX: 69 to 99 are of the last century
        short = parts.pop("short")
        parts.setdefault("year", 1900 + short if short >= 69 else 2000 + short)
    fraction = match.groupdict().get("microsecond")
    if fraction:
        parts["microsecond"] = int(fraction.ljust(6, "0"))
    try:
        return microseconds_of(datetime(**{"year": 1970, "month": 1, "day": 1} | parts))  # type: ignore[arg-type]
    except ValueError:
        return None


LAST_STEPS: dict[str, Callable[..., Tensor]] = {
    "hash": _hash,
    "hash_each": _hash_each,
    "count": _count,
    "index": _index,
    "number": _number,
    "text": _text,
    "time": _time,
    "pad": _pad,
}
"""Steps that end a preparation."""
