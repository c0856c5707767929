"""Data on the command line: a file, or the URL of a file, a table or a query, which no path may be made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

import click

Data = Path | str
"""A path, or a URL as it was written."""


# not generic in every click that we take
class _DataType(click.ParamType):  # type: ignore[type-arg]
    name = "data"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Data:  # noqa: ARG002
        from treadle.ingest import is_url

        return value if isinstance(value, str) and is_url(value) else Path(value)


DATA = _DataType()


def is_saved(data: Data) -> TypeGuard[Path]:
    """Whether these are statistics that Treadle saved, by the name of the file."""
    return isinstance(data, Path) and data.suffix == ".json"


def name_of(data: Data) -> str:
    """What to call data on a page: the name of a file, or the URL without its secrets and its query."""
    from treadle.config import masked

    return data.name if isinstance(data, Path) else masked(data).partition("#")[0]
