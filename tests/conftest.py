"""Real servers that tests of several rooms share; each is started when the first test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    from postgres_server import binaries, server

    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: pip install 'treadle[postgres]'")
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not tested: there is no server here (Debian: apt-get install postgresql)")
    with server(found) as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """An empty schema of its own for each test."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres}&options=-csearch_path%3D{name}"
