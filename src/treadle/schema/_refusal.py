"""The error for a constraint that is impossible, or does not fit its feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle.errors import SchemaError

if TYPE_CHECKING:
    from treadle.schema._feature import Feature


def refused(feature: Feature, what: str, name: str, hint: str | None = None) -> SchemaError:
    """What is wrong with a field of a feature."""
    where = {"feature": feature.name, "field": name}
    return SchemaError(f"Schema: {what}.", where=where, hint=hint and f"{hint[0].upper()}{hint[1:]}.")
