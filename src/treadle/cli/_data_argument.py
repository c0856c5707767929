"""Data on the command line: a file, or the URL of a file, a table or a query, which no path may be made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

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


Command = TypeVar("Command", bound=Callable[..., Any])


def reading_option(command: Command) -> Command:
    """Let a command take ``--option NAME=VALUE``, as often as wanted, as the mapping ``options``."""
    return click.option(
        "--option",
        "options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=lambda _context, _parameter, settings: dict(map(_option, settings)),
        help="How the files are written: delimiter=';', decimal=',', encoding=latin-1, format=csv.",
    )(command)


def _option(setting: str) -> tuple[str, Any]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise click.BadParameter(f"{setting!r} is not NAME=VALUE.")
    if name == "names":
        return name, value.split(",")
    return name, int(value) if name.endswith("_bytes") and value.isdigit() else value


def is_saved(data: Data) -> TypeGuard[Path]:
    """Whether these are statistics that Treadle saved, by the name of the file."""
    return isinstance(data, Path) and data.suffix == ".json"


def name_of(data: Data) -> str:
    """What to call data on a page: the name of a file, or the URL without its secrets and its query."""
    from treadle.config import masked

    return data.name if isinstance(data, Path) else masked(data).partition("#")[0]
