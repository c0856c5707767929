"""``--engine``: where the rows of a command are read and counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from treadle.engine import Engine

engine_option = click.option(
    "--engine", "engine_name", metavar="NAME", help="Let local threads, spark or ray read the rows: local, spark, ray."
)


@contextmanager
def engine_named(name: str | None) -> Iterator[Engine | None]:
    """The engine of that name; without a name there is none, and the work is done here."""
    if name is None:
        yield None
        return
    from treadle.engine import open_engine

    with open_engine(name) as engine:
        yield engine
