"""Analyses over data spans: what is known of a span is kept, and a new span merges into it.

A state is kept under what it depends on: the span's digest, the analyzer, the columns (as stored nodes, with the
constants of earlier phases in them) and the version of Treadle. So nothing kept is ever wrong, only unused. In a later
phase the columns change whenever the constants before them do, and such an analysis reads all spans again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from treadle.graph import dump_nodes
from treadle.transform._graph import TransformGraph, trace_outputs
from treadle.transform._trace import Preprocess
from treadle.transform.analysis._cache import FORMAT, AnalysisCache
from treadle.transform.analysis._parts import Spec, restored, state_of
from treadle.transform.analysis._passes import Pass, Scan
from treadle.transform.analysis._phases import Batches, resolve
from treadle.transform.fitted._custom import NumbersOf

if TYPE_CHECKING:
    from treadle.schema import Schema

P = TypeVar("P")
R = TypeVar("R")


class SpansEngine(Protocol):
    """What is asked of an engine (``treadle.engine.Engine``)."""

    def map(self, fn: Callable[[P], R], parts: Sequence[P]) -> Iterator[R]:
        """The function's result for every part, in order."""
        ...


@dataclass(frozen=True)
class DataSpan:
    """A part of the training data, as a month of it."""

    digest: str
    """Names its content: other content has another digest."""
    batches: Batches
    """From the columns wanted to the batches; not called where everything asked of the span is known."""


def analyze_spans(
    preprocess: Preprocess,
    schema: Schema,
    spans: Sequence[DataSpan],
    cache: AnalysisCache | None = None,
    *,
    label: str | None = None,
    engine: SpansEngine | None = None,
) -> TransformGraph:
    """:func:`analyze` over spans, each analysed by itself and merged in the order given.

    With a cache only spans are read of which something is not known yet: the cost is that of the new spans. With and
    without a cache, and whatever is in it, the graph has the same bytes. An analyzer without ``state`` and ``restore``,
    or one of your own without a ``version``, is not kept.

    Args:
        preprocess: From symbolic columns to outputs by name; called once.
        schema: The types of the raw columns, and which of them a request has.
        spans: The training data.
        cache: What is known of spans, and where what is found out now is kept.
        label: The output that is the label.
        engine: Where spans are read (``treadle.engine.open_engine``), several at once; their ``batches`` must be such
            that they can be sent there. The graph does not depend on it.

    Raises:
        TransformError: As :func:`analyze`.
        UserCodeError: ``preprocess`` raised.
    """
    outputs = trace_outputs(preprocess, schema, label)
    resolved = resolve(list(outputs.values()), lambda passes: _read(passes, spans, cache, engine))
    return TransformGraph(dict(zip(outputs, resolved, strict=True)), label)


def _read(
    passes: Sequence[Pass], spans: Sequence[DataSpan], cache: AnalysisCache | None, engine: SpansEngine | None
) -> None:
    specs = [Spec(one.analyzer, one.columns) for one in passes]
    identities = [_identity(one) if cache is not None else None for one in passes]
    keys = [[None if identity is None else _key(identity, span.digest) for identity in identities] for span in spans]
    unknown = [[n for n, key in enumerate(of) if not _is_kept(key, cache)] for of in keys]
    work = [(span.batches, missing) for span, missing in zip(spans, unknown, strict=True) if missing]
    measured = (map if engine is None else engine.map)(partial(_measure, specs), work)
    for span, span_keys, missing in zip(spans, keys, unknown, strict=True):
        states = dict(zip(missing, next(measured), strict=True)) if missing else {}
        kept = {n: cache.load(key) for n, key in enumerate(span_keys) if cache and key and n not in states}
        damaged = [n for n, state in kept.items() if state is None]
        states |= zip(damaged, _measure(specs, (span.batches, damaged)), strict=True) if damaged else ()
        for n, (one, key) in enumerate(zip(passes, span_keys, strict=True)):
            if n in states and cache is not None and key is not None:
                cache.store(key, states[n])
            one.state.merge(restored(one.analyzer, states[n] if n in states else kept[n]))


def _measure(specs: Sequence[Spec], span: tuple[Batches, list[int]]) -> list[Any]:
    """The states of some passes over a span."""
    batches, wanted = span
    passes = [specs[n].new_pass() for n in wanted]
    scan = Scan(passes)
    for batch in batches(scan.columns):
        scan.add(batch)
    return [state_of(one.state) for one in passes]


def _is_kept(key: str | None, cache: AnalysisCache | None) -> bool:
    return key is not None and cache is not None and cache.has(key)


def _identity(one: Pass) -> bytes | None:
    """What a state depends on but for the span; ``None`` where it cannot be kept."""
    from treadle import __version__

    if not (hasattr(one.state, "state") and hasattr(one.state, "restore")):
        return None
    analyzer: Any = one.analyzer
    version = None
    if isinstance(analyzer, NumbersOf):
        # Code of the user's may change without a trace in the analyzer's fields.
        analyzer = analyzer.custom
        version = getattr(analyzer, "version", None)
        if version is None:
            return None
    cls = type(analyzer)
    identity = {
        "format": FORMAT,
        "treadle": __version__,
        "analyzer": f"{cls.__module__}.{cls.__qualname__}: {analyzer!r}",
        "version": repr(version),
        "columns": dump_nodes(one.columns),
    }
    return json.dumps(identity, sort_keys=True).encode()


def _key(identity: bytes, digest: str) -> str:
    return hashlib.sha256(identity + b"\n" + digest.encode()).hexdigest()
