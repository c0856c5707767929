"""Which failures may pass by themselves, and how long to wait before trying again."""

from __future__ import annotations

import errno
import random

from treadle.errors import TreadleError, UserCodeError

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 60.0
_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EINTR,
        errno.EBUSY,
        errno.ETIMEDOUT,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENETRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
    }
)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later without anybody changing anything.

    An error's type may say so itself (``transient = True``, Treadle's own or the user's); connections and timeouts
    are taken for transient, everything else is not.
    """
    if isinstance(error, UserCodeError) and error.__cause__ is not None:
        return is_transient(error.__cause__)
    said = getattr(type(error), "transient", None)
    if isinstance(error, TreadleError) or isinstance(said, bool):
        return bool(said)
    if isinstance(error, ConnectionError | TimeoutError | InterruptedError):
        return True
    return isinstance(error, OSError) and error.errno in _PASSING


def seconds_before(attempt: int) -> float:
    """How long to wait before an attempt (the second is number 2): doubled each time, and never the same for all."""
    longest: float = min(FIRST_SECONDS * 2.0 ** (attempt - 2), LONGEST_SECONDS)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311
