"""Analysis and bulk transformation in parts, wherever an engine runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.errors import InputColumnError, InputValueError
from treadle.graph import nodes as n
from treadle.transform._graph import ROW_ID, TransformGraph, trace_outputs
from treadle.transform.analysis._analyzers import Accumulator, Analysis, Analyzer
from treadle.transform.analysis._passes import Pass, Scan
from treadle.transform.analysis._phases import resolve

if TYPE_CHECKING:
    from treadle.schema import Schema
    from treadle.transform._trace import Preprocess

P = TypeVar("P")
R = TypeVar("R")


class RowsPart(Protocol):
    """Some of the rows (``treadle.ingest.ExamplesPart``)."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of some columns."""
        ...

    def place_of(self, row: int) -> dict[str, object]:
        """Where a row of the part is: ``file`` and ``row``."""
        ...


class PartsEngine(Protocol):
    """What is asked of an engine (``treadle.engine.Engine``)."""

    def reduce(self, fn: Callable[[P], R], merge: Callable[[list[R]], R], parts: Sequence[P]) -> R | None:
        """The results for all parts, merged."""
        ...

    def write(
        self, fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, *, suffix: str = ".parquet"
    ) -> list[R]:
        """A file for every part."""
        ...


class Spec(NamedTuple):
    """A pass that can be sent: what to compute, over which columns."""

    analyzer: Analyzer
    columns: tuple[n.Node, ...]

    def new_pass(self) -> Pass:
        """The pass, where it has arrived."""
        return Pass(Analysis(self.analyzer, "", n.Kind.NUMBER, self.columns[0], self.columns[1:]))


def analyze_parts(
    preprocess: Preprocess, schema: Schema, parts: Sequence[RowsPart], engine: PartsEngine, *, label: str | None = None
) -> TransformGraph:
    """:func:`analyze` over the parts of some examples, wherever an engine runs: a pass over all parts a phase.

    The graph depends on the parts and not on the engine. An analyzer of the user's must be installed where the engine
    runs, and be one that can be sent, or have ``state`` and ``restore``.

    Args:
        preprocess: From symbolic columns to outputs by name; called once, here.
        schema: The types of the raw columns, and which of them a request has.
        parts: The training data (``ExamplesReader.parts``).
        engine: Where the work is done (``treadle.engine.open_engine``).
        label: The output that is the label.

    Raises:
        TransformError: As :func:`analyze`.
        UserCodeError: ``preprocess`` raised.
    """
    outputs = trace_outputs(preprocess, schema, label)

    def read(passes: Sequence[Pass]) -> None:
        specs = [Spec(one.analyzer, one.columns) for one in passes]
        found = engine.reduce(partial(_measure, specs), partial(_merge, [spec.analyzer for spec in specs]), parts)
        for one, state in zip(passes, found or [], strict=True):
            one.state = restored(one.analyzer, state)

    resolved = resolve(list(outputs.values()), read)
    return TransformGraph(dict(zip(outputs, resolved, strict=True)), label)


def write_parts(
    engine: PartsEngine,
    graph: TransformGraph,
    outputs: Sequence[str],
    parts: Sequence[RowsPart],
    folder: Path,
    *,
    out_of_fold: bool = False,
) -> int:
    """Write a file of transformed rows for every part, in order; the number of rows.

    Raises:
        InputValueError: A value does not fit its feature's type; no file is left.
    """
    write = partial(_write, dict(graph.nodes), graph.label, tuple(outputs), out_of_fold=out_of_fold)
    return sum(engine.write(write, parts, folder))


def write_batches(
    graph: TransformGraph,
    outputs: Sequence[str],
    batches: Iterator[pa.RecordBatch],
    file: Path,
    *,
    out_of_fold: bool = False,
) -> int:
    """Write transformed rows into one file; how many. Without outputs the row ids alone."""
    names = [column for output in outputs for column in graph.columns_of(output)]
    schema = pa.schema([*((name, pa.float32()) for name in names), (ROW_ID, pa.string())])
    count = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            rows = graph.transform(batch, outputs, out_of_fold=out_of_fold) if outputs else batch
            writer.write_table(pa.table([rows.column(name) for name in schema.names], schema=schema))
            count += batch.num_rows
    return count


def _write(
    nodes: dict[str, n.Node],
    label: str | None,
    outputs: tuple[str, ...],
    part: RowsPart,
    file: Path,
    *,
    out_of_fold: bool,
) -> int:
    graph = TransformGraph(nodes, label)  # made anew: sessions cannot be sent
    place = _Place(part)
    batches = place.follow(part.batches([*graph.inputs_for(outputs), ROW_ID]))
    with place.named():
        return write_batches(graph, outputs, batches, file, out_of_fold=out_of_fold)


def _measure(specs: Sequence[Spec], part: RowsPart) -> list[Any]:
    passes = [spec.new_pass() for spec in specs]
    scan, place = Scan(passes), _Place(part)
    with place.named():
        for batch in place.follow(part.batches(scan.columns)):
            scan.add(batch)
    return [state_of(one.state) for one in passes]


def _merge(analyzers: Sequence[Analyzer], found: list[list[Any]]) -> list[Any]:
    merged = []
    for analyzer, states in zip(analyzers, zip(*found, strict=True), strict=True):
        whole, *others = (restored(analyzer, state) for state in states)
        for other in others:
            whole.merge(other)
        merged.append(state_of(whole))
    return merged


def state_of(accumulator: Any) -> Any:
    """What of an accumulator is sent: its state, or itself if it has none apart."""
    has = hasattr(accumulator, "state") and hasattr(accumulator, "restore")
    return accumulator.state() if has else accumulator


def restored(analyzer: Analyzer, state: Any) -> Accumulator:
    """The accumulator behind what was sent."""
    fresh: Any = analyzer.create()
    if not (hasattr(fresh, "state") and hasattr(fresh, "restore")):
        return state  # type: ignore[no-any-return]
    fresh.restore(state)
    return fresh  # type: ignore[no-any-return]


class _Place:
    """Which batch of a part is being worked on."""

    def __init__(self, part: RowsPart) -> None:
        self._part = part
        self._start = self._next = 0

    def follow(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches."""
        for batch in batches:
            self._start, self._next = self._next, self._next + batch.num_rows
            yield batch

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors about a row of a batch say which row of which file."""
        try:
            yield
        except (InputValueError, InputColumnError) as error:
            row = error.where.get("row")
            place = self._part.place_of(self._start + (row if isinstance(row, int) else 0))
            error.where = {**error.where, **(place if isinstance(row, int) else {"file": place.get("file")})}
            raise
