"""PostgreSQL keeps the lineage's contract, tested with a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import binaries, server

from treadle.errors import DatabaseError, DatabaseVersionError
from treadle.metadata import MetadataStore, export_run, import_run
from treadle.storage import ArtifactStore
from treadle.testing import MetadataContract

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: pip install 'treadle[postgres]'")
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not tested: there is no server here (Debian: apt-get install postgresql)")
    with server(found) as url:
        yield url


@pytest.fixture
def url(postgres: str) -> str:
    """An empty schema of its own for each test."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres}&options=-csearch_path%3D{name}"


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


def test_no_server_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseError) as raised:
        MetadataStore(f"postgresql://someone:secret@/x?host={tmp_path}")
    assert "secret" not in str(raised.value)


def test_a_lost_connection_is_made_anew(url: str) -> None:
    import psycopg

    with MetadataStore(url) as store:
        store.begin_run("r1", pipeline="p", ir={})
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND usename = current_user"
            )
        with pytest.raises(DatabaseError):
            store.runs()
        assert [run.id for run in store.runs()] == ["r1"]


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
