"""What tests of all rooms share: real servers, each started when the first test asks for it; drills only when named."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and no test fails for that.
settings.register_profile("treadle", deadline=None)
settings.load_profile("treadle")


def pytest_configure() -> None:
    """Commands that tests start hear Ctrl-C also where whoever runs the tests does not: behind ``&`` in a script."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A drill takes hours: it runs when ``-m`` names it, and not because somebody runs a folder."""
    if "drill" not in config.option.markexpr:
        drills = [item for item in items if item.get_closest_marker("drill")]
        config.hook.pytest_deselected(items=drills)
        items[:] = [item for item in items if item not in set(drills)]


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of our own, in a process of its own."""
    from s3_server import server

    for package in ("s3fs", "boto3", "moto", "flask"):
        pytest.importorskip(package, reason=f"S3 is not tested: {package} is not installed; make test-engines")
    with server() as address:
        yield address


@pytest.fixture
def s3_environment(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's address, which the environment says too, and nothing of whoever runs the tests."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "nobody-knows-this",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def s3_url(s3_environment: str) -> str:
    """An empty bucket of its own for each test."""
    import boto3

    bucket = f"b{os.urandom(6).hex()}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=bucket)
    client.close()
    return f"s3://{bucket}"
