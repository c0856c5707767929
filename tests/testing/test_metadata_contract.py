"""The lineage's contract, kept by SQLite; PostgreSQL keeps it in tests/metadata/test_postgres.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from treadle.metadata import MetadataStore
from treadle.testing import MetadataContract


class TestSqlite(MetadataContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], MetadataStore]:
        return lambda: MetadataStore(tmp_path / "metadata.sqlite")

    @pytest.fixture
    def store(self, reopen: Callable[[], MetadataStore]) -> Iterator[MetadataStore]:
        with reopen() as store:
            yield store
