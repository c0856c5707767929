"""What nobody can read off the rows: where data come from, under which licence, for what, and with whose consent."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from treadle.errors import AboutError

FORMAT = "treadle.about/1"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source of the data. What is not known is ``None``, and the card says so."""

    name: str
    url: str | None = None
    collection: str | None = None
    """How the data were gathered."""
    licence: str | None = None
    """A name, an SPDX identifier or a URL."""
    purpose: str | None = None
    """What they were gathered for, and may be used for."""
    consent: str | None = None
    """On what basis data about people are used."""


@dataclass(frozen=True, slots=True)
class About:
    """A data set in the words of those who know it."""

    name: str
    description: str
    sources: tuple[SourceFacts, ...] = ()
    creator: str | None = None
    url: str | None = None
    published: str | None = None
    """The date on which this was published, ``2026-01-31``."""
    citation: str | None = None
    limits: str | None = None
    """What the data are not good for; who is missing from them."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> About:
        """Read a TOML file: ``format``, ``name``, ``description`` and a ``[[sources]]`` table for each source.

        Raises:
            AboutError: The file is not there, is not TOML, or says something that nobody asks for.
        """
        try:
            said = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise AboutError(f"The description cannot be read: {error}.", where={"file": path}) from error
        if said.pop("format", None) != FORMAT:
            raise AboutError(f'The description does not say format = "{FORMAT}".', where={"file": path})
        sources = said.pop("sources", [])
        if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
            raise AboutError("A source is a table of its own.", where={"file": path}, hint="Write [[sources]].")
        facts = tuple(_record(SourceFacts, source, path, "sources") for source in sources)
        about: About = _record(cls, said, path, None, sources=facts)
        return about


def _record(kind: Any, said: dict[str, Any], path: str | os.PathLike[str], table: str | None, **more: Any) -> Any:
    known = [field.name for field in fields(kind) if field.name != "sources"]
    for name, value in list(said.items()):
        where = {"file": path, "field": f"{table}.{name}" if table else name}
        if name not in known:
            raise AboutError(f"There is no field {name!r}.", where=where, hint=f"There are {', '.join(known)}.")
        if name == "published":
            said[name] = _day(value, where)
        elif not isinstance(value, str) or not value.strip():
            raise AboutError("The value is not text.", where=where)
    for name in ("name", "description"):
        if name in known and name not in said:
            field = f"{table}.{name}" if table else name
            raise AboutError(f"The {name} is missing.", where={"file": path, "field": field})
    return kind(**said, **more)


def _day(value: Any, where: Mapping[str, object]) -> str:
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()
    except (TypeError, ValueError) as error:
        raise AboutError("The value is no date.", where=where, hint="Write published = 2026-01-31.") from error
