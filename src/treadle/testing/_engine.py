"""What an engine must do, wherever it runs what it is given."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.engine import Engine, LocalEngine
from treadle.errors import EngineFunctionError, InputValueError
from treadle.statistics import Statistics

E = TypeVar("E", bound=Exception)

_LONG = 10_000_000


class EngineContract:
    """Subclass it in a test module with a fixture ``engine``.

    An engine whose functions run in other processes sets ``in_processes``; then a worker is killed too, and what
    cannot be sent must be refused.
    """

    in_processes: ClassVar[bool] = True

    def test_results_are_in_the_order_of_the_parts(self, engine: Engine) -> None:
        """One for each part, whatever takes how long."""
        assert list(engine.map(_double, range(9))) == [2 * number for number in range(9)]
        assert list(engine.map(_double, [21])) == [42]

    def test_no_parts(self, engine: Engine, tmp_path: Path) -> None:
        """Nothing comes of nothing."""
        assert list(engine.map(_double, [])) == []
        assert engine.reduce(_double, _total, []) is None
        assert engine.write(_write_rows, [], tmp_path / "none") == []

    def test_merging_has_one_shape(self, engine: Engine) -> None:
        """Eight neighbours at a time, upwards; nothing but the number of parts decides."""
        for count in (1, 8, 9, 66):
            assert engine.reduce(str, _bracket, range(count)) == _tree([str(number) for number in range(count)])

    def test_parts_empty_huge_and_null(self, engine: Engine) -> None:
        """Statistics of odd parts are those of their rows."""
        parts = [
            pa.record_batch({"x": pa.array([], pa.int64()), "s": pa.array([], pa.string())}),
            pa.record_batch({"x": pa.array(range(300_000)), "s": pa.nulls(300_000, pa.string())}),
            pa.record_batch({"x": pa.nulls(3, pa.int64()), "s": ["", None, "a"]}),
            pa.record_batch({"x": [1], "s": ["é" * (_LONG // 2)]}),
        ]
        found = engine.reduce(_measure, _merge, parts)
        assert found == LocalEngine(1).reduce(_measure, _merge, parts)
        assert found is not None
        statistics = Statistics.from_bytes(found)
        assert (statistics.num_rows, statistics.features["x"].missing) == (300_004, 3)
        assert statistics.features["s"].missing == 300_001

    def test_long_values_come_back_whole(self, engine: Engine) -> None:
        """Texts of ten megabytes, nulls and NaN, there and back."""
        part = pa.record_batch({"s": ["x" * _LONG, None, ""], "f": [float("nan"), None, -0.0]})
        (back,) = engine.map(_same, [part])
        assert back.column("s").equals(part.column("s"))
        assert [repr(value) for value in back.column("f").to_pylist()] == ["nan", "None", "-0.0"]

    def test_an_exception_is_the_callers(self, engine: Engine) -> None:
        """The error of the third part, with its type, code and place."""
        error = _raised(InputValueError, lambda: list(engine.map(_fail_in_third, range(6))))
        assert (error.code, error.where, error.hint) == ("INPUT_VALUE", {"file": "part 2", "row": 7}, "mend it")

    def test_an_exception_while_merging(self, engine: Engine) -> None:
        """On whatever level of the tree."""
        for count in (3, 10):
            error = _raised(ValueError, partial(engine.reduce, _double, _fail_merging, range(count)))
            assert str(error) == "will not merge"

    def test_files_are_written_whole(self, engine: Engine, tmp_path: Path) -> None:
        """One for each part, in order, and nothing beside them."""
        parts = [pa.table({"x": range(number)}) for number in (3, 0, 5)]
        assert engine.write(_write_rows, parts, tmp_path / "out") == [3, 0, 5]
        names = ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
        assert [pq.read_table(tmp_path / "out" / name).num_rows for name in names] == [3, 0, 5]

    def test_nothing_is_half_written(self, engine: Engine, tmp_path: Path) -> None:
        """An exception in the third part, after it wrote something: no file is left, of any part."""
        out = tmp_path / "out"
        error = _raised(InputValueError, lambda: engine.write(_write_and_fail_in_third, range(6), out))
        assert error.where["row"] == 7
        assert list(out.iterdir()) == []

    def test_what_cannot_be_sent_is_refused(self, engine: Engine) -> None:
        """With a sentence that says what to do; an engine of this process takes it."""
        function = partial(_with_lock, threading.Lock())
        if not self.in_processes:
            assert list(engine.map(function, [1])) == [1]
            return
        error = _raised(EngineFunctionError, lambda: list(engine.map(function, [1])))
        assert "lock" in error.what
        assert "top level of a module" in (error.hint or "")

    def test_a_lost_worker_is_made_up_for(self, engine: Engine, tmp_path: Path) -> None:
        """The part that killed its worker runs again; every result is there, and so is every file."""
        if not self.in_processes:
            return
        numbers, out = [0, 1, 2, 3], tmp_path / "out"
        assert list(engine.map(partial(_die_once, tmp_path / "mapped"), numbers)) == numbers
        assert engine.write(partial(_write_and_die_once, tmp_path / "written"), numbers, out) == numbers
        assert sorted(file.name for file in out.iterdir()) == [f"part-{number:05d}.parquet" for number in numbers]

    def test_results_may_be_left(self, engine: Engine) -> None:
        """Whoever stops taking results may go on with something else."""
        results = engine.map(_double, range(12))
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]
        assert list(engine.map(_double, [3])) == [6]


def _raised(kind: type[E], do: Callable[[], object]) -> E:
    try:
        do()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} came back")


def _double(number: int) -> int:
    return 2 * number


def _same(part: pa.RecordBatch) -> pa.RecordBatch:
    return part


def _measure(part: pa.RecordBatch) -> bytes:
    statistics = Statistics()
    statistics.add(part)
    return statistics.to_bytes()


def _merge(states: list[bytes]) -> bytes:
    whole, *rest = (Statistics.from_bytes(state) for state in states)
    for other in rest:
        whole.merge(other)
    return whole.to_bytes()


def _bracket(texts: list[str]) -> str:
    return f"({' '.join(texts)})"


def _tree(texts: list[str]) -> str:
    while len(texts) > 1:
        groups = [texts[start : start + 8] for start in range(0, len(texts), 8)]
        texts = [group[0] if len(group) == 1 else _bracket(group) for group in groups]
    return texts[0]


def _fail_in_third(number: int) -> int:
    if number == 2:
        raise InputValueError("a value is wrong", where={"file": "part 2", "row": 7}, hint="mend it")
    if number == 4:
        raise ValueError("a later part")
    return number


def _total(numbers: list[int]) -> int:
    return sum(numbers)


def _fail_merging(numbers: list[int]) -> int:
    raise ValueError("will not merge" if numbers else "nothing to merge")


def _write_rows(part: pa.Table, file: Path) -> int:
    pq.write_table(part, file)
    return int(part.num_rows)


def _write_and_fail_in_third(number: int, file: Path) -> int:
    file.write_bytes(b"a beginning")
    return _fail_in_third(number)


def _with_lock(lock: threading.Lock, number: int) -> int:
    with lock:
        return number


def _die_once(mark: Path, number: int) -> int:
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _write_and_die_once(mark: Path, number: int, file: Path) -> int:
    file.write_bytes(b"whole")
    return _die_once(mark, number)
