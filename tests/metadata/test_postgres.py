"""PostgreSQL keeps the lineage's contract, tested with a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from treadle.errors import DatabaseError, DatabaseVersionError, StoreInUseError
from treadle.metadata import MetadataStore, export_run, import_run
from treadle.storage import ArtifactStore
from treadle.testing import MetadataContract

pytestmark = pytest.mark.engines

ONE_TABLE = ["CREATE TABLE t (x BIGINT)"]


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


class TestPostgres(MetadataContract):
    @pytest.fixture
    def reopen(self, url: str) -> Callable[[], MetadataStore]:
        return lambda: MetadataStore(url)

    @pytest.fixture
    def store(self, reopen: Callable[[], MetadataStore]) -> Iterator[MetadataStore]:
        with reopen() as store:
            yield store


def test_a_newer_database_is_refused(url: str) -> None:
    import psycopg

    MetadataStore(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO treadle_schema VALUES (99)")
    with pytest.raises(DatabaseVersionError, match="newer"):
        MetadataStore(url)


def test_every_commit_is_waited_for_since_the_server_may_die_alone(url: str) -> None:
    from treadle.metadata._postgres import PostgresDatabase

    with PostgresDatabase(url, ["CREATE TABLE counter (n INTEGER)"], name="own") as database:
        for durable in (True, False):
            with database.transaction(durable=durable) as transaction:
                assert transaction.execute("SHOW synchronous_commit").fetchone()[0] == "on"


def test_no_server_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseError) as raised:
        MetadataStore(f"postgresql://someone:secret@/x?host={tmp_path}")
    assert "secret" not in str(raised.value)


def end_connections(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND usename = current_user"
        )


def test_a_lost_connection_is_made_anew(url: str) -> None:
    with MetadataStore(url) as store:
        store.begin_run("r1", pipeline="p", ir={})
        end_connections(url)
        assert [run.id for run in store.runs()] == ["r1"]


def test_a_lost_connection_before_a_change_is_made_anew_too(url: str) -> None:
    with MetadataStore(url) as store:
        end_connections(url)
        store.begin_run("r1", pipeline="p", ir={})
        assert store.running() == ["r1"]


def test_a_transaction_that_lost_its_connection_did_not_happen(url: str) -> None:
    from treadle.metadata._postgres import PostgresDatabase

    with PostgresDatabase(url, ONE_TABLE, name="own") as database:

        def write() -> None:
            with database.transaction() as transaction:
                transaction.execute("INSERT INTO t VALUES (1)")
                end_connections(url)
                transaction.execute("INSERT INTO t VALUES (2)")

        with pytest.raises(DatabaseError):
            write()
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO t VALUES (3)")
        assert [row["x"] for row in database.query("SELECT x FROM t")] == [3]


HELD_UP = f"""
import os, signal, sys
from treadle.metadata import _postgres
_postgres._IDLE_SECONDS = 1
with _postgres.PostgresDatabase(sys.argv[1], {ONE_TABLE}, name="own") as database:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (1)")
        os.kill(os.getpid(), signal.SIGSTOP)
        {{after}}
