"""``--engine``: where the rows of a command are read and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.engine import Engine

engine_option = click.option(
    "--engine", "engine_name", metavar="NAME", help="Let local threads, spark or ray read the rows: local, spark, ray."
)


@contextmanager
def engine_named(name: str | None, without: Mapping[str, object] | None = None) -> Iterator[Engine | None]:
    """The engine of that name; without a name there is none, and the work is done here.

    Args:
        name: What ``--engine`` said.
        without: Options that are not for an engine, and their values.

    Raises:
        UsageError: One of these options was given too.
    """
    if name is None:
        yield None
        return
    from treadle.engine import open_engine

    for option, value in (without or {}).items():
        if value:
            raise UsageError(f"{option} is measured here, not over an engine.", hint="Leave --engine out.")
    with open_engine(name) as engine:
        yield engine
