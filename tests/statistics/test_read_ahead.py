"""Reading ahead gives the same items in the same order, raises what reading raises, and ends when nobody wants more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from treadle.statistics._read_ahead import read_ahead


def test_the_items_come_in_their_order():
    assert list(read_ahead(lambda: range(1000))) == list(range(1000))


def test_an_error_comes_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the file ends here")

    ahead = read_ahead(items)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="the file ends here"):
        next(ahead)


def test_the_thread_ends_when_the_caller_stops():
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    items = read_ahead(endless)
    assert next(items) == 1
    items.close()
    assert ended.wait(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "treadle-reading"]
