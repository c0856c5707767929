"""Model versions, their aliases, and who moved them when and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from treadle.errors import RegistryError
from treadle.metadata import has_database, open_database
from treadle.registry._schema import MIGRATIONS, POSTGRES_MIGRATIONS

CHAMPION = "champion"
"""The alias of the version in service."""

_NAME = "registry"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model: a servable under a number that never means anything else."""

    name: str
    version: int
    digest: str
    """The servable's digest, ``sha256:<hex>``."""
    properties: Mapping[str, Any]
    """JSON-able facts recorded at registration: the spans it was trained on, its verdict."""
    created: datetime
    """When it was registered, UTC."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One move of an alias."""

    alias: str
    version: int
    previous: int | None
    """The version the alias pointed at before; ``None`` for its first."""
    reason: str
    at: datetime
    """UTC."""


class Registry:
    """The registry of one store. Safe to share between threads and processes.

    Args:
        home: The store's folder; the file is ``registry.sqlite`` in it, unless the store is kept in PostgreSQL.
    """

    def __init__(self, home: Path) -> None:
        self._database = open_database(home, _NAME, MIGRATIONS, postgres=POSTGRES_MIGRATIONS)

    @staticmethod
    def exists(home: Path) -> bool:
        """Whether a store has a registry: something was registered, or it is kept in PostgreSQL."""
        return has_database(home, _NAME)

    def close(self) -> None:
        """Close it. Idempotent."""
        self._database.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register(self, name: str, digest: str, properties: Mapping[str, Any] | None = None) -> ModelVersion:
        """Give a servable the next version number of ``name``.

        Registering the same digest again returns the version it has: its properties stay what they were.

        Raises:
            RegistryError: The name cannot be a folder's name.
        """
        if not name or not all(part.isalnum() for part in name.replace("-", "_").split("_")) or len(name) > 100:
            raise RegistryError(
                f"{name!r} cannot name a model", hint="Use up to 100 letters and digits, with - or _ between them."
            )
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT version FROM model_version WHERE name = ? AND digest = ?", (name, digest)
            ).fetchone()
            if row is None:
                (last,) = connection.execute(
                    "SELECT coalesce(max(version), 0) FROM model_version WHERE name = ?", (name,)
                ).fetchone()
                version = last + 1
                connection.execute(
                    "INSERT INTO model_version VALUES (?, ?, ?, ?, ?)",
                    (name, version, digest, json.dumps(dict(properties or {}), sort_keys=True), _now()),
                )
            else:
                version = row["version"]
        return self.get(f"{name}:{version}")

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of ``name``, oldest first."""
        rows = self._database.query("SELECT * FROM model_version WHERE name = ? ORDER BY version", (name,))
        return [_version(row) for row in rows]

    def names(self) -> list[str]:
        """The models that have versions, in the order of their names."""
        return [row["name"] for row in self._database.query("SELECT DISTINCT name FROM model_version ORDER BY name")]

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of ``name`` and the versions they point at."""
        rows = self._database.query("SELECT alias, version FROM alias WHERE name = ? ORDER BY alias", (name,))
        return {row["alias"]: row["version"] for row in rows}

    def find(self, reference: str) -> ModelVersion | None:
        """The version that ``reference`` names, ``None`` when there is no such version.

        Args:
            reference: ``name@alias``, ``name:version`` or ``name@sha256:<hex>``.

        Raises:
            RegistryError: The reference is not of one of these forms.
        """
        name, at, point = reference.partition("@")
        if at and point.startswith("sha256:"):
            sql, values = "SELECT * FROM model_version WHERE name = ? AND digest = ?", (name, point)
        elif at and name and point:
            sql = "SELECT v.* FROM model_version v JOIN alias a USING (name, version) WHERE a.name = ? AND a.alias = ?"
            values = (name, point)
        else:
            name, colon, number = reference.partition(":")
            if not (name and colon and number.isascii() and number.isdigit()):
                raise RegistryError(
                    f"{reference!r} does not name a model version", hint="Write taxi@champion, taxi:3 or taxi@sha256:…"
                )
            sql, values = "SELECT * FROM model_version WHERE name = ? AND version = ?", (name, number)
        rows = self._database.query(sql, values)
        return _version(rows[0]) if rows else None

    def get(self, reference: str) -> ModelVersion:
        """The version that ``reference`` names.

        Raises:
            RegistryError: There is no such version.
        """
        found = self.find(reference)
        if found is None:
            raise RegistryError(
                f"There is no {reference!r} in the registry",
                where={"file": self._database.path},
                hint="Run the pipeline: its push registers a version, and the first one that passes is the champion.",
            )
        return found

    def promote(self, name: str, version: int, *, alias: str = CHAMPION, reason: str) -> Promotion | None:
        """Move ``alias`` to ``version`` and record why; ``None`` when it was there already.

        Raises:
            RegistryError: There is no such version.
        """
        self.get(f"{name}:{version}")
        at = _now()
        with self._database.transaction() as connection:
            row = connection.execute("SELECT version FROM alias WHERE name = ? AND alias = ?", (name, alias)).fetchone()
            previous = None if row is None else row["version"]
            if previous == version:
                return None
            connection.execute(
                "INSERT INTO alias VALUES (?, ?, ?) ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version",
                (name, alias, version),
            )
            connection.execute(
                "INSERT INTO promotion (name, alias, version, previous, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
                (name, alias, version, previous, reason, at),
            )
        return Promotion(alias, version, previous, reason, datetime.fromisoformat(at))

    def history(self, name: str) -> list[Promotion]:
        """Every move of every alias of ``name``, oldest first."""
        rows = self._database.query("SELECT * FROM promotion WHERE name = ? ORDER BY id", (name,))
        return [
            Promotion(row["alias"], row["version"], row["previous"], row["reason"], datetime.fromisoformat(row["at"]))
            for row in rows
        ]


def _version(row: Any) -> ModelVersion:
    return ModelVersion(
        row["name"],
        row["version"],
        row["digest"],
        json.loads(row["properties"]),
        datetime.fromisoformat(row["created"]),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
