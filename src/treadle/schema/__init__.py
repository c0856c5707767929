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

import importlib
from typing import TYPE_CHECKING

from treadle.files import write_text
from treadle.schema._feature import TYPES, Feature, FeatureType, is_reserved
from treadle.schema._rule import RowLimits, Rule
from treadle.schema._schema import Schema

if TYPE_CHECKING:
    from treadle.schema._arrow import arrow_type, plain_type, to_plain, type_word
    from treadle.schema._conversion import to_feature
    from treadle.schema._diff import Change, Effect, diff
    from treadle.schema._json_schema import to_json_schema
    from treadle.schema._json_schema_import import from_json_schema
    from treadle.schema._merge import merge
    from treadle.schema._model import SchemaModel, field
    from treadle.schema._tfx import Imported, from_tfx
    from treadle.schema._toml_edit import edit

__all__ = [
    "TYPES",
    "Change",
    "Effect",
    "Feature",
    "FeatureType",
    "Imported",
    "RowLimits",
    "Rule",
    "Schema",
    "SchemaModel",
    "arrow_type",
    "diff",
    "edit",
    "field",
    "from_json_schema",
    "from_tfx",
    "is_reserved",
    "merge",
    "plain_type",
    "to_feature",
    "to_json_schema",
    "to_plain",
    "type_word",
    "write_text",
]

# Arrow's import costs more than this whole room, and a server needs none of the others
_LATER = {
    **dict.fromkeys(("arrow_type", "plain_type", "to_plain", "type_word"), "_arrow"),
    "to_feature": "_conversion",
    **dict.fromkeys(("Change", "Effect", "diff"), "_diff"),
    "from_json_schema": "_json_schema_import",
    "to_json_schema": "_json_schema",
    **dict.fromkeys(("SchemaModel", "field"), "_model"),
    **dict.fromkeys(("Imported", "from_tfx"), "_tfx"),
    "merge": "_merge",
    "edit": "_toml_edit",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(importlib.import_module(f"treadle.schema.{_LATER[name]}"), name)
    raise AttributeError(f"module 'treadle.schema' has no attribute {name!r}")
