"""How ``select_features`` weighs features: by themselves, by training, or by what a trained model used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from treadle.errors import TransformError

if TYPE_CHECKING:
    from treadle.training import SplitData, TrainingData
    from treadle.transform import Selection, TransformGraph

FILTERS = ("pearson", "spearman", "anova_f", "chi_squared", "mutual_information")
WRAPPERS = ("forward", "backward")
BY_MODEL = ("elimination", "importance")
METHODS = (*FILTERS, *WRAPPERS, *BY_MODEL)


def choose(
    data: TrainingData,
    graph: TransformGraph,
    method: str,
    count: int,
    train: Callable[[TrainingData], Any] | None,
) -> Selection:
    """The features that a method keeps.

    Raises:
        TransformError: The method is not known, or needs a trainer or an eval split that is not there.
    """
    from treadle.transform import eliminate_features, embedded_features, filter_matrix, wrap_features

    if method not in METHODS:
        raise TransformError(f"There is no method {method!r}.", hint=f"There are: {', '.join(METHODS)}.")
    if method in FILTERS:
        return filter_matrix(graph, data.train.features, data.train.labels, count, method=method)
    if train is None:
        raise TransformError(
            f"The method {method!r} trains models.", hint="Give trainer=, the function that train takes."
        )
    names = [name for name in graph.output_names if name != graph.label]
    trials = _Trials(data, graph, train)
    if method in WRAPPERS:
        if data.eval is None:
            raise TransformError(
                f"The method {method!r} compares models on an eval split, and there is none.",
                hint='Ingest with splits={"train": 0.8, "eval": 0.2}.',
            )
        return wrap_features(names, trials.score, count, direction=method)
    if method == "elimination":
        return eliminate_features(names, trials.importances, count)
    numbers = _importances(train(data), len(graph.feature_names))
    return embedded_features(graph, numbers.tolist(), count, method="importance")


class _Trials:
    """Models trained on some of the features."""

    def __init__(self, data: TrainingData, graph: TransformGraph, train: Callable[[TrainingData], Any]) -> None:
        self._data, self._graph, self._train = data, graph, train

    def score(self, names: Sequence[str]) -> float:
        """How good a model on these features is on the eval split: AUC, or minus the root mean squared error."""
        from treadle.evaluation import binary_metrics, regression_metrics
        from treadle.frameworks import adapter_for

        part = self._part(names)
        model = self._train(part)
        adapter = adapter_for(model)
        watched = part.eval
        assert watched is not None, "checked before"
        predicted = adapter.predict(model, watched.features)
        if adapter.signature(model).task == "binary":
            found = binary_metrics(watched.labels, predicted)[0]["auc"]
            return 0.5 if found is None else float(found)
        error = regression_metrics(watched.labels, predicted)[0]["rmse"]
        return -float("inf") if error is None else -float(error)

    def importances(self, names: Sequence[str]) -> Mapping[str, float]:
        """What a model on these features used, by feature."""
        part = self._part(names)
        numbers = _importances(self._train(part), len(part.feature_names))
        of = dict(zip(part.feature_names, numbers.tolist(), strict=True))
        return {name: sum(of[column] for column in self._graph.columns_of(name)) for name in names}

    def _part(self, names: Sequence[str]) -> TrainingData:
        from treadle.training import TrainingData

        columns = [column for name in names for column in self._graph.columns_of(name)]
        wanted = set(columns)
        at = [i for i, column in enumerate(self._data.feature_names) if column in wanted]
        kept = tuple(self._data.feature_names[i] for i in at)
        watched = None if self._data.eval is None else _columns(self._data.eval, at, kept)
        return TrainingData(_columns(self._data.train, at, kept), watched, kept, self._data.label)


def _columns(split: SplitData, at: Sequence[int], names: Sequence[str]) -> SplitData:
    import pyarrow as pa

    from treadle.training import SplitData

    features = np.ascontiguousarray(split.features[:, at])
    table = pa.table({name: features[:, i] for i, name in enumerate(names)} | {"__row_id__": split.row_ids})
    return SplitData(features, split.labels, split.row_ids, table)


def _importances(model: Any, columns: int) -> npt.NDArray[np.float64]:
    """A number a column: the gain of a booster's splits, importances of trees, or the size of coefficients."""
    if hasattr(model, "feature_importance"):
        found = model.feature_importance("gain")
    elif hasattr(model, "feature_importances_"):
        found = model.feature_importances_
    elif hasattr(model, "coef_"):
        found = np.abs(np.asarray(model.coef_, np.float64)).reshape(-1, columns).sum(axis=0)
    else:
        raise TransformError(
            f"A {type(model).__name__} does not tell what it used.",
            hint="Train trees, or a linear model (with an L1 penalty); or choose another method.",
        )
    return np.asarray(found, np.float64).reshape(-1)
