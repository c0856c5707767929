from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from treadle.errors import DatabaseError, DatabaseVersionError
from treadle.metadata import Database

FIRST = "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL); CREATE INDEX by_n ON counter (n);"
SECOND = "ALTER TABLE counter ADD COLUMN note TEXT;"


def test_a_transaction_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    with Database(tmp_path / "x.sqlite", [FIRST]) as database:
        rows = [("a", 1), ("a", 2)]
        with pytest.raises(sqlite3.IntegrityError), database.transaction() as transaction:
            transaction.executemany("INSERT INTO counter VALUES (?, ?)", rows)
        assert database.query("SELECT * FROM counter") == []
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO counter VALUES ('a', 1)")
        assert [tuple(row) for row in database.query("SELECT * FROM counter WHERE name = ?", ["a"])] == [("a", 1)]


def test_settings(tmp_path: Path) -> None:
    with Database(tmp_path / "x.sqlite", [FIRST]) as database:
        settings = {
            name: database.query(f"PRAGMA {name}")[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


def test_only_what_is_void_alone_is_not_waited_for(tmp_path: Path) -> None:
    normal, full = 1, 2  # of SQLite: synced at checkpoints, at every commit
    path = tmp_path / "x.sqlite"
    with Database(path, [FIRST]) as database, Database(path, [FIRST]) as other:
        for n, (durable, level) in enumerate([(True, full), (False, normal), (True, full)]):
            with database.transaction(durable=durable) as transaction:
                assert transaction.execute("PRAGMA synchronous").fetchone()[0] == level
                transaction.execute("INSERT INTO counter VALUES (?, ?)", (str(n), n))
            assert len(other.query("SELECT * FROM counter")) == n + 1


def test_migrations_go_forward_and_keep_the_rows(tmp_path: Path) -> None:
    with Database(tmp_path / "x.sqlite", [FIRST]) as database, database.transaction() as transaction:
        transaction.execute("INSERT INTO counter VALUES ('a', 1)")
    with Database(tmp_path / "x.sqlite", [FIRST, SECOND]) as database:
        assert [tuple(row) for row in database.query("SELECT * FROM counter")] == [("a", 1, None)]
    with pytest.raises(DatabaseVersionError, match="newer Treadle"):
        Database(tmp_path / "x.sqlite", [FIRST])


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    Database(tmp_path / "x.sqlite", [FIRST]).close()
    with pytest.raises(DatabaseError):
        Database(tmp_path / "x.sqlite", [FIRST, "CREATE TABLE other (a); CREATE TABLE counter (a)"])
    with Database(tmp_path / "x.sqlite", [FIRST]) as database:
        assert database.query("SELECT name FROM sqlite_master WHERE name = 'other'") == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"not a database, surely not one" * 100)
    with pytest.raises(DatabaseError, match="x.sqlite"):
        Database(tmp_path / "x.sqlite", [FIRST])


def test_integrity_errors_stay_what_they_are(tmp_path: Path) -> None:
    with Database(tmp_path / "x.sqlite", [FIRST]) as database:
        with pytest.raises(sqlite3.IntegrityError), database.transaction() as transaction:
            transaction.execute("INSERT INTO counter VALUES ('a', NULL)")
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO counter VALUES ('a', 1)")


COUNT = """
import sys
from treadle.metadata import Database
with Database(sys.argv[1], [sys.argv[2]]) as database:
    for _ in range(50):
        with database.transaction() as tx:
            tx.execute("INSERT INTO counter VALUES ('a', 0) ON CONFLICT DO NOTHING")
            n = tx.execute("SELECT n FROM counter WHERE name = 'a'").fetchone()[0]
            tx.execute("UPDATE counter SET n = ? WHERE name = 'a'", (n + 1,))
"""


def test_racing_processes_and_threads_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, path, FIRST]) for _ in range(4)]
    with Database(path, [FIRST]) as database:

        def count() -> None:
            for _ in range(25):
                with database.transaction() as transaction:
                    transaction.execute("INSERT INTO counter VALUES ('a', 0) ON CONFLICT DO NOTHING")
                    transaction.execute("UPDATE counter SET n = n + 1")

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [process.wait() for process in processes] == [0] * 4
        assert database.query("SELECT n FROM counter")[0]["n"] == 4 * 50 + 4 * 25


def test_a_connection_does_not_cross_a_fork(tmp_path: Path) -> None:
    with Database(tmp_path / "x.sqlite", [FIRST]) as database:
        child = os.fork()
        if child == 0:
            try:
                database.query("SELECT 1")
            except RuntimeError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
