"""What the data is: mergeable counts of every column, the same code over files, spans and live traffic.

Exact while the distinct values of a column are few (16,384), and then still deterministic: intervals for numbers,
frequent values for strings, the smallest hashes for the number of distinct values.

Examples:
    >>> import pyarrow as pa
    >>> statistics = generate(pa.table({"fare": [5.0, 7.5, None]}))
    >>> statistics.features["fare"].mean, statistics.features["fare"].missing
    (6.25, 1)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.statistics._categories import Categories
    from treadle.statistics._distribution import Distribution
    from treadle.statistics._feature import FeatureStatistics
    from treadle.statistics._generate import ColumnSource, generate
    from treadle.statistics._measures import Measure
    from treadle.statistics._moments import Moments
    from treadle.statistics._profile import Profile
    from treadle.statistics._profile_measure import profile
    from treadle.statistics._relations import Association, Lift, Relations, relate
    from treadle.statistics._slices import Slices, generate_slices
    from treadle.statistics._statistics import Statistics
    from treadle.statistics._weighted import WeightedStatistics, generate_weighted
    from treadle.statistics._weighted_feature import WeightedFeature

__all__ = [
    "Association",
    "Categories",
    "ColumnSource",
    "Distribution",
    "FeatureStatistics",
    "Lift",
    "Measure",
    "Moments",
    "Profile",
    "Relations",
    "Slices",
    "Statistics",
    "WeightedFeature",
    "WeightedStatistics",
    "generate",
    "generate_slices",
    "generate_weighted",
    "profile",
    "relate",
]

_MODULES = {
    "_categories": "Categories",
    "_distribution": "Distribution",
    "_feature": "FeatureStatistics",
    "_generate": "ColumnSource generate",
    "_measures": "Measure",
    "_moments": "Moments",
    "_profile": "Profile",
    "_profile_measure": "profile",
    "_relations": "Association Lift Relations relate",
    "_slices": "Slices generate_slices",
    "_statistics": "Statistics",
    "_weighted": "WeightedStatistics generate_weighted",
    "_weighted_feature": "WeightedFeature",
}
"""Where the public names are: who adds up numbers need not load what profiles text."""
_LATER = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
