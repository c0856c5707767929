"""The lineage of pipeline runs: each change that means one thing is one transaction."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, cast

from treadle.errors import StoreInUseError
from treadle.metadata._contents import accepts, add_contents, contents_of
from treadle.metadata._database import Database
from treadle.metadata._executions import Executions
from treadle.metadata._lineage import Lineage
from treadle.metadata._retention import Kept, Retention, kept
from treadle.metadata._runs import Runs
from treadle.metadata._schema import MIGRATIONS

if TYPE_CHECKING:
    from treadle.metadata._archive_format import Contents


class MetadataStore(Runs, Executions):
    """Runs, executions and artifacts in one database. Safe for any number of threads and processes.

    Args:
        path: A SQLite file, made when it is not there; or ``postgresql://...``, see docs/storage.md.
        clock: Seconds since 1970; injected by tests.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(_open(path), clock=clock)
        self.lineage = Lineage(self._database)

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._database.close()

    def __enter__(self) -> MetadataStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_shared(self) -> bool:
        """Whether runners of several hosts may use it, so that only leases tell which of them live."""
        return self._database.is_shared

    @property
    def identity(self) -> str:
        """A name that no other lineage has."""
        identity: str = self._database.query("SELECT id FROM identity")[0]["id"]
        return identity

    def in_use(self) -> AbstractContextManager[None]:
        """A block in which nothing is collected by another host. A run holds it beside the lock of its store."""
        return self._database.in_use()

    @contextmanager
    def alone(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """A block in which no run of any host is at work, for who collects.

        Raises:
            StoreInUseError: When one still is after ``wait_seconds``.
        """
        with self._database.alone(wait_seconds=wait_seconds):
            # a run whose connection broke holds no lock any more, but it holds its lease
            if self.is_shared and set(self.running()) - set(self.overdue()):
                raise StoreInUseError(
                    "The lineage is in use: a run is at work",
                    hint="wait for it to end; `treadle status` lists runs",
                )
            yield

    def contents(self, run_id: str) -> Contents:
        """A run that has ended as plain data, for an archive.

        Raises:
            UsageError: When there is no such run, or it has not ended.
        """
        return contents_of(self._database, run_id)

    def accepts(self, contents: Contents) -> bool:
        """Whether a run from an archive is new here; False when it is here already.

        Raises:
            ArchiveError: When another run of its id is here.
        """
        return accepts(self._database, contents)

    def add_contents(self, contents: Contents, *, trust: bool) -> None:
        """Record a run from an archive, in one transaction; its artifacts are published already."""
        add_contents(self._database, contents, now=self._now(), trust=trust)

    def digests_of(self, run_id: str) -> set[str]:
        """Every artifact that a run's nodes read or made."""
        rows = self._database.query(
            "SELECT DISTINCT artifact.digest AS digest FROM execution JOIN event ON event.execution_id = execution.id"
            " JOIN artifact ON artifact.id = event.artifact_id WHERE execution.run_id = ?",
            (run_id,),
        )
        return {row["digest"] for row in rows}

    def kept(self, policy: Retention, *, pinned: Iterable[str] = (), runs: Iterable[str] = ()) -> Kept:
        """What a retention policy keeps now, with these digests and runs beside."""
        return kept(self._database, policy, now=self._now(), pinned=pinned, runs=runs)


def _open(path: str | os.PathLike[str]) -> Database:
    if isinstance(path, str) and path.startswith(("postgresql://", "postgres://")):
        from treadle.metadata._postgres import PostgresDatabase
        from treadle.metadata._schema_postgres import POSTGRES_MIGRATIONS

        return cast(Database, PostgresDatabase(path, POSTGRES_MIGRATIONS))  # the same two verbs
    return Database(path, MIGRATIONS)
