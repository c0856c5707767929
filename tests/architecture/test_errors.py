"""Every public error has a code of its own, tells where and what to do, and crosses a process."""

from __future__ import annotations

import copy
import inspect
import json
import pickle

import pytest

from treadle import errors
from treadle.errors import TreadleError

ERRORS = sorted(
    (value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, TreadleError)),
    key=lambda kind: kind.__name__,
)


def test_codes_are_unique_and_their_own() -> None:
    codes = [kind.__dict__["code"] for kind in ERRORS]
    assert len(set(codes)) == len(codes)
    assert all(code.isupper() and code.replace("_", "").isalnum() for code in codes)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_is_whole_after_a_journey(kind: type[TreadleError]) -> None:
    error = kind("It broke", where={"file": "a.csv", "row": 3, "column": None}, hint="Mend it.")
    for arrived in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(arrived) is kind
        assert (arrived.what, arrived.where, arrived.hint) == ("It broke", {"file": "a.csv", "row": 3}, "Mend it.")
    fields = json.loads(json.dumps(error.to_dict()))
    assert fields == {"code": kind.code, "what": "It broke", "where": {"file": "a.csv", "row": 3}, "hint": "Mend it."}
    assert str(error) == f"It broke [{kind.code}]\n  at file a.csv, row 3\nHint: Mend it."


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_what_it_is(kind: type[TreadleError]) -> None:
    assert kind.__doc__
    assert isinstance(kind.transient, bool)
    assert kind.__name__.endswith("Error")
