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

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle.schema._feature import TYPES, Feature, FeatureType, is_reserved
from treadle.schema._schema import Schema

if TYPE_CHECKING:
    from treadle.schema._arrow import plain_type, to_feature, to_plain, type_word

__all__ = [
    "TYPES",
    "Feature",
    "FeatureType",
    "Schema",
    "is_reserved",
    "plain_type",
    "to_feature",
    "to_plain",
    "type_word",
]


def __getattr__(name: str) -> object:
    # these need Arrow, whose import costs more than this whole room
    if name in ("plain_type", "to_feature", "to_plain", "type_word"):
        from treadle.schema import _arrow

        return getattr(_arrow, name)
    raise AttributeError(f"module 'treadle.schema' has no attribute {name!r}")
