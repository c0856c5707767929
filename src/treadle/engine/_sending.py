"""Functions and parts on their way to another process, and results and errors on their way back.

Each library brings its own ``cloudpickle``; what it makes never outlives the call, and nothing of it is kept.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from treadle.errors import EngineError, EngineFunctionError

Dumps = Callable[[Any], bytes]
Loads = Callable[[bytes], Any]


class Outcome(NamedTuple):
    """What came of one part, as bytes."""

    failed: bool
    data: bytes


class Sent(NamedTuple):
    """A function and its parts as bytes."""

    fn: bytes
    parts: list[bytes]


def send(fn: object, parts: Sequence[object], dumps: Dumps) -> Sent:
    """Make bytes of a function and of the parts.

    Raises:
        EngineFunctionError: One of them cannot leave this process.
    """
    return Sent(_bytes_of(fn, "The function", dumps), [_bytes_of(part, "A part", dumps) for part in parts])


def attempt(fn: bytes, part: bytes, loads: Loads, dumps: Dumps) -> Outcome:
    """Call a function where it has arrived. An exception is an outcome too: to run it again would not help."""
    try:
        function, given = _arrived(fn, loads), _arrived(part, loads)
        return Outcome(False, dumps(function(given)))
    except Exception as error:
        return Outcome(True, _error_bytes(error, loads, dumps))


def attempt_merge(merge: bytes, outcomes: Sequence[Outcome], loads: Loads, dumps: Dumps) -> Outcome:
    """Merge outcomes that lie in order; the first failure is the outcome."""
    for outcome in outcomes:
        if outcome.failed or len(outcomes) == 1:
            return outcome
    try:
        return Outcome(False, dumps(_arrived(merge, loads)([loads(outcome.data) for outcome in outcomes])))
    except Exception as error:
        return Outcome(True, _error_bytes(error, loads, dumps))


def result_of(outcome: Outcome, loads: Loads) -> Any:
    """The result; raises the exception there was."""
    if not outcome.failed:
        return loads(outcome.data)
    error, trace = loads(outcome.data)
    error.add_note(f"On a worker:\n{trace}")
    raise error


def _bytes_of(thing: object, what: str, dumps: Dumps) -> bytes:
    try:
        return dumps(thing)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineFunctionError(
            f"{what} cannot be sent to another process: {reason}.",
            hint="Write the function at the top level of a module, and let it open files and connections itself; "
            "or run it with the engine of this machine (local).",
        ) from error


def _arrived(data: bytes, loads: Loads) -> Any:
    try:
        return loads(data)
    except Exception as error:
        raise EngineFunctionError(
            f"A worker cannot take what it was sent: {type(error).__name__}: {error}.",
            hint="Install there what is installed here: the same Python, treadle, and the package of the function.",
        ) from error


def _error_bytes(error: Exception, loads: Loads, dumps: Dumps) -> bytes:
    trace = "".join(traceback.format_exception(error))
    try:
        data = dumps((error, trace))
        loads(data)
        return data
    except Exception:
        return dumps((EngineError(f"{type(error).__name__}: {error}"), trace))
