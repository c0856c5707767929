"""The databases of a store: files in its folder, or tables in the PostgreSQL database that its settings name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from treadle import config
from treadle.metadata._database import Database
from treadle.metadata._store import MetadataStore


def open_metadata(home: Path) -> MetadataStore:
    """The lineage of a store, made when it is not there; close it after use.

    Raises:
        UsageError: When the store's settings are wrong.
        DatabaseError: When it cannot be opened.
    """
    return MetadataStore(config.metadata_url(home) or home / "metadata.sqlite")


def has_metadata(home: Path) -> bool:
    """Whether a store has a lineage: something ran there, or its settings name a database."""
    return config.metadata_url(home) is not None or (home / "metadata.sqlite").exists()


def open_database(home: Path, name: str, migrations: Sequence[str], *, postgres: Sequence[str]) -> Database:
    """A database of a store that another room owns, beside the lineage.

    Args:
        home: The store's folder.
        name: The database's name: the file is ``NAME.sqlite``.
        migrations: The schema's history for SQLite, see `Database`.
        postgres: The same for PostgreSQL. Tables of different databases of a store have different names.

    Raises:
        DatabaseError: When it cannot be opened.
    """
    url = config.metadata_url(home)
    if url is None:
        return Database(home / f"{name}.sqlite", migrations)
    from treadle.metadata._postgres import PostgresDatabase

    return cast(Database, PostgresDatabase(url, postgres, name=name))  # the same verbs


def has_database(home: Path, name: str) -> bool:
    """Whether a store has such a database, as far as is known without opening it."""
    return config.metadata_url(home) is not None or (home / f"{name}.sqlite").exists()
