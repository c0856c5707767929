"""Rows as points in a plane: PCA, t-SNE and UMAP, on a page to look around in."""

from treadle.transform.projection._project import METHODS, Projection, project

__all__ = ["METHODS", "Projection", "project"]
