"""A PostgreSQL database behind the same two verbs as the SQLite file: `transaction` and `query`.

**A transaction holds the write lock here too**: an advisory lock of the schema, so that what is read inside stays
true until the commit, as it does with ``BEGIN IMMEDIATE``. Readers never wait. A lost connection is made anew at the
next call; the transaction it interrupted did not happen.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from treadle.errors import DatabaseBusyError, DatabaseError, DatabaseVersionError, MissingDependencyError

_BUSY_SECONDS = 30
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('treadle ' || current_schema()))"


class PostgresDatabase:
    """A schema of a PostgreSQL database. Safe to share between threads, and between processes by its URL.

    Args:
        url: ``postgresql://user@host/name``; a password is better kept in ``PGPASSFILE`` than here.
        migrations: The schema's history, oldest first, as scripts separated by ``;``. Entries are never edited once
            released. The database is brought forward when it is opened, in one transaction under the write lock.

    Raises:
        MissingDependencyError: When psycopg is not installed.
        DatabaseVersionError: When a newer Treadle wrote the database.
        DatabaseError: When the server cannot be reached or refuses.
    """

    def __init__(self, url: str, migrations: Sequence[str]) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDependencyError(
                "PostgreSQL needs a library that is not installed", hint="pip install 'treadle[postgres]'"
            ) from error
        self._psycopg: Any = psycopg
        self._url = url
        self.path = _without_password(url)
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._connection: Any = None
        self._open = True
        try:
            self._migrate(migrations)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction that holds the write lock: all of its statements happen, or none.

        Raises:
            DatabaseBusyError: When somebody else held the lock for 30 seconds.
        """
        with self._lock, self._translated(), self._connected().transaction():
            cursor = _Cursor(self._connection.cursor())
            cursor.execute(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")
            cursor.execute(_LOCK)
            yield cursor

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a statement that reads; values are bound to the ``?`` of ``sql``."""
        with self._lock, self._translated():
            return _Cursor(self._connected().cursor()).execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        with self._lock:
            self._open = False
            if self._connection is not None:
                self._connection.close()

    def __enter__(self) -> PostgresDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> Any:
        if os.getpid() != self._process:
            raise RuntimeError(f"the connection to {self.path} belongs to the process that opened it")
        if not self._open:
            raise DatabaseError("The database is closed", where={"database": self.path})
        if self._connection is None or self._connection.closed:
            self._connection = self._psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        return self._connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.transaction() as transaction:
            transaction.execute("CREATE TABLE IF NOT EXISTS treadle_schema (version BIGINT NOT NULL)")
            row = transaction.execute("SELECT max(version) AS version FROM treadle_schema").fetchone()
            version = row["version"] or 0
            if version > len(migrations):
                raise DatabaseVersionError(
                    "A newer Treadle wrote this database",
                    where={"database": self.path, "version": version, "known": len(migrations)},
                    hint="upgrade Treadle: pip install -U treadle",
                )
            for number, script in list(enumerate(migrations, start=1))[version:]:
                for statement in filter(str.strip, script.split(";")):
                    transaction.execute(statement)
                transaction.execute("INSERT INTO treadle_schema VALUES (?)", (number,))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        psycopg = self._psycopg
        try:
            yield
        except psycopg.IntegrityError:
            raise
        except psycopg.Error as error:
            busy = isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)
            kind = DatabaseBusyError if busy else DatabaseError
            raise kind(
                f"The database says: {str(error).strip()}",
                where={"database": self.path},
                hint="somebody else holds it; try again" if busy else "check the server, the URL and the permissions",
            ) from error


class _Row(tuple[Any, ...]):
    """A row that is asked by number or by name, as SQLite's."""

    names: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)


class _Cursor:
    """Statements with ``?``, as SQLite takes them."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> _Cursor:
        self._cursor.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(parameters))
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> _Cursor:
        for row in rows:
            self.execute(sql, row)
        return self

    def fetchall(self) -> list[Any]:
        kind = self._kind()
        return [kind(row) for row in self._cursor.fetchall()]

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else self._kind()(row)

    def _kind(self) -> type[_Row]:
        names = {column.name: number for number, column in enumerate(self._cursor.description)}
        return type("Row", (_Row,), {"names": names})


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    place = place.partition("?")[0]  # options may hold one too
    return f"{scheme}://{user.partition(':')[0]}{at}{place}"
