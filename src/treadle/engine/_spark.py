"""Spark: every part is a task of one row, through ``mapInArrow``, which Spark Connect has too.

Spark hands out the parts and brings results back; Treadle's own readers read the rows where the task runs, so types,
checks and counts are those of every other engine.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pyarrow as pa

from treadle.config import num_threads, spark_settings
from treadle.engine._sending import Outcome, Sent, attempt, attempt_merge, result_of, send
from treadle.engine._tree import FAN_IN, merge_in_order
from treadle.engine._writing import write_parts
from treadle.errors import EngineError, EngineFunctionError, MissingDependencyError

P = TypeVar("P")
R = TypeVar("R")

_INSTALL = "pip install 'treadle[spark]'; Java 17 or later"
_HERE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
_COLUMNS = "number long, failed boolean, data binary"
_SCHEMA = pa.schema([("number", pa.int64()), ("failed", pa.bool_()), ("data", pa.binary())])


class SparkEngine:
    """Runs functions as tasks of a Spark session; see :class:`Engine`.

    Spark tries a task that was lost again, ``spark.task.maxFailures`` times. After an exception of the function the
    other parts still come to their end.

    Args:
        session: The session. By default the one that is active here, else a new one: as ``SPARK_MASTER`` or
            ``SPARK_REMOTE`` says, or Spark's own settings; with none of these on the cores of this machine.

    Raises:
        MissingDependencyError: pyspark is not installed.
        EngineError: The session cannot be started.
    """

    name = "spark"

    def __init__(self, session: Any = None) -> None:
        try:
            with _without_pandas_doubts():
                from pyspark.sql import SparkSession
        except ImportError as error:
            raise MissingDependencyError("The engine spark needs pyspark.", hint=_INSTALL) from error
        active = session or SparkSession.getActiveSession()
        self._own = active is None
        self.session = active or _start(SparkSession.builder)

    def map(self, fn: Callable[[P], R], parts: Sequence[P]) -> Iterator[R]:
        """The function's result for every part, in order."""
        loads = _cloudpickle().loads
        for outcome in self._outcomes(fn, parts) if parts else []:
            yield result_of(outcome, loads)

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged by the workers."""
        outcomes = self._outcomes(fn, parts, merge) if parts else []
        loads = _cloudpickle().loads
        return merge_in_order((result_of(outcome, loads) for outcome in outcomes), merge)

    def write(
        self, fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, *, suffix: str = ".parquet"
    ) -> list[R]:
        """A file for every part, written by the workers: all of them, whole, or none."""
        return write_parts(self.map, fn, parts, folder, suffix)

    def close(self) -> None:
        """Stop the session, if this engine started it."""
        if self._own:
            self.session.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _outcomes(self, fn: object, parts: Sequence[object], merge: object = None) -> list[Outcome]:
        dumps = _cloudpickle().dumps
        sent = send(fn, parts, dumps)
        merging = None if merge is None else _merging(send(merge, [], dumps).fn)
        frame, count = self._frame(sent, merging)
        try:
            table = frame.toArrow().sort_by("number")
        except Exception as error:
            raise _failure(error) from error
        columns = (table.column(name).to_pylist() for name in ("failed", "data"))
        outcomes = [Outcome(failed, data) for failed, data in zip(*columns, strict=True)]
        if len(outcomes) != count:
            raise EngineError(f"Spark gave {len(outcomes)} results for {count} parts.")
        return outcomes

    def _frame(self, sent: Sent, merging: Callable[[pa.Table], pa.Table] | None) -> tuple[Any, int]:
        """What Spark is to compute, and how many rows that is."""
        count = len(sent.parts)
        with _without_pandas_doubts():
            try:
                frame = self.session.range(0, count, 1, count).mapInArrow(_tasks(sent), _COLUMNS)
                while merging is not None and count > FAN_IN:
                    frame = frame.groupBy(_group()).applyInArrow(merging, _COLUMNS)
                    count = -(-count // FAN_IN)
            except ImportError as error:
                raise MissingDependencyError(f"Spark lacks a package: {error}.", hint=_INSTALL) from error
        return frame, count


@contextmanager
def _without_pandas_doubts() -> Iterator[None]:
    """Spark asks for pandas to take Arrow, and doubts its version; nothing of it is used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _tasks(sent: Sent) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pickle = _cloudpickle()
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield _row(number, attempt(sent.fn, sent.parts[number], pickle.loads, pickle.dumps)).to_batches()[0]

    return run


def _merging(merge: bytes) -> Callable[[pa.Table], pa.Table]:
    def run(group: pa.Table) -> pa.Table:
        pickle = _cloudpickle()
        group = group.sort_by("number")
        outcomes = [Outcome(failed, data) for failed, data in zip(*group.select([1, 2]).to_pydict().values())]  # noqa: B905
        merged = attempt_merge(merge, outcomes, pickle.loads, pickle.dumps)
        return _row(group.column("number")[0].as_py() // FAN_IN, merged)

    return run


def _row(number: int, outcome: Outcome) -> pa.Table:
    return pa.table([[number], [outcome.failed], [outcome.data]], schema=_SCHEMA)


def _group() -> Any:
    from pyspark.sql.functions import expr

    return expr(f"number div {FAN_IN}")


def _start(builder: Any) -> Any:
    settings = spark_settings()
    if settings.master is not None:
        builder = builder.master(settings.master)
    elif not settings.elsewhere:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(f"local[{num_threads()},4]")  # a task that is lost runs up to four times
        for name, value in {**_HERE, "spark.sql.shuffle.partitions": str(num_threads())}.items():
            builder = builder.config(name, value)
    try:
        return builder.appName("treadle").getOrCreate()
    except Exception as error:
        raise EngineError(
            f"Spark cannot be started: {_first_line(error)}.",
            where={"master": settings.master},
            hint="Spark needs Java 17 or later (JAVA_HOME); SPARK_MASTER says where the cluster is.",
        ) from error


def _failure(error: Exception) -> Exception:
    if "PYTHON_VERSION_MISMATCH" in str(error) or "ModuleNotFoundError" in str(error):
        return EngineFunctionError(
            f"The workers of Spark cannot run this: {_telling_line(error)}.",
            hint="Install there what is installed here: the same Python (PYSPARK_PYTHON), treadle and its extras.",
        )
    return EngineError(f"Spark could not do it: {_first_line(error)}.", hint="Spark's own log says more.")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _telling_line(error: Exception) -> str:
    telling = [line for line in str(error).splitlines() if "MISMATCH" in line or "ModuleNotFoundError" in line]
    return telling[0].strip().rstrip(".")


def _cloudpickle() -> Any:
    from pyspark import cloudpickle

    return cloudpickle
