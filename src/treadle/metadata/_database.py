"""One SQLite file, used with care: WAL, immediate transactions, full sync, foreign keys, forward migrations.

**Every change is one `transaction`**, which takes the write lock at its start (``BEGIN IMMEDIATE``): a deferred
transaction that reads before it writes fails at once under concurrency, however long the busy timeout. See
docs/adr/0004. **A connection never crosses a fork**: a child that needs the database opens its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

from treadle.errors import DatabaseBusyError, DatabaseError, DatabaseVersionError
from treadle.metadata._filesystem import network_kind
from treadle.metadata._texts import bound

Row: TypeAlias = sqlite3.Row
Transaction: TypeAlias = sqlite3.Cursor

_BUSY_SECONDS = 30.0


class Database:
    """A SQLite file with a schema of its own. Safe to share between threads, and between processes by path.

    Args:
        path: The file; its folder is made when it is not there.
        migrations: The schema's history, oldest first: each entry is a script of statements separated by ``;``.
            Entries are never edited once released, only added. A file is brought forward when it is opened, in one
            transaction, so racing openers are safe.

    Raises:
        DatabaseVersionError: When a newer Treadle wrote the file.
        DatabaseError: When the file is not a database, cannot be opened, or lies on a network file system.
    """

    is_shared = False
    """Whether processes of several hosts use it, so that only leases tell which of them live."""

    def __init__(self, path: str | os.PathLike[str], migrations: Sequence[str]) -> None:
        self.path = Path(path).absolute()
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._open = False
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (kind := network_kind(self.path.parent)) is not None:
            raise DatabaseError(
                f"SQLite cannot be shared on a network file system ({kind})",
                where={"file": self.path},
                hint="keep the store on a local disk; for several hosts use PostgreSQL: see docs/storage.md",
            )
        with self._translated():
            self._connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        self._open = True
        try:
            with self._translated():
                self._prepare()
                self._migrate(migrations)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that holds the write lock: all of its statements happen, or none.

        Args:
            durable: Whether it is on the disk when the block has ended. Without, it survives the death of this process,
                but the machine's, which is everybody's, may undo it, with every other that is not durable and came
                later; the next durable one brings it to the disk. For what is void unless something durable follows.

        Raises:
            DatabaseBusyError: When another process held the lock for 30 seconds.
        """
        with self._lock, self._translated():
            cursor = self._cursor()
            cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement that reads; values are bound to the ``?`` of ``sql``."""
        with self._lock, self._translated():
            cursor = self._cursor()
            try:
                return cursor.execute(sql, parameters).fetchall()
            finally:
                cursor.close()

    def in_use(self) -> AbstractContextManager[None]:
        """A block in which nobody is `alone` with the database; for a file the lock of the store's folder does it."""
        return nullcontext()

    def alone(self, *, wait_seconds: float = 0.0) -> AbstractContextManager[None]:  # noqa: ARG002 - as PostgreSQL's
        """A block in which nobody else is `in_use`; for a file the lock of the store's folder does it."""
        return nullcontext()

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._lock:
            if self._open:
                self._open = False
                self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cursor(self) -> sqlite3.Cursor:
        if os.getpid() != self._process:
            raise RuntimeError(f"the connection to {self.path} belongs to the process that opened it")
        return self._connection.cursor(_Cursor)

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        # the machine's own clock, which all of its processes share and nobody can set
        self._connection.create_function("lease_clock", 0, time.monotonic)
        deadline = time.monotonic() + _BUSY_SECONDS
        # Switching to WAL does not wait for the busy timeout, so racing openers wait here.
        while self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self._connection.execute("PRAGMA foreign_keys = ON")

    def _migrate(self, migrations: Sequence[str]) -> None:
        if self._connection.execute("PRAGMA user_version").fetchone()[0] == len(migrations):
            return
        with self.transaction() as transaction:
            version = transaction.execute("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise DatabaseVersionError(
                    "A newer Treadle wrote this database",
                    where={"file": self.path, "version": version, "known": len(migrations)},
                    hint="upgrade Treadle: pip install -U treadle",
                )
            for script in migrations[version:]:
                for statement in filter(str.strip, script.split(";")):
                    transaction.execute(statement)
            transaction.execute(f"PRAGMA user_version = {len(migrations)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            busy = _is_busy(error)
            kind = DatabaseBusyError if busy else DatabaseError
            raise kind(
                f"The database says: {error}",
                where={"file": self.path},
                hint="another process holds it; try again" if busy else "check the disk and the permissions",
            ) from error


class _Cursor(sqlite3.Cursor):
    """Statements that are bound to any text."""

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        super().execute(sql, bound(parameters))
        return self

    def executemany(self, sql: str, rows: Iterable[Any]) -> _Cursor:
        super().executemany(sql, map(bound, rows))
        return self


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)
