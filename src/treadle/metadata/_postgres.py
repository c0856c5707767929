"""A PostgreSQL database behind the same verbs as the SQLite file: `transaction` and `query`, `in_use` and `alone`.

**A transaction holds the write lock here too**: an advisory lock of the schema, so that what is read inside stays
true until the commit, as it does with ``BEGIN IMMEDIATE``. Readers never wait. A connection that was lost is made anew
before anything is changed, for half a minute; a transaction that lost its connection did not happen, or its commit is
in doubt and the caller is told so by an error. Who is held up inside of one (a laptop that sleeps, a stopped process)
loses it, before those who wait for the lock give up.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from treadle.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseVersionError,
    MissingDependencyError,
    StoreInUseError,
)
from treadle.metadata._postgres_rows import Cursor
from treadle.metadata._postgres_url import redacted, without_password

_BUSY_SECONDS = 30
_IDLE_SECONDS = 15
"""Between two statements of a transaction: what is done there takes milliseconds."""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('treadle ' || current_schema()))"
# Two numbers are a space of their own beside the one number of the write lock.
_USE = "7483, hashtext('treadle ' || current_schema())"
# A host that is gone is noticed within a minute, on either side.
_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3}

T = TypeVar("T")


class PostgresDatabase:
    """Tables in a schema of a PostgreSQL database. Safe to share between threads, and between processes by its URL.

    Args:
        url: ``postgresql://user@host/name``; a password is better kept in ``PGPASSFILE`` than here.
        migrations: The tables' history, oldest first, as scripts separated by ``;``. Entries are never edited once
            released. The database is brought forward when it is opened, in one transaction under the write lock.
        name: Which of several groups of tables in the schema; each has a history of its own.

    Raises:
        MissingDependencyError: When psycopg is not installed.
        DatabaseVersionError: When a newer Treadle wrote the database.
        DatabaseError: When the server cannot be reached or refuses.
    """

    is_shared = True

    def __init__(self, url: str, migrations: Sequence[str], *, name: str = "") -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDependencyError(
                "PostgreSQL needs a library that is not installed", hint="pip install 'treadle[postgres]'"
            ) from error
        self._psycopg: Any = psycopg
        self._url = url
        self.path = without_password(url)
        self._versions = f"treadle_schema_{name}" if name else "treadle_schema"
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
    def transaction(self, *, durable: bool = True) -> Iterator[Any]:  # noqa: ARG002 - as SQLite's
        """A transaction that holds the write lock: all of its statements happen, or none.

        Args:
            durable: As in `Database.transaction`; here every transaction is. The server dies without us: what it had
                not brought to its disk would be lost under a run that goes on, and its ids be given to another.

        Raises:
            DatabaseBusyError: When somebody else held the lock for 30 seconds.
        """
        with self._lock, self._translated():
            try:
                cursor = self._patiently(self._begin)
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                self._back_out()
                raise

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a statement that reads; values are bound to the ``?`` of ``sql``."""
        with self._lock, self._translated():
            if self._in_transaction():
                return Cursor(self._connection.cursor()).execute(sql, parameters).fetchall()
            try:
                return self._patiently(lambda: Cursor(self._connected().cursor()).execute(sql, parameters).fetchall())
            except BaseException:
                self._back_out()
                raise

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A block in which nobody is `alone` with the database, on any host; begins when whoever was has ended.

        The lock ends with its connection, so with its process.
        """
        with closing(self._locking()) as connection:
            with self._translated():
                connection.execute(f"SELECT pg_advisory_lock_shared({_USE})")
            yield

    @contextmanager
    def alone(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """A block in which nobody else is `in_use`.

        Raises:
            StoreInUseError: When somebody still is after ``wait_seconds``.
        """
        deadline = time.monotonic() + wait_seconds
        with closing(self._locking()) as connection:
            with self._translated():
                while not connection.execute(f"SELECT pg_try_advisory_lock({_USE})").fetchone()[0]:
                    if time.monotonic() >= deadline:
                        raise StoreInUseError(
                            "The lineage is in use: a run is at work, or another collection",
                            where={"database": self.path},
                            hint="wait for it to end, or let --wait SECONDS do so; `treadle status` lists runs",
                        )
                    time.sleep(0.1)
            yield

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

    def _begin(self) -> Cursor:
        cursor = self._connected().cursor()
        cursor.execute(  # one way to the server and back
            f"BEGIN; SET LOCAL lock_timeout = '{_BUSY_SECONDS}s';"
            f" SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'; {_LOCK}"
        )
        return Cursor(cursor)

    def _back_out(self) -> None:
        """Leave no transaction open, and no statement at the server whose answer nobody waits for any more."""
        connection, status = self._connection, self._psycopg.pq.TransactionStatus
        if connection is None or os.getpid() != self._process:
            return
        if connection.info.transaction_status in (status.INTRANS, status.INERROR):
            with contextlib.suppress(self._psycopg.Error):  # the connection is gone, and the transaction with it
                connection.execute("ROLLBACK")
        if connection.info.transaction_status != status.IDLE:
            connection.close()  # the next one to ask makes another

    def _patiently(self, do: Callable[[], T]) -> T:
        """Something that changes nothing, again with a new connection when the server went away and comes back."""
        deadline = time.monotonic() + _BUSY_SECONDS
        had_one = self._connection is not None
        while True:
            try:
                return do()
            except self._psycopg.OperationalError:
                is_lost = had_one and (self._connection is None or self._connection.closed)
                if not is_lost or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _in_transaction(self) -> bool:
        status = self._psycopg.pq.TransactionStatus
        return (
            self._connection is not None
            and not self._connection.closed
            and self._connection.info.transaction_status != status.IDLE
        )

    def _connected(self) -> Any:
        if os.getpid() != self._process:
            raise RuntimeError(f"the connection to {self.path} belongs to the process that opened it")
        if not self._open:
            raise DatabaseError("The database is closed", where={"database": self.path})
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _locking(self) -> Any:
        """A connection of its own for a lock: the other one may be lost and made anew in between."""
        with self._translated():
            return self._connect()

    def _connect(self) -> Any:
        asked = self._psycopg.conninfo.conninfo_to_dict(self._url)
        return self._psycopg.connect(self._url, autocommit=True, **{**_PATIENCE, **_kept(asked)})

    def _migrate(self, migrations: Sequence[str]) -> None:
        if self._version() == len(migrations):
            return
        with self.transaction() as transaction:
            transaction.execute(f"CREATE TABLE IF NOT EXISTS {self._versions} (version BIGINT NOT NULL)")
            version = self._version()
            if version > len(migrations):
                raise DatabaseVersionError(
                    "A newer Treadle wrote this database",
                    where={"database": self.path, "version": version, "known": len(migrations)},
                    hint="upgrade Treadle: pip install -U treadle",
                )
            for number, script in list(enumerate(migrations, start=1))[version:]:
                for statement in filter(str.strip, script.split(";")):
                    transaction.execute(statement)
                transaction.execute(f"INSERT INTO {self._versions} VALUES (?)", (number,))

    def _version(self) -> int:
        if self.query("SELECT to_regclass(?) AS found", (self._versions,))[0]["found"] is None:
            return 0
        return int(self.query(f"SELECT coalesce(max(version), 0) AS version FROM {self._versions}")[0]["version"])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        psycopg = self._psycopg
        try:
            yield
        except psycopg.IntegrityError:
            raise
        except psycopg.errors.IdleInTransactionSessionTimeout:
            raise DatabaseError(
                f"This process was held up inside a transaction for over {_IDLE_SECONDS} s and lost it",
                where={"database": self.path},
                hint="nothing of it happened; do it again",
            ) from None
        except psycopg.Error as error:
            busy = isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)
            kind = DatabaseBusyError if busy else DatabaseError
            raise kind(
                f"The database says: {redacted(str(error).strip(), self._url)}",
                where={"database": self.path},
                hint="somebody else holds it; try again" if busy else "check the server, the URL and the permissions",
            ) from None  # what it says may repeat the URL, and with it a password


def _kept(asked: dict[str, Any]) -> dict[str, Any]:
    """What the URL itself says about patience counts."""
    return {name: asked[name] for name in _PATIENCE if name in asked}
