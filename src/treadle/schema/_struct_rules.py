"""What a struct and the fields inside it may say."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING

from treadle.schema._refusal import refused

if TYPE_CHECKING:
    from treadle.schema._feature import Feature

# what can be said of a struct as a whole; all else is said of its fields
_OF_STRUCTS = {
    *("name", "type", "fields", "list", "min_items", "max_items", "required", "min_fraction", "min_count", "missing"),
    *("not_in", "lifecycle", "tags", "pii", "produced_by", "p_value", "severity", "description"),
}


def check_struct(feature: Feature) -> None:
    """A struct says what its fields are, and nothing that values have.

    Raises:
        SchemaError: It does not, or a field says what only columns can.
    """
    if feature.type != "struct":
        if feature.fields:
            raise refused(feature, f"a {feature.type} feature has no fields", "fields", 'write type = "struct"')
        return
    if not feature.fields:
        hint = f"write [features.{feature.name}.fields.NAME] tables"
        raise refused(feature, "a struct says what its fields are", "fields", hint)
    for field in dataclass_fields(feature):
        if field.name not in _OF_STRUCTS and getattr(feature, field.name) != field.default:
            raise refused(feature, f"a struct has no {field.name}", field.name, "say it of a field inside")
    for name, inner in feature.fields.items():
        if name != inner.name:
            raise refused(feature, f"the field {inner.name!r} is listed as {name!r}", "fields")
        if inner.unique:
            what = f"whether {name!r}, inside a struct, occurs twice is not asked"
            raise refused(feature, what, f"fields.{name}.unique", "make it a column of its own")
        if inner.produced_by:
            what = f"{name!r}, inside a struct, carries no mark of a model"
            raise refused(feature, what, f"fields.{name}.produced_by", "say it of the column")
