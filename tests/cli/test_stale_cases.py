"""Whatever a result depends on is edited in a real folder, one thing at a time: exactly the right nodes run again.

The long form, a drill, edits several things at once.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILES = {
    "numbers_used.py": """
RATE = 3
UNUSED = 5


def helper(x):
    return inner(x) + 1


def inner(x):
    return x * 2


def with_default(x, by=4):
    return x * by
""",
    "shapes.py": """
import functools
from dataclasses import dataclass

LIMIT = 6


@dataclass(frozen=True)
class Settings:
    depth: int = 2
    width: int = LIMIT


SETTINGS = Settings(depth=9)


class Machine:
    speed = 10

    def work(self, x):
        return self.gear(x) + 1

    def gear(self, x):
        return x * 3


class Apart:
    low = 1
    high = 2


def scaled(by):
    def inside(x):
        return x * by

    return inside


tripled = scaled(3)
TABLE = {"up": lambda x: x + 1, "down": lambda x: x - 1}


def power(x, n):
    return x**n


squared = functools.partial(power, n=2)


def louder(function):
    @functools.wraps(function)
    def inside(x):
        return function(x) * 100

    return inside


@louder
def decorated(x):
    return x + 5
""",
    "registry.py": """
STEPS = []


def register(function):
    STEPS.append(function)
    return function
""",
    "steps.py": """
import registry


@registry.register
def first(x):
    return x + 1


registry.STEPS.append(abs)
""",
    "folder/__init__.py": "",
    "folder/deep.py": "from folder.deeper import VALUE\n\n\ndef deep():\n    return VALUE\n",
    "folder/deeper.py": "VALUE = 11\n",
    "pipeline.py": """
from treadle import File, component, pipeline

import numbers_used
import registry
import shapes
import steps
from folder import deep as module_of_the_project


@component
def helper(x: int) -> int:
    return numbers_used.helper(x)


@component
def constant(x: int) -> int:
    return x * numbers_used.RATE


@component
def default(x: int) -> int:
    return numbers_used.with_default(x)


@component
def own_default(x: int = 1, y: int = 2) -> int:
    return x + y


@component
def package(x: int) -> str:
    import pretend

    return pretend.NAME


@component
def closure(x: int) -> int:
    return shapes.tripled(x)


@component
def decorator(x: int) -> int:
    return shapes.decorated(x)


@component
def attribute(x: int) -> int:
    return shapes.Apart.low


@component
def method(x: int) -> int:
    return shapes.Machine().work(x)


@component
def dataclass(x: int) -> int:
    return shapes.SETTINGS.depth + shapes.Settings().width


@component
def table(x: int) -> int:
    return shapes.TABLE["up"](x)


@component
def partial(x: int) -> int:
    return shapes.squared(x)


@component
def registered(x: int) -> int:
    return sum(step(x) for step in registry.STEPS)


@component
def module(x: int) -> int:
    return module_of_the_project.deep()


@component
def file(rows: File) -> int:
    return len(rows.read_text().split())


@component(retries=1)
def body(x: int) -> int:
    \"\"\"Add one.\"\"\"
    return x + 1  # one


@component
def after(x: int) -> int:
    return x


@pipeline
def everything():
    after(body(1))
    for each in (helper, constant, default, package, closure, decorator, attribute, method, dataclass, table, partial):
        each(1)
    own_default()
    registered(1)
    module(1)
    file("rows.txt")
