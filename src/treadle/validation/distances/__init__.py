"""How far two distributions are from each other; definitions and reasons: docs/adr/0007 and 0022."""

from treadle.validation.distances._drift import Distance, drift, feature_drift

__all__ = ["Distance", "drift", "feature_drift"]
