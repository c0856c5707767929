"""What the data should be: features, types, presence, domains, environments, thresholds.

A schema is text (TOML) that people curate, review and diff. Nothing here looks at data: ``statistics`` measures,
``validation`` decides.

Examples:
    >>> schema = Schema.loads('''
    ... [features.fare]
    ... type = "float"
    ... min = 0.0
    ... [features.tip]
    ... type = "float"
    ... not_in = ["SERVING"]
    ... ''')
    >>> list(schema.environment("SERVING").features)
    ['fare']
"""

from treadle.schema._feature import TYPES, Feature, FeatureType, is_reserved
from treadle.schema._schema import Schema

__all__ = ["TYPES", "Feature", "FeatureType", "Schema", "is_reserved"]
