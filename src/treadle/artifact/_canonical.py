"""One spelling of JSON, so that equal values have equal bytes."""

from __future__ import annotations

import json


def canonical_json(value: object) -> bytes:
    """``value`` as UTF-8 JSON with sorted keys, no spaces and floats by ``repr``.

    Raises:
        ValueError: For NaN and infinities, which JSON does not have.
        TypeError: For anything that is not None, a bool, a number, a string, or a list or dict of these, and
            for dict keys that are not strings (JSON would silently turn them into strings).
    """
    _check_keys(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="surrogatepass")


def _check_keys(value: object) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys of a JSON object are strings, not {type(key).__name__}: {key!r}")
            _check_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)