""",
    "rows.txt": "a b c\n",
    "site-packages/pretend.py": "NAME = 'pretend'\n",
}
Edit = Callable[[Path], None]


def replace(name: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert text.count(old) == 1, (name, old)
        (folder / name).write_text(text.replace(old, new))

    return edit


def upgrade(folder: Path) -> None:
    (folder / "site-packages" / "pretend-1.0.dist-info").rename(folder / "site-packages" / "pretend-1.1.dist-info")


CASES: dict[str, tuple[Edit, set[str]]] = {
    "a helper": (replace("numbers_used.py", "inner(x) + 1", "inner(x) + 2"), {"helper"}),
    "a helper of a helper": (replace("numbers_used.py", "x * 2", "x * 5"), {"helper"}),
    "a constant": (replace("numbers_used.py", "RATE = 3", "RATE = 4"), {"constant"}),
    "a constant that nothing uses": (replace("numbers_used.py", "UNUSED = 5", "UNUSED = 6"), set()),
    "a default argument": (replace("numbers_used.py", "by=4", "by=5"), {"default"}),
    "a component's default argument": (replace("pipeline.py", "y: int = 2", "y: int = 3"), {"own_default"}),
    "a package's version": (upgrade, {"package"}),
    "what a closure holds": (replace("shapes.py", "scaled(3)", "scaled(4)"), {"closure"}),
    "the function inside a closure": (replace("shapes.py", "return x * by", "return x * by + 0"), {"closure"}),
    "a decorator": (replace("shapes.py", "* 100", "* 200"), {"decorator"}),
    "a decorated function": (replace("shapes.py", "x + 5", "x + 6"), {"decorator"}),
    "a class attribute": (replace("shapes.py", "low = 1", "low = 7"), {"attribute"}),
    "another attribute of that class": (replace("shapes.py", "high = 2", "high = 7"), set()),
    "a method": (replace("shapes.py", "self.gear(x) + 1", "self.gear(x) + 2"), {"method"}),
    "a method that a method calls": (replace("shapes.py", "x * 3", "x * 4"), {"method"}),
    "a field's default in a dataclass": (replace("shapes.py", "depth: int = 2", "depth: int = 3"), {"dataclass"}),
    "an instance of a dataclass": (replace("shapes.py", "depth=9", "depth=8"), {"dataclass"}),
    "a constant in a dataclass": (replace("shapes.py", "LIMIT = 6", "LIMIT = 7"), {"dataclass"}),
    "a lambda in a dictionary": (replace("shapes.py", "lambda x: x + 1", "lambda x: x + 2"), {"table"}),
    "an argument bound by partial": (replace("shapes.py", "n=2", "n=3"), {"partial"}),
    "the function of a partial": (replace("shapes.py", "x**n", "x**n + 1"), {"partial"}),
    "what a decorator put into a list": (replace("steps.py", "x + 1", "x + 2"), {"registered"}),
    "what a module appended to a list": (replace("steps.py", "append(abs)", "append(round)"), {"registered"}),
    "a module that a module imports": (replace("folder/deeper.py", "11", "12"), {"module"}),
    "a data file": (replace("rows.txt", "a b c", "a b c d"), {"file"}),
    "a component's body": (replace("pipeline.py", "return x + 1  # one", "return x + 3"), {"body", "after"}),
    "a body that makes the same": (replace("pipeline.py", "return x + 1  # one", "return 1 + x"), {"body"}),
    "comments, docstrings, settings": (
        lambda folder: [
            replace("pipeline.py", "  # one", "  # something else")(folder),
            replace("pipeline.py", "Add one.", "Add it.")(folder),
            replace("pipeline.py", "retries=1", "retries=4")(folder),
        ][0],
        set(),
    ),
}


def run(folder: Path) -> dict[str, str]:
    environment = {**os.environ, "TREADLE_HOME": str(folder / ".treadle"), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "site-packages"), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "treadle", "run", "pipeline.py", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return {name: node["state"] for name, node in json.loads(done.stdout.splitlines()[-1])["nodes"].items()}


def write(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip("\n"))


@pytest.fixture(scope="module")
def tried() -> Iterator[Counter[str]]:
    """How many edits, and how many nodes ran again or were reused after them."""
    found: Counter[str] = Counter()
    yield found
    print(f"\n{found['edits']} times edited: {found['ran']} nodes ran again, {found['cached']} were reused, 0 wrongly")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begun(tmp_path_factory.mktemp("stale"))


def begun(folder: Path) -> Path:
    """The project, with everything made once."""
    write(folder)
    (folder / "site-packages" / "pretend-1.0.dist-info").mkdir()
    (folder / "site-packages" / "pretend-1.0.dist-info" / "METADATA").write_text("Name: pretend\nVersion: 1.0\n")
    assert set(run(folder).values()) == {"ran"}
    assert set(run(folder).values()) == {"cached"}
    return folder


def edited(folder: Path, *cases: str) -> dict[str, str]:
    """Run after these edits of the project as it was written: what was made from that is found again."""
    write(folder)
    newer = folder / "site-packages" / "pretend-1.1.dist-info"
    if newer.exists():
        newer.rename(newer.with_name("pretend-1.0.dist-info"))
    for case in cases:
        CASES[case][0](folder)
    return run(folder)


def check(states: dict[str, str], expected: set[str], tried: Counter[str]) -> None:
    assert {name for name, state in states.items() if state == "ran"} == expected
    assert {state for name, state in states.items() if name not in expected} <= {"cached"}
    tried.update(["edits", *states.values()])


@pytest.mark.parametrize("case", CASES)
def test_exactly_the_right_nodes_run_again(case: str, project: Path, tried: Counter[str]) -> None:
    check(edited(project, case), CASES[case][1], tried)


@pytest.mark.drill
def test_several_edits_at_once(tmp_path: Path, tried: Counter[str]) -> None:
    project, chance = begun(tmp_path), random.Random(7)
    alone = [case for case in CASES if case not in ("a body that makes the same", "comments, docstrings, settings")]
    made = {node: {frozenset[str]()} for nodes in CASES.values() for node in nodes[1]}  # by the edits that reach a node
    for _ in range(100):
        cases = chance.sample(alone, chance.randrange(1, 7))
        reaching = {node: frozenset(case for case in cases if node in CASES[case][1]) for node in made}
        expected = {node for node, edits in reaching.items() if edits not in made[node]}
        check(edited(project, *cases), expected, tried)
        for node in expected:
            made[node].add(reaching[node])
