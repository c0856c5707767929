"""What makes a value a URL, a time or an image: said once, for columns and for requests."""

from __future__ import annotations

from datetime import datetime

URL = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+\S*"
"""A regular expression, as RE2 reads it."""

TIMES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%H:%M:%S", "%H:%M")
"""The forms in which a time is written if the schema does not say how."""

IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
"""How the bytes of an image begin."""

_PER_DAY = {
    "unix_days": 1,
    "unix_seconds": 86400,
    "unix_milliseconds": 86400 * 10**3,
    "unix_microseconds": 86400 * 10**6,
    "unix_nanoseconds": 86400 * 10**9,
}
_DAYS = (-25567, 84006)  # the years 1900 to 2199


def is_time(value: str, form: str) -> bool:
    """Whether a string is a time in that form, and a day that there is."""
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def time_range(form: str) -> tuple[int, int]:
    """The least and the largest integer that is a time, in units such as ``unix_seconds``."""
    return _DAYS[0] * _PER_DAY[form], _DAYS[1] * _PER_DAY[form]
