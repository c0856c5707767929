"""A word to who mistypes an environment: one that a schema does not mention has all features."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from treadle.cli._output import note

if TYPE_CHECKING:
    from treadle.schema import Schema


def say_if_unknown(schema: Schema, environment: str | None) -> None:
    """Say on standard error that the schema does not mention the environment."""
    known = set(schema.environments)
    known.update(name for feature in schema.paths.values() for name in feature.not_in)
    known.update(name for rule in schema.rules.values() for name in rule.not_in)
    if environment is not None and environment not in known:
        close = difflib.get_close_matches(environment, known, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        note(f"The schema does not mention the environment {environment!r}: it has all features.{meant}")
