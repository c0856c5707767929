"""Analyses over data spans: what is known of a span is kept, and a new span merges into it.

A state is kept under what it depends on: the span's digest, the analyzer, the columns (as stored nodes, with the
constants of earlier phases in them) and the version of Treadle. So nothing kept is ever wrong, only unused. In a later
phase the columns change whenever the constants before them do, and such an analysis reads all spans again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.graph import dump_nodes
from treadle.transform._custom import NumbersOf
from treadle.transform._graph import TransformGraph, trace_outputs
from treadle.transform._passes import Pass, Scan
from treadle.transform._phases import Batches, resolve
from treadle.transform._trace import Preprocess

if TYPE_CHECKING:
    from treadle.schema import Schema

FORMAT = "treadle.analysis/1"


@dataclass(frozen=True)
class DataSpan:
    """A part of the training data, as a month of it."""

    digest: str
    """Names its content: other content has another digest."""
    batches: Batches
    """From the columns wanted to the batches; not called where everything asked of the span is known."""


class AnalysisCache:
    """States of analyses in a directory, a small JSON file each; deleting files costs time and nothing else.

    Args:
        path: The directory; made when the first state is kept.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self, key: str) -> Any:
        """The state kept under a key; ``None`` where there is none, or it is not whole."""
        try:
            stored = json.loads((self._path / f"{key}.json").read_bytes())
            return stored["state"] if stored["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, key: str, state: Any) -> None:
        """Keep a state; other processes see all of it or nothing."""
        self._path.mkdir(parents=True, exist_ok=True)
        data = json.dumps({"format": FORMAT, "state": state}, sort_keys=True, separators=(",", ":"))
        with tempfile.NamedTemporaryFile("w", dir=self._path, suffix=".part", delete=False, encoding="utf-8") as file:
            file.write(data)  # not synced: what a crash leaves is not whole, and found out again
        Path(file.name).replace(self._path / f"{key}.json")


def analyze_spans(
    preprocess: Preprocess,
    schema: Schema,
    spans: Sequence[DataSpan],
    cache: AnalysisCache | None = None,
    *,
    label: str | None = None,
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

    Raises:
        TransformError: As :func:`analyze`.
        UserCodeError: ``preprocess`` raised.
    """
    outputs = trace_outputs(preprocess, schema, label)
    resolved = resolve(list(outputs.values()), lambda passes: _read(passes, spans, cache))
    return TransformGraph(dict(zip(outputs, resolved, strict=True)), label)


def _read(passes: Sequence[Pass], spans: Iterable[DataSpan], cache: AnalysisCache | None) -> None:
    identities = [_identity(one) if cache is not None else None for one in passes]
    for span in spans:
        parts = [one.fresh() for one in passes]
        keys = [None if identity is None else _key(identity, span.digest) for identity in identities]
        missing = [(part, key) for part, key in zip(parts, keys, strict=True) if not _restored(part, key, cache)]
        if missing:
            scan = Scan([part for part, _ in missing])
            for batch in span.batches(scan.columns):
                scan.add(batch)
        for part, key in missing:
            if cache is not None and key is not None:
                state: Any = part.state
                cache.store(key, state.state())
        for one, part in zip(passes, parts, strict=True):
            one.state.merge(part.state)


def _restored(part: Pass, key: str | None, cache: AnalysisCache | None) -> bool:
    if key is None or cache is None:
        return False
    stored = cache.load(key)
    if stored is None:
        return False
    state: Any = part.state
    state.restore(stored)
    return True


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
