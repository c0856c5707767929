from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from treadle.engine import LocalEngine, map_batches
from treadle.errors import UsageError


def batches(count: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.record_batch({"x": [number]})


def number_of(batch: pa.RecordBatch) -> int:
    return batch.column(0)[0].as_py()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_one_result_per_batch_in_order(workers: int) -> None:
    assert list(map_batches(number_of, batches(40), workers=workers)) == list(range(40))
    assert list(map_batches(number_of, batches(0), workers=workers)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_are_read_no_faster_than_results_are_taken(workers: int) -> None:
    read = []

    def source() -> Iterator[pa.RecordBatch]:
        for batch in batches(100):
            read.append(batch)
            yield batch

    results = map_batches(number_of, source(), workers=workers)
    assert next(results) == 0
    assert len(read) <= workers + 1
    results.close()  # type: ignore[attr-defined]
    assert len(read) <= workers + 1


@pytest.mark.parametrize("workers", [1, 3])
def test_an_exception_is_the_callers(workers: int) -> None:
    def fails(batch: pa.RecordBatch) -> int:
        if number_of(batch) == 3:
            raise ValueError("three")
        return number_of(batch)

    seen: list[int] = []
    with pytest.raises(ValueError, match="three"):
        seen.extend(map_batches(fails, batches(50), workers=workers))
    assert seen == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("treadle-engine")]


def test_an_exception_of_the_source_is_the_callers() -> None:
    def source() -> Iterator[pa.RecordBatch]:
        yield from batches(2)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(LocalEngine(2).map_batches(number_of, source()))


def test_no_workers_is_misuse() -> None:
    with pytest.raises(UsageError):
        LocalEngine(0)