"""


@pytest.mark.parametrize("after", ["transaction.execute('INSERT INTO t VALUES (2)')", "pass"])
def test_who_is_held_up_in_a_transaction_holds_up_nobody_else(url: str, after: str) -> None:
    from treadle.metadata._postgres import PostgresDatabase

    with PostgresDatabase(url, ONE_TABLE, name="own") as database:
        script = HELD_UP.format(after=after)
        held_up = subprocess.Popen([sys.executable, "-c", script, url], stderr=subprocess.PIPE, text=True)
        try:
            os.waitid(os.P_PID, held_up.pid, os.WSTOPPED | os.WNOWAIT)
            with database.transaction() as transaction:
                transaction.execute("INSERT INTO t VALUES (3)")
        finally:
            held_up.send_signal(signal.SIGCONT)
            _, told = held_up.communicate(timeout=60)
        assert held_up.returncode == 1
        assert "was held up inside a transaction for over 1 s" in told
        assert [row["x"] for row in database.query("SELECT x FROM t")] == [3]


class Ended(BaseException):
    pass


@pytest.mark.parametrize("how", ["query", "transaction", "inside"])
def test_a_statement_that_nobody_waits_for_any_more_is_in_nobodys_way(url: str, how: str) -> None:
    """A task that is told to end still records what it was at."""
    from treadle.metadata._postgres import PostgresDatabase

    def end(*_: object) -> None:
        raise Ended

    def work(database: PostgresDatabase) -> None:
        if how == "query":
            database.query("SELECT pg_sleep(2)")
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO t VALUES (1)")
            (database.query if how == "inside" else transaction.execute)("SELECT pg_sleep(2)")

    with PostgresDatabase(url, ONE_TABLE, name="own") as database:
        before = signal.signal(signal.SIGALRM, end)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(Ended):
                work(database)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO t VALUES (2)")
        assert [row["x"] for row in database.query("SELECT x FROM t")] == [2]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3cr%65t@/x?host=/nowhere",
        "postgresql://someone:s3cret@localhost:99999/x",
        "postgresql://someone:s3cret@local host/x?a=b=c&password=s3cret",
        "postgresql://someone:s3cret@[::1/x",
        "postgresql://?host=/nowhere&password=s3cret&user=%zz",
    ],
)
def test_no_message_holds_a_password(url: str) -> None:
    with pytest.raises(DatabaseError) as raised:
        MetadataStore(url)
    told = "".join(traceback.format_exception(raised.value))
    assert "s3cret" not in told
    assert "s3cr%65t" not in told
    assert "s3cret" not in json.dumps(raised.value.to_dict(), default=str)


def begin(store: MetadataStore) -> None:
    with store.in_use():
        pass


def test_a_collector_and_runs_of_other_hosts_keep_out_of_each_others_way(url: str) -> None:
    with MetadataStore(url) as run, MetadataStore(url) as other, MetadataStore(url) as collector:
        with run.in_use(), other.in_use(), pytest.raises(StoreInUseError), collector.alone():
            pass
        with ThreadPoolExecutor(1) as pool:
            with collector.alone(wait_seconds=30):  # the server lets go a moment after a connection has ended
                begun = pool.submit(begin, run)
                with pytest.raises(TimeoutError):
                    begun.result(0.5)
            begun.result(30)
        run.begin_run("r1", pipeline="p", ir={}, lease_seconds=60)  # its lock was lost with its connection
        with pytest.raises(StoreInUseError, match="at work"), collector.alone():
            pass
        run.abandon_run("r1", {})
        with collector.alone():
            pass


def test_a_run_travels_from_sqlite_to_postgres(url: str, tmp_path: Path) -> None:
    here, there = ArtifactStore(tmp_path / "here"), ArtifactStore(tmp_path / "there")
    with MetadataStore(tmp_path / "metadata.sqlite") as old, MetadataStore(url) as new:
        old.begin_run("r1", pipeline="p", ir={})
        old.finish_run("r1", "succeeded")
        export_run(old, here, "r1", tmp_path / "run.tar")
        assert import_run(new, there, tmp_path / "run.tar").new
        export_run(new, there, "r1", tmp_path / "again.tar")
    assert (tmp_path / "run.tar").read_bytes() == (tmp_path / "again.tar").read_bytes()


def test_a_crowd_of_processes(url: str) -> None:
    from test_crowd import WRITER

    command = [sys.executable, "-c", WRITER, url]
    crowd = [subprocess.Popen([*command, str(n), "20"]) for n in range(8)]
    assert [process.wait() for process in crowd] == [0] * 8
    with MetadataStore(url) as store:
        assert len(store.lineage.artifacts(type_name="Model", limit=1000)) == 80
