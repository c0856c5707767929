"""What importing a room loads, seen from a fresh interpreter: the linter sees statements, not what they run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROBE = """
import json, os, sys
before = set(sys.modules)
{statement}
tasks = "/proc/self/task"
threads = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
print(json.dumps([sorted(set(sys.modules) - before), threads]))
"""


def loaded_by(statement: str) -> tuple[set[str], int]:
    """The modules that a statement loads, and the threads of the process after it."""
    code = PROBE.format(statement=statement)
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    modules, threads = json.loads(done.stdout.splitlines()[-1])
    return set(modules), threads


def packages(modules: set[str]) -> set[str]:
    """The top-level modules that are neither Treadle's nor the standard library's."""
    tops = {name.partition(".")[0] for name in modules} - {"treadle"} - set(sys.stdlib_module_names)
    return {name for name in tops if not name.startswith("_sysconfigdata")}  # the standard library's, named by platform


def rooms(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("treadle.")}


def test_import_treadle_loads_its_names_only() -> None:
    modules, _ = loaded_by("import treadle")
    assert packages(modules) == set()
    assert rooms(modules) == set()


@pytest.mark.parametrize(
    "room",
    ["errors", "config", "schema", "artifact", "storage", "metadata", "pipeline", "runner", "components", "transform"],
)
def test_light_rooms_load_no_library(room: str) -> None:
    modules, threads = loaded_by(f"import treadle.{room}")
    assert packages(modules) == set()
    assert threads == 1


def test_the_command_line_loads_click_alone() -> None:
    modules, _ = loaded_by("import treadle.cli")
    assert packages(modules) == {"click"}
    assert rooms(modules) == {"cli", "errors"}


def test_help_loads_no_room() -> None:
    modules, _ = loaded_by("import treadle.cli\ntry: treadle.cli.main(['--help'])\nexcept SystemExit: pass")
    assert packages(modules) == {"click"}
    assert rooms(modules) == {"cli", "errors"}


FACTORY = {
    "engine",
    "metadata",
    "storage",
    "pipeline",
    "runner",
    "components",
    "training",
    "transform",
    "frameworks",
    "ingest",
}


def test_the_shop_loads_no_factory() -> None:
    modules, _ = loaded_by("import treadle.serving")
    assert rooms(modules) & FACTORY == set()
    heavy = {"duckdb", "onnx", "sklearn", "lightgbm", "scipy", "pandas", "sqlite3"}
    assert {name.partition(".")[0] for name in modules} & heavy == set()


def test_a_servable_loads_no_factory() -> None:
    modules, _ = loaded_by("import treadle.servable")
    assert rooms(modules) & FACTORY == set()
    assert packages(modules) & {"duckdb", "sklearn", "lightgbm", "scipy", "pandas"} == set()


def test_the_template_of_nodes_is_pure_and_has_one_thread() -> None:
    modules, threads = loaded_by("import treadle.runner._template")
    assert packages(modules) == set()
    assert threads == 1
    assert rooms(modules) <= {"artifact", "config", "errors", "files", "pipeline", "runner", "storage"}


def test_so_it_is_with_what_it_imports_when_it_has_nothing_to_do() -> None:
    modules, threads = loaded_by(
        "import importlib, treadle.runner._template as template\n"
        "for name in template.LATER: importlib.import_module(name)"
    )
    assert packages(modules) == set()
    assert threads == 1
