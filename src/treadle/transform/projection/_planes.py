"""From a matrix to two coordinates a row: PCA by ourselves, t-SNE and UMAP where their libraries are."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from treadle.errors import MissingDependencyError

Floats = npt.NDArray[np.float64]
_MOST_DIMENSIONS = 50


def pca(matrix: Floats, seed: int) -> Floats:  # noqa: ARG001 - a projection's shape
    """The two directions of most variance; the largest entry of a direction is positive."""
    centred = matrix - matrix.mean(axis=0)
    return np.asarray(centred @ _directions(centred, 2), np.float64)


def tsne(matrix: Floats, seed: int) -> Floats:
    """t-SNE of scikit-learn over the first 50 principal components."""
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingDependencyError("t-SNE needs scikit-learn.", hint="pip install 'treadle[sklearn]'") from error
    few = float(min(30, max(1, (len(matrix) - 1) // 3)))
    made = TSNE(2, perplexity=few, init="pca", random_state=seed, n_jobs=1).fit_transform(_reduced(matrix))
    return np.asarray(made, np.float64)


def umap(matrix: Floats, seed: int) -> Floats:
    """UMAP of umap-learn over the first 50 principal components."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it and its parts say while they are loaded
            from umap import UMAP
    except ImportError as error:
        raise MissingDependencyError("UMAP needs umap-learn.", hint="pip install umap-learn") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed makes it run on one core
        few = min(15, len(matrix) - 1)
        start = "spectral" if len(matrix) > 10 else "random"
        made = UMAP(n_neighbors=few, random_state=seed, n_jobs=1, init=start).fit_transform(_reduced(matrix))
    return np.asarray(made, np.float64)


def _reduced(matrix: Floats) -> Floats:
    if matrix.shape[1] <= _MOST_DIMENSIONS:
        return matrix
    centred = matrix - matrix.mean(axis=0)
    return np.asarray(centred @ _directions(centred, _MOST_DIMENSIONS), np.float64)


def _directions(centred: Floats, count: int) -> Floats:
    """``[columns, count]``, filled up with zeros where there are fewer."""
    found = np.zeros((centred.shape[1], count))
    vectors = np.linalg.svd(centred, full_matrices=False)[2][:count].T
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    found[:, : vectors.shape[1]] = vectors * np.where(signs == 0, 1, signs)
    return found


PLANES: dict[str, Callable[[Floats, int], Floats]] = {"pca": pca, "tsne": tsne, "umap": umap}
