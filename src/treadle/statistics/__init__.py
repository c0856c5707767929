"""What the data is: mergeable counts of every column, the same code over files, spans and live traffic.

Exact while the distinct values of a column are few (16,384), and then still deterministic: intervals for numbers,
frequent values for strings, the smallest hashes for the number of distinct values.

Examples:
    >>> import pyarrow as pa
    >>> statistics = generate(pa.table({"fare": [5.0, 7.5, None]}))
    >>> statistics.features["fare"].mean, statistics.features["fare"].missing
    (6.25, 1)
"""

from treadle.statistics._categories import Categories
from treadle.statistics._distribution import Distribution
from treadle.statistics._feature import FeatureStatistics
from treadle.statistics._generate import ColumnSource, generate
from treadle.statistics._measures import Measure
from treadle.statistics._moments import Moments
from treadle.statistics._profile import Profile, profile
from treadle.statistics._relations import Association, Lift, Relations, relate
from treadle.statistics._slices import Slices, generate_slices
from treadle.statistics._statistics import Statistics
from treadle.statistics._weighted import WeightedFeature, WeightedStatistics, generate_weighted

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
