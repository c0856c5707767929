"""The house as it is drawn, declared and built: three descriptions of one thing."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "treadle"
MODULES = sorted(SOURCE.glob("**/*.py"))
ROOMS = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}


def floors_drawn() -> list[set[str]]:
    """The floors in ARCHITECTURE.md, top first."""
    lines = re.findall(r"^- (`[\w`| ]+`):", (ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", line)) for line in lines]


def floors_declared() -> list[set[str]]:
    """The layers that import-linter checks, top first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    return [{room.strip() for room in floor.split("|")} for floor in layers]


def test_every_room_is_on_the_map_and_in_the_contract() -> None:
    assert floors_drawn() == floors_declared()
    assert set().union(*floors_declared()) == ROOMS | {"errors"}


def test_only_config_reads_the_environment() -> None:
    writes = re.compile(r"os\.environ(\.setdefault\(|\[[^]]+\] = )")
    outside = [path for path in MODULES if not path.is_relative_to(SOURCE / "config")]
    uses = [(path, line) for path in outside for line in path.read_text().splitlines() if "os.environ" in line]
    assert [use for use in uses if not writes.search(use[1])] == []


def test_no_room_is_a_drawer() -> None:
    names = {path.stem.strip("_") for path in MODULES} | {path.parent.name for path in MODULES}
    assert names & {"utils", "util", "helpers", "common", "base", "core", "misc"} == set()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_promises_what_its_init_lists(room: str) -> None:
    tree = ast.parse((SOURCE / room / "__init__.py").read_text())
    assert ast.get_docstring(tree), "a room says what it is for"
    (names,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("_")]
    outside = [path for path in (SOURCE / room).rglob("*.py") if not path.name.startswith("_")]
    assert outside == [], "modules inside a room begin with an underscore"


def imports(path: Path) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_reaches_into_another_room(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "treadle" and len(parts) > 2 and parts[1] != own:
            private = [part for part in parts[2:] if part.startswith("_") and not part.startswith("__")]
            assert not private, f"{path}: {name}"


FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "pandas"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_is_pickled_and_pandas_is_not_needed(path: Path) -> None:
    assert {name.partition(".")[0] for name in imports(path)} & FORBIDDEN == set()


def test_adapters_of_one_kind_have_the_same_files() -> None:
    adapters = [path for path in (SOURCE / "frameworks").iterdir() if (path / "__init__.py").is_file()]
    assert len(adapters) >= 2
    assert len({frozenset(file.name for file in adapter.glob("*.py")) for adapter in adapters}) == 1


@pytest.mark.parametrize("room", sorted(ROOMS - {"cli"}))
def test_every_room_has_tests(room: str) -> None:
    assert list((ROOT / "tests" / room).glob("test_*.py"))
