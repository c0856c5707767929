"""Which features to keep: by filters, by training, by a trained model."""

from treadle.transform.selection._select import (
    Selection,
    eliminate_features,
    embedded_features,
    filter_features,
    filter_matrix,
    wrap_features,
)

__all__ = ["Selection", "eliminate_features", "embedded_features", "filter_features", "filter_matrix", "wrap_features"]
