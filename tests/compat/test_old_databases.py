"""Every schema that was ever written is brought forward, with its rows, however many openers race to do it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from treadle.metadata import MetadataStore

OLD = sorted(Path(__file__).parent.glob("metadata-*.sql"))
assert OLD


@pytest.fixture(params=OLD, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "metadata.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(request.param.read_text())
    connection.close()
    return path


def schema(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return rows


def test_an_old_store_is_brought_forward(old: Path, tmp_path: Path) -> None:
    with MetadataStore(old) as store:
        runs = store.runs()
        assert [(run.id, run.state) for run in runs] == [
            ("20261102-000000-bbbbbb", "failed"),
            ("20261101-000000-aaaaaa", "succeeded"),
        ]
        (success,) = store.successes("sha256:" + "2" * 64)
        model = success.outputs["model"]
        assert [found.artifact.type_name for found in store.lineage.ancestors(model.digest)] == ["Examples"]
        assert store.parts("sha256:" + "1" * 64) == {"component": "ingest", "package pyarrow": "26"}
        assert store.latest_success("taxi", "ingest") is not None
        store.begin_run("new", pipeline="taxi", ir={})
    MetadataStore(tmp_path / "fresh.sqlite").close()
    assert schema(old) == schema(tmp_path / "fresh.sqlite"), "an old file ends as a new one begins"


def test_racing_migrators(old: Path) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            with MetadataStore(old) as store:
                assert len(store.runs()) == 2
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
