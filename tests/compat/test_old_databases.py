"""Every schema that was ever written is brought forward, with its rows, however many openers race to do it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from treadle.components import Approvals
from treadle.errors import DatabaseVersionError
from treadle.loop._turns import TurnStore
from treadle.metadata import MetadataStore, open_metadata
from treadle.registry import Registry

FOLDER = Path(__file__).parent
OLD = sorted(path for path in FOLDER.glob("*.sql") if not path.stem.startswith("postgres-"))
OLD_IN_POSTGRES = sorted(FOLDER.glob("postgres-*.sql"))
C, D = "sha256:" + "c" * 64, "sha256:" + "d" * 64


def look_at_lineage(store: MetadataStore) -> None:
    assert [(run.id, run.state) for run in store.runs()] == [
        ("20261102-000000-bbbbbb", "failed"),
        ("20261101-000000-aaaaaa", "succeeded"),
    ]
    (success,) = store.successes("sha256:" + "2" * 64)
    model = success.outputs["model"]
    assert [found.artifact.type_name for found in store.lineage.ancestors(model.digest)] == ["Examples"]
    assert store.parts("sha256:" + "1" * 64) == {"component": "ingest", "package pyarrow": "26"}
    assert store.latest_success("taxi", "ingest") is not None
    store.begin_run("new", pipeline="taxi", ir={}, lease_seconds=60)
    assert store.runs()[0].id == "new"
    store.finish_run("new", "succeeded")


def metadata(home: Path) -> None:
    with open_metadata(home) as store:
        look_at_lineage(store)


def registry(home: Path) -> None:
    with Registry(home) as found:
        assert found.names() == ["taxi"]
        champion = found.get("taxi@champion")
        assert (champion.version, champion.digest, champion.properties["verdict"]) == (1, C, "passed")
        assert [(move.version, move.reason) for move in found.history("taxi")] == [(1, "the first that passed")]
        assert found.register("taxi", D).version == 2
        assert found.register("taxi", "sha256:" + "e" * 64, {"a": 1}).version == 3
        assert found.find("taxi:3") == found.find("taxi@sha256:" + "e" * 64)
        found.promote("taxi", 3, reason="better")
        assert [move.previous for move in found.history("taxi")] == [None, 1]


def approvals(home: Path) -> None:
    with Approvals(home, clock=lambda: datetime(2026, 11, 1, 1, tzinfo=UTC)) as found:
        answered = found.ask("push", C, verdict="passed", expires=None)
        decision = found.decision(answered)
        assert decision is not None
        assert (decision.approved, decision.by, decision.reason) == (True, "ada", "looks right")
        assert answered.expires_at == datetime(2026, 11, 2, tzinfo=UTC)
        ((run, node, open_),) = found.waiting()
        assert (run, node, open_.digest) == ("20261102-000000-bbbbbb", "gate", D)
        found.ask("push", "sha256:" + "e" * 64, verdict="passed", expires=timedelta(days=1), place=("r", "gate"))
        found.decide(run, node, approved=False, by="bob", reason="no")
        assert [place[0] for place in found.waiting()] == ["r"]


def loop(home: Path) -> None:
    with TurnStore(home) as store:
        (turn,) = store.turns("taxi")
    assert (turn.window.start, turn.action, turn.reasons) == (datetime(2018, 3, 1), "promoted", ("fare drifted",))
    assert (turn.rows, turn.drifted, turn.version) == (1000, {"fare": {"jensen_shannon": 0.2}}, 1)


LOOKS: dict[str, Callable[[Path], None]] = {
    "metadata": metadata, "registry": registry, "approvals": approvals, "loop": loop,
}  # fmt: skip
OPENERS = {
    "metadata": "from treadle.metadata import open_metadata as do",
    "registry": "from treadle.registry import Registry as do",
    "approvals": "from treadle.components import Approvals as do",
    "loop": "from treadle.loop._turns import TurnStore as do",
}
OPEN = "\nimport sys\nfrom pathlib import Path\nsys.stdin.readline()\ndo(Path(sys.argv[1]))"


def test_the_current_version_of_every_database_is_kept(tmp_path: Path) -> None:
    """Whoever adds a migration adds a database of the version before."""
    for open_it in LOOKS_FRESH.values():
        open_it(tmp_path)
    kept = {path.stem for path in OLD}
    for path in tmp_path.glob("*.sqlite"):
        connection = sqlite3.connect(path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.close()
        assert {f"{path.stem}-{number}" for number in range(1, max(version, 2))} <= kept


@pytest.fixture(params=OLD, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"{request.param.stem.partition('-')[0]}.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(request.param.read_text())
    connection.close()
    return path


def schema(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT type, name, tbl_name, trim(sql, char(10) || ' ') FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    connection.close()
    return rows


def test_an_old_database_is_brought_forward(old: Path, tmp_path: Path) -> None:
    LOOKS[old.stem](tmp_path)
    fresh = tmp_path / "fresh"
    LOOKS_FRESH[old.stem](fresh)
    assert schema(old) == schema(fresh / old.name), "an old file ends as a new one begins"


def test_racing_migrators(old: Path, tmp_path: Path) -> None:
    race(old.stem, tmp_path, {})
    LOOKS[old.stem](tmp_path)


def race(name: str, home: Path, environment: dict[str, str], number: int = 4) -> None:
    """Processes that have imported everything open it at one moment."""
    command = [sys.executable, "-c", OPENERS[name] + OPEN, str(home)]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, **environment}) for _ in range(number)]
    for process in crowd:
        assert process.stdin is not None
        process.stdin.close()  # a pipe that ends is the starting shot
    assert [process.wait() for process in crowd] == [0] * number


@pytest.mark.parametrize("name", LOOKS)
def test_a_database_from_the_future_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    LOOKS_FRESH[name](tmp_path)
    path = tmp_path / f"{name}.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = schema(path)
    with pytest.raises(DatabaseVersionError, match="newer"):
        LOOKS_FRESH[name](tmp_path)
    assert schema(path) == before


LOOKS_FRESH: dict[str, Callable[[Path], object]] = {
    "metadata": lambda home: open_metadata(home).close(),
    "registry": lambda home: Registry(home).close(),
    "approvals": lambda home: Approvals(home).close(),
    "loop": lambda home: TurnStore(home).close(),
}


@pytest.mark.engines
class TestInPostgres:
    """The same databases as tables in PostgreSQL."""

    @pytest.fixture
    def url(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setenv("TREADLE_METADATA", postgres_url)
        return postgres_url

    @pytest.mark.parametrize("old", OLD_IN_POSTGRES, ids=lambda path: path.stem)
    def test_an_old_lineage_is_brought_forward(self, old: Path, url: str) -> None:
        self.bring(old, url)
        with MetadataStore(url) as store:
            look_at_lineage(store)

    @pytest.mark.parametrize("old", OLD_IN_POSTGRES, ids=lambda path: path.stem)
    def test_racing_migrators_of_an_old_lineage(self, old: Path, url: str, tmp_path: Path) -> None:
        self.bring(old, url)
        race("metadata", tmp_path, {"TREADLE_METADATA": url})
        with MetadataStore(url) as store:
            look_at_lineage(store)

    @pytest.mark.parametrize("name", LOOKS)
    def test_racing_makers(self, name: str, url: str, tmp_path: Path) -> None:
        race(name, tmp_path, {"TREADLE_METADATA": url})
        LOOKS_FRESH[name](tmp_path)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", ["registry", "approvals", "loop"])
    def test_what_the_rooms_keep(self, name: str, url: str, tmp_path: Path) -> None:
        """The rows of a file, put into tables: the same answers."""
        LOOKS_FRESH[name](tmp_path)
        self.bring(FOLDER / f"{name}-1.sql", url, rows_only=True)
        LOOKS[name](tmp_path)

    @pytest.mark.parametrize("name", ["registry", "approvals", "loop"])
    def test_a_database_from_the_future_is_refused(self, name: str, url: str, tmp_path: Path) -> None:
        import psycopg

        LOOKS_FRESH[name](tmp_path)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"INSERT INTO treadle_schema_{name} VALUES (99)")
        with pytest.raises(DatabaseVersionError, match="newer"):
            LOOKS_FRESH[name](tmp_path)

    def bring(self, old: Path, url: str, *, rows_only: bool = False) -> None:
        import psycopg

        text = old.read_text()
        if rows_only:
            inserts = [line for line in text.splitlines() if line.startswith("INSERT INTO")]
            text = "\n".join(sorted(inserts, key=lambda line: "alias" in line or "decision" in line or "place" in line))
            text += "".join(
                f"\nALTER TABLE {table} ALTER COLUMN id RESTART WITH 100;"
                for table in ("promotion", "request", "decision")
                if f'INTO "{table}"' in text
            )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(text)
