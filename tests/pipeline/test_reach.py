"""Change one thing in a project: exactly the nodes that reach it get another fingerprint."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from remembered import Remembered

from treadle.pipeline import CodeReader, load_pipeline

PROJECT = {
    "pipeline.py": """
        import os
        import random
        from treadle import component, pipeline
        import helpers, registry
        import deep.er as deeper
        from helpers import low as small, high as large
        from registry import HANDLERS
        from settings import Config, Mode, Rates
        from wraps import traced, make
        import plugins
        from stars import *

        LIMIT = 3
        SUM = LIMIT + 1
        BOX = {"a": 1}
        SECOND = BOX.get("a")
        FROM_ENVIRONMENT = os.environ.get("REACH_TEST", "none")

        @component
        def plain(x: int = 1) -> int:
            return x

        @component
        def constant(x: int = 1) -> int:
            return x + LIMIT

        @component
        def sum_of(x: int = 1) -> int:
            return x + SUM

        @component
        def helper(x: int = 1) -> int:
            return helpers.scale(x)

        @component
        def renamed(x: int = 1) -> int:
            return small(x) + large(x)

        @component
        def two_away(x: int = 1) -> int:
            return deeper.bottom(x)

        @component
        def default(x: int = helpers.START) -> int:
            return x

        @component
        @traced
        def decorated(x: int = 1) -> int:
            return x

        triple = make(3)

        @component
        def class_attribute(x: int = 1) -> float:
            return Rates.low

        @component
        def whole_class(x: int = 1) -> int:
            return Config(x).value()

        @component
        def member(x: int = 1) -> str:
            return Mode.FAST.value

        @component
        def registered(kind: str = "a") -> int:
            return HANDLERS[kind](1)

        @component
        def seeded(x: int = 1) -> float:
            return random.random()

        @component
        def starred(x: int = 1) -> int:
            return from_star(x)

        @component
        def dynamic(x: int = 1) -> int:
            return getattr(helpers, "sca" + "le")(x)

        @component
        def by_name(x: int = 1) -> int:
            import importlib
            return importlib.import_module("far" + "away").value(x)

        @component
        def lazy(x: int = 1) -> int:
            from faraway import value
            return value(x)

        @component
        def box(x: int = 1) -> int:
            return BOX["a"]

        @component
        def environment(x: int = 1) -> str:
            return FROM_ENVIRONMENT

        @component
        def dispatched(x: int = 1) -> str:
            return registry.describe(x)

        @component
        def patched(x: int = 1) -> int:
            return registry.Patched.level

        @component
        def kept(x: int = 1) -> int:
            return registry.app.call("k", x)

        @component
        def shelved(x: int = 1) -> int:
            return registry.SHELF[0](x)

        @component
        def executed(x: int = 1) -> int:
            return registry.OPTIONS["x"]

        random.seed(1)

        @pipeline
        def everything():
            for step in STEPS:
                step()

        STEPS = [plain, constant, sum_of, helper, renamed, two_away, default, decorated, triple, class_attribute,
                 whole_class, member, registered, seeded, starred, dynamic, by_name, lazy, box, environment,
                 dispatched, patched, kept, shelved, executed]
    """,
    "helpers.py": '''
        """Help."""
        from deep.er import bottom
        FACTOR = 2
        START = 5
        UNUSED = 1

        def scale(x):
            """Scale."""
            return x * FACTOR  # a comment

        def low(x): return x - 1
        def high(x): return x + 1
        def unused(x): return x
    ''',
    "deep/__init__.py": "",
    "deep/er.py": """
        from .est import FLOOR
        def bottom(x): return x + FLOOR
    """,
    "deep/est.py": "FLOOR = 7\nCEILING = 8\n",
    "registry.py": """
        HANDLERS = {}
        def handles(kind):
            def keep(function):
                HANDLERS[kind] = function
                return function
            return keep

        import functools
        @functools.singledispatch
        def describe(x): return "any"

        class Patched:
            level = 1

        class App:
            def __init__(self): self.steps = {}
            def step(self, name):
                def keep(function):
                    self.steps[name] = function
                    return function
                return keep
            def call(self, name, x): return self.steps[name](x)
        app = App()

        SHELF = []
        def shelf(): return SHELF
        def put_on_shelf(function):
            mine = shelf()
            mine.append(function)
            return function

        OPTIONS = {}
        for key in ("x", "y"):
            OPTIONS[key] = len(key)
    """,
    "plugins.py": """
        from registry import handles
        @handles("a")
        def one(x): return x + 1
        @handles("b")
        def two(x): return x + 2
        def no_plugin(x): return x

        import registry
        @registry.describe.register
        def _(x: int): return "int"
        setattr(registry.Patched, "level", 2)
        @registry.app.step("k")
        def step_k(x): return x
        @registry.put_on_shelf
        def on_shelf(x): return x * 10
        def make_list():
            out = []
            out.append(1)
            return out
        LIST = make_list()
    """,
    "settings.py": """
        from enum import Enum
        class Rates:
            low = 0.1
            high = 0.2
        class Base:
            offset = 1
        class Config(Base):
            step = 2
            def __init__(self, x): self.x = x
            def value(self): return self.x * self.step + self.offset
            def other(self): return 0
        class Mode(Enum):
            FAST = "fast"
            SLOW = "slow"
    """,
    "wraps.py": """
        import functools
        from treadle import component
        PREFIX = "called"
        def traced(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                print(PREFIX)
                return function(*args, **kwargs)
            return wrapper
        def make(factor):
            @component
            def multiply(x: int = 1) -> int:
                return x * factor
            return multiply
    """,
    "stars.py": "def from_star(x): return x + 1\ndef other_star(x): return x\n",
    "faraway.py": "def value(x): return x\n",
}

# name: (file, old text, new text, the nodes that must notice)
CHANGES: dict[str, tuple[str, str, str, set[str]]] = {
    "nothing": ("pipeline.py", "x + LIMIT", "x + LIMIT", set()),
    "a comment": ("helpers.py", "# a comment", "# another comment", set()),
    "a docstring": ("helpers.py", '"""Scale."""', '"""Scale it."""', set()),
    "layout": ("helpers.py", "x * FACTOR", "(x  *  FACTOR)", set()),
    "lines above": ("pipeline.py", "LIMIT = 3", "\n\nLIMIT = 3", set()),
    "an unused function": ("helpers.py", "def unused(x): return x", "def unused(x): return 0", {"dynamic"}),
    "an unused constant": ("helpers.py", "UNUSED = 1", "UNUSED = 2", {"dynamic"}),
    "a node's own body": ("pipeline.py", "return x + LIMIT", "return x - LIMIT", {"constant"}),
    "a constant": ("pipeline.py", "LIMIT = 3", "LIMIT = 4", {"constant", "sum_of"}),
    "a constant made of constants": ("pipeline.py", "LIMIT + 1", "LIMIT + 2", {"sum_of"}),
    "a helper": ("helpers.py", "x * FACTOR", "x / FACTOR", {"helper", "dynamic"}),
    "a helper's constant": ("helpers.py", "FACTOR = 2", "FACTOR = 3", {"helper", "dynamic"}),
    "two modules away": ("deep/est.py", "FLOOR = 7", "FLOOR = 9", {"two_away", "dynamic"}),
    "two modules away, unused": ("deep/est.py", "CEILING = 8", "CEILING = 9", set()),
    "a default": ("helpers.py", "START = 5", "START = 6", {"default", "dynamic"}),
    "a decorator": ("wraps.py", "print(PREFIX)", "print(PREFIX, 1)", {"decorated"}),
    "a decorator's constant": ("wraps.py", '"called"', '"used"', {"decorated"}),
    "a decorator taken off": ("pipeline.py", "@traced\n", "\n", {"decorated"}),
    "a closure's value": ("pipeline.py", "make(3)", "make(4)", {"multiply"}),
    "a closure's code": ("wraps.py", "x * factor", "x + factor", {"multiply"}),
    "a class attribute": ("settings.py", "low = 0.1", "low = 0.3", {"class_attribute"}),
    "another class attribute": ("settings.py", "high = 0.2", "high = 0.3", set()),
    "an attribute used by a method": ("settings.py", "step = 2", "step = 3", {"whole_class"}),
    "a base class": ("settings.py", "offset = 1", "offset = 3", {"whole_class"}),
    "an enum": ("settings.py", 'SLOW = "slow"', 'SLOW = "slower"', {"member"}),
    "names that change places": (
        "pipeline.py",
        "low as small, high as large",
        "high as small, low as large",
        {"renamed"},
    ),
    "a registered function": ("plugins.py", "x + 1", "x + 5", {"registered"}),
    "a function beside the registered": ("plugins.py", "def no_plugin(x): return x", "no_plugin = 0", set()),
    "a registration": ("plugins.py", '@handles("b")', '@handles("c")', {"registered"}),
    "the registrar": ("registry.py", "HANDLERS[kind] = function", "HANDLERS[kind + ''] = function", {"registered"}),
    "an effect at import": ("pipeline.py", "random.seed(1)", "random.seed(2)", {"seeded"}),
    "a star import": ("stars.py", "return x + 1", "return x + 2", {"starred"}),
    "beside a star import": ("stars.py", "def other_star(x): return x", "other_star = 1", set()),
    "a module imported by a computed name": ("faraway.py", "return x", "return -x", {"lazy"}),
    "a case of a dispatcher": ("plugins.py", 'return "int"', 'return "integer"', {"dispatched"}),
    "a patch from elsewhere": ("plugins.py", '"level", 2', '"level", 3', {"patched"}),
    "what an object keeps": ("plugins.py", "def step_k(x): return x", "def step_k(x): return -x", {"kept"}),
    "what is registered in a roundabout way": ("plugins.py", "x * 10", "x * 11", {"shelved"}),
    "a list made on the spot": ("plugins.py", "out.append(1)", "out.append(2)", set()),
    "a loop that fills a constant": ("registry.py", "len(key)", "len(key) + 1", {"executed"}),
    "a read of a constant": ("pipeline.py", 'BOX.get("a")', 'BOX.get("b")', set()),
    "an item of a constant": ("pipeline.py", '{"a": 1}', '{"a": 2}', {"box"}),
    "an effect on a constant": ("pipeline.py", "SECOND =", 'BOX["a"] = 5\nSECOND =', {"box"}),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


# Every change must also be noticed by a reader that remembers what it read before the change.
MEMORY = Remembered()


def read(folder: Path) -> dict[str, dict[str, str]]:
    """The fingerprint parts of each node's code."""
    pipeline = load_pipeline(folder / "pipeline.py")
    reader = CodeReader(pipeline, MEMORY)
    found = {}
    for node in pipeline.compile().nodes.values():
        code = reader.read(node.component)
        assert code.always is None
        found[node.name] = dict(code.parts)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_exactly_the_nodes_that_reach_a_change_notice_it(change: str, tmp_path: Path) -> None:
    file, old, new, expected = CHANGES[change]
    write(tmp_path, PROJECT)
    before = read(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    after = read(tmp_path)
    noticed = {node for node in before if before[node] != after[node]}
    # an import by a computed name may lead anywhere: any change of what the project says counts
    widened = {"by_name"} if noticed or before["by_name"] != after["by_name"] else set()
    assert noticed - widened == expected


def test_a_name_that_may_lead_anywhere_notices_every_module(tmp_path: Path) -> None:
    write(tmp_path, PROJECT | {"unimported.py": "x = 1\n"})
    before = read(tmp_path)
    (tmp_path / "unimported.py").write_text("x = 2\n")
    after = read(tmp_path)
    assert {node for node in before if before[node] != after[node]} == {"by_name"}


def test_parts_have_names_that_say_what_changed(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    parts = read(tmp_path)
    assert set(parts["two_away"]) == {
        "code pipeline.two_away",
        "code deep.er.bottom",
        "constant deep.est.FLOOR",
        "python",
    }
    assert set(parts["class_attribute"]) == {
        "code pipeline.class_attribute",
        "constant settings.Rates.low",
        "python",
    }
    assert parts["multiply"]["closure of wraps.make.<locals>.multiply: factor"] == "3"


def test_a_value_from_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, PROJECT)
    before = read(tmp_path)
    monkeypatch.setenv("REACH_TEST", "other")
    after = read(tmp_path)
    assert {node for node in before if before[node] != after[node]} - {"by_name"} == {"environment"}


def test_a_project_that_moves_keeps_its_fingerprints(tmp_path: Path) -> None:
    files = PROJECT | {"pipeline.py": PROJECT["pipeline.py"].replace("LIMIT = 3", "LIMIT = len(__file__) and 3")}
    write(tmp_path / "here", files)
    write(tmp_path / "there" / "deeper", files)
    assert read(tmp_path / "here") == read(tmp_path / "there" / "deeper")


def test_what_is_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    before = read(tmp_path)
    asked = MEMORY.asked
    assert read(tmp_path) == before
    assert MEMORY.asked == asked


NEW_FILES = {
    "a module that was not there": ("from elsewhere import found", "", "elsewhere.py", "found = 1\n"),
    "a module in the place of another": (
        "from inner.thing import found",
        "inner/thing.py",
        "inner/thing/__init__.py",
        "",
    ),
    "a name that a folder hides": ("from inner import found", "inner/__init__.py", "inner/found.py", ""),
}


@pytest.mark.parametrize("case", NEW_FILES)
def test_a_file_that_comes_to_lie_in_the_way_is_noticed(case: str, tmp_path: Path) -> None:
    line, there, new, text = NEW_FILES[case]
    body = f"    try:\n        {line}\n    except ImportError:\n        return x\n    return found\n"
    files = {"pipeline.py": f"from treadle import component, pipeline\n@component\ndef c(x: int = 1) -> int:\n{body}"}
    files["pipeline.py"] += "@pipeline\ndef p():\n    c()\n"
    if there:
        files[there] = "def __getattr__(name):\n    return 0\n" if there.endswith("__init__.py") else "found = 0\n"
    write(tmp_path, files)
    before = read(tmp_path)
    write(tmp_path, {new: text})
    assert read(tmp_path) != before


def test_what_a_framework_loads_late_is_reached_too(tmp_path: Path) -> None:
    pipeline = """
        from treadle import component, pipeline
        @component
        def c(x: int = 1) -> int:
            from treadle.frameworks import load_model
            return load_model(x)
        @pipeline
        def p():
            c()
    """
    write(tmp_path, {"pipeline.py": pipeline})
    parts = read(tmp_path)["c"]
    assert {f"source treadle.frameworks.{name}._export" for name in ("lightgbm", "sklearn")} <= parts.keys()
