"""Which features to keep: by a filter, by training (wrapper), or by a trained model (embedded).

Features are outputs of ``preprocess``; one with several columns, as ``one_hot``, is kept or left out as a whole. The
result is a list that ``TransformGraph.keeping`` applies and that is stored beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.artifact import canonical_json
from treadle.errors import ModelFormatError, TransformError
from treadle.transform._graph import ROW_ID, TransformGraph
from treadle.transform.selection import _page
from treadle.transform.selection._association import FILTERS

FORMAT = "treadle.selection/1"


@dataclass(frozen=True)
class Selection:
    """Chosen features, and why."""

    method: str
    scores: Mapping[str, float]
    """What each feature that was weighed scored; higher is better."""
    chosen: tuple[str, ...]
    """The features kept, the best first."""
    weighed: tuple[str, ...] = ()
    """All features there were, where more were weighed than have a score at the end."""

    def page(self, **facts: object) -> str:
        """One HTML file that needs nothing else; ``facts``, as ``rows=1000``, are told beside the method."""
        return _page.page(self, facts)

    def _repr_html_(self) -> str:
        return _page.fragment(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON; an infinite score is the text ``inf``."""
        scores = {name: score if np.isfinite(score) else str(score) for name, score in self.scores.items()}
        document = {"format": FORMAT, "method": self.method, "scores": scores, "chosen": list(self.chosen)}
        if self.weighed:
            document["weighed"] = list(self.weighed)
        Path(path).write_bytes(canonical_json(document))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Selection:
        """Read what :meth:`save` wrote.

        Raises:
            ModelFormatError: It is not there, not whole, or of another format.
        """
        try:
            document: dict[str, Any] = json.loads(Path(path).read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}")
            scores = {name: float(score) for name, score in document["scores"].items()}
            weighed = tuple(document.get("weighed", ()))
            return cls(document["method"], scores, tuple(document["chosen"]), weighed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelFormatError(f"There is no selection here: {error}.", where={"file": str(path)}) from error


def filter_features(
    graph: TransformGraph, table: pa.Table, count: int, *, method: str = "mutual_information"
) -> Selection:
    """The features that say most about the label, each by itself.

    Args:
        graph: A graph with a label.
        table: Raw rows, with the label's columns; with ``__row_id__`` a target encoding is out of fold.
        count: How many to keep.
        method: ``pearson``, ``spearman``, ``anova_f``, ``chi_squared`` or ``mutual_information``. Of a feature with
            several columns the best column counts.
    """
    out_of_fold = graph.has_folds and ROW_ID in table.schema.names
    label = graph.transform(table, [_label(graph)]).column(0).to_numpy()
    return filter_matrix(graph, graph.feature_matrix(table, out_of_fold=out_of_fold), label, count, method=method)


def filter_matrix(
    graph: TransformGraph,
    features: npt.NDArray[np.floating],
    labels: npt.NDArray[np.floating],
    count: int,
    *,
    method: str = "mutual_information",
) -> Selection:
    """As :func:`filter_features`, of features that are there: ``[N, F]`` as in ``graph.feature_names``, and labels."""
    if method not in FILTERS:
        raise TransformError(f"There is no filter {method!r}.", hint=f"There are: {', '.join(FILTERS)}.")
    _check_count(count)
    label = np.asarray(labels, np.float64)
    at = {name: position for position, name in enumerate(graph.feature_names)}
    scores = {}
    for name in _features(graph):
        columns = [np.asarray(features[:, at[column]], np.float64) for column in graph.columns_of(name)]
        scores[name] = max((_scored(column, label, FILTERS[method]) for column in columns), default=0.0)
    return _best(f"filter: {method}", scores, count)


def wrap_features(
    names: Sequence[str], evaluate: Callable[[tuple[str, ...]], float], count: int, *, direction: str = "forward"
) -> Selection:
    """The features that serve a model best together, by training it again and again.

    Args:
        names: The features to choose from.
        evaluate: From some of them to how good a model on these is, higher is better. ``forward`` calls it
            about ``count * len(names)`` times.
        count: How many to keep.
        direction: ``forward`` adds the best one at a time, from none; ``backward`` leaves out the one least missed,
            from all. The score of a feature is that of the set it was added to, or is left in.
    """
    _check_count(count)
    kept: tuple[str, ...] = ()
    scores: dict[str, float] = {}
    if direction == "forward":
        while len(kept) < min(count, len(names)):
            tried = {name: evaluate((*kept, name)) for name in names if name not in kept}
            best = max(tried, key=lambda name: tried[name])  # the first of equals
            kept, scores = (*kept, best), {**scores, best: tried[best]}
    elif direction == "backward":
        kept = tuple(names)
        while len(kept) > count:
            tried = {name: evaluate(tuple(n for n in kept if n != name)) for name in kept}
            worst = max(tried, key=lambda name: tried[name])
            kept = tuple(name for name in kept if name != worst)
        scores = dict.fromkeys(kept, evaluate(kept))
    else:
        raise TransformError(f"There is no direction {direction!r}.", hint="There are: forward, backward.")
    return Selection(f"wrapper: {direction}", scores, kept, tuple(names))


def eliminate_features(
    names: Sequence[str], importances: Callable[[tuple[str, ...]], Mapping[str, float]], count: int
) -> Selection:
    """Recursive elimination: train, leave out the least important feature, and again until ``count`` are left."""
    _check_count(count)
    kept = tuple(names)
    found = dict(importances(kept))
    while len(kept) > count:
        least = min(reversed(kept), key=lambda name: found[name])  # of equals the last goes
        kept = tuple(name for name in kept if name != least)
        found = dict(importances(kept))
    ordered = sorted(kept, key=lambda name: -found[name])
    scores = {name: float(found[name]) for name in kept}
    return Selection("wrapper: recursive elimination", scores, tuple(ordered), tuple(names))


def embedded_features(graph: TransformGraph, importances: Sequence[float], count: int, *, method: str) -> Selection:
    """The features a trained model used most.

    Args:
        graph: The graph the model was trained behind.
        importances: A number per column of the feature matrix: ``feature_importances_`` of trees, or ``coef_`` of a
            model with an L1 penalty (the sign does not count). A feature's columns are added up.
        count: How many to keep; one without any importance is never kept.
        method: What the numbers are, for the record.
    """
    numbers = np.abs(np.asarray(importances, np.float64)).reshape(-1)
    if len(numbers) != len(graph.feature_names):
        raise TransformError(f"There are {len(numbers)} importances for {len(graph.feature_names)} columns.")
    of = dict(zip(graph.feature_names, numbers.tolist(), strict=True))
    scores = {name: sum(of[column] for column in graph.columns_of(name)) for name in _features(graph)}
    best = _best(f"embedded: {method}", scores, count)
    return Selection(best.method, best.scores, tuple(name for name in best.chosen if scores[name] > 0))


def _features(graph: TransformGraph) -> list[str]:
    return [name for name in graph.output_names if name != graph.label]


def _label(graph: TransformGraph) -> str:
    if graph.label is None:
        raise TransformError("A filter needs a label, and this graph has none.", hint="analyze(..., label=...)")
    return graph.label


def _scored(x: Any, y: Any, score: Callable[[Any, Any], float]) -> float:
    there = np.isfinite(x) & np.isfinite(y)
    return score(x[there], y[there]) if there.sum() > 1 else 0.0


def _best(method: str, scores: Mapping[str, float], count: int) -> Selection:
    _check_count(count)
    ordered = sorted(scores, key=lambda name: -scores[name])  # equals stay in their order
    return Selection(method, scores, tuple(ordered[:count]))


def _check_count(count: object) -> None:
    if type(count) is not int or count < 1:
        raise TransformError(f"count must be a whole number of at least 1, not {count!r}.")
