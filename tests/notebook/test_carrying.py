"""What of a notebook's cells goes into a module, what cannot, and what is out of step."""

from __future__ import annotations

from pathlib import Path

import pytest
from cells import Notebook

from treadle.errors import NotebookError


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    return Notebook(tmp_path)


def carried(notebook: Notebook, *names: str) -> dict[str, object]:
    """What executing the module's text makes."""
    found: dict[str, object] = {"__name__": "explore"}
    exec(notebook.session.source(*names), found)
    return found


def test_only_what_is_needed_comes_along(notebook: Notebook) -> None:
    notebook.cell("import json\nimport math\nimport re")
    notebook.cell("RATE = 2\nUNUSED = 3\nprint('looking', RATE)")
    notebook.cell(
        """
        # how much it grows
        def grow(x):
            return x * RATE

        def other(x):
            return json.dumps(x)
        """
    )
    notebook.cell("def area(r):\n    return grow(math.pi * r)")
    assert (
        notebook.session.source("area")
        == """import math

RATE = 2


# how much it grows
def grow(x):
    return x * RATE


def area(r):
    return grow(math.pi * r)
"""
    )


def test_the_last_definition_counts_and_earlier_ones_only_where_they_were_used(notebook: Notebook) -> None:
    notebook.cell("RATE = 1")
    notebook.cell("def f(x=RATE):\n    return x")
    notebook.cell("def g():\n    return RATE")
    notebook.cell("RATE = 2")
    notebook.cell("def g():\n    return RATE + 10")
    assert notebook.session.source("g") == "RATE = 2\n\n\ndef g():\n    return RATE + 10\n"
    found = carried(notebook, "f", "g")
    assert found["f"]() == 1
    assert found["g"]() == 12


def test_what_changes_a_needed_object_comes_along(notebook: Notebook) -> None:
    notebook.cell("STEPS = []\nLIMITS = {}\nclass Config: pass\nCount = 0")
    notebook.cell("def step(f):\n    STEPS.append(f)\n    return f")
    notebook.cell("@step\ndef one(): return 1")
    notebook.cell("LIMITS['a'] = 3\nLIMITS.update(b=4)\nConfig.depth = 5\nCount += 1\nCount += 1")
    notebook.cell("def use(): return [f() for f in STEPS], LIMITS, Config.depth, Count")
    notebook.cell("use()")
    assert carried(notebook, "use")["use"]() == ([1], {"a": 3, "b": 4}, 5, 2)


def test_annotations_decorators_and_conditional_definitions_come_along(notebook: Notebook) -> None:
    notebook.cell("from __future__ import annotations")
    notebook.cell("import functools\nfrom pathlib import Path\nfrom typing import Literal")
    notebook.cell("try:\n    import absent_library as lib\nexcept ImportError:\n    lib = None")
    notebook.cell(
        "@functools.cache\ndef f(p: Path, how: 'Literal[1, 2]' = 1) -> Path:\n    return p if lib is None else lib"
    )
    found = carried(notebook, "f")
    assert found["f"](Path("x")) == Path("x")
    assert "Literal" in found
    assert notebook.session.source("f").startswith("from __future__ import annotations\n\nimport functools\n")


def test_a_module_of_the_project_is_imported_not_copied(notebook: Notebook) -> None:
    (notebook.folder / "own_module.py").write_text("FACTOR = 3\n")
    notebook.cell("import sys\nsys.path.insert(0, '.')\nimport own_module")
    notebook.cell("def f(): return own_module.FACTOR")
    assert notebook.session.source("f") == "import own_module\n\n\ndef f(): return own_module.FACTOR\n"


COMPONENT = """
import treadle

@treadle.component
def count(n: int) -> int:
    return scale(n)

@treadle.pipeline
def whole(n: int = 1):
    count(n)
"""


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("import threading\nlock = threading.Lock()\ndef scale(x):\n    with lock: return x", "live object"),
        ("import threading\nscale = threading.Event().wait", "live object"),
        ("n = session.plan\ndef scale(x): return n", "only in the notebook"),
        ("scale = __import__('builtins').__dict__['abs'] if get_ipython else 0", "only in the notebook"),
    ],
)
def test_what_no_other_process_can_have_is_refused(notebook: Notebook, cell: str, says: str) -> None:
    notebook.namespace["get_ipython"] = lambda: None
    notebook.cell(cell)
    notebook.cell(COMPONENT)
    with pytest.raises(NotebookError, match=says) as caught:
        notebook.session.run(notebook["count"], 3)
    assert caught.value.where["cell"] == 1
    with pytest.raises(NotebookError, match=says):
        notebook.session.export(notebook.folder / "explore.py")
    assert not (notebook.folder / "explore.py").exists()


def test_a_closure_over_a_live_object_is_refused_and_one_over_values_is_carried(notebook: Notebook) -> None:
    notebook.cell("import threading\ndef make(by):\n    def scale(x):\n        return x * (by or 1)\n    return scale")
    notebook.cell("scale = make(4)")
    notebook.cell(COMPONENT)
    assert notebook.session.run(notebook["count"], 3).value == 12
    notebook.cell("scale = make(threading.Lock())")
    with pytest.raises(NotebookError, match="live object"):
        notebook.session.run(notebook["count"], 3)


def test_a_lambda_without_a_name_is_refused_and_a_named_one_is_not(notebook: Notebook) -> None:
    notebook.cell(
        """
        from collections.abc import Callable
        import treadle

        @treadle.component
        def apply(f: Callable, x: int) -> int:
            return f(x)

        double = lambda x: 2 * x
        """
    )
    assert notebook.session.run(notebook["apply"], notebook["double"], 4).value == 8
    inline = eval("lambda x: x", notebook.namespace)
    with pytest.raises(NotebookError, match="no name in the notebook"):
        notebook.session.run(notebook["apply"], inline, 4)


def test_state_that_the_cells_do_not_make_is_told(notebook: Notebook) -> None:
    notebook.cell("import random\nWEIGHTS = [1, 2, 3]")
    notebook.cell("def scale(x): return x + sum(WEIGHTS)")
    notebook.cell(COMPONENT)
    notebook.cell("def meddle(weights):\n    weights.insert(0, 9)\nmeddle(WEIGHTS)")  # out of sight of names
    with pytest.raises(NotebookError, match="'WEIGHTS' is not what its cell makes") as caught:
        notebook.session.run(notebook["count"], 1)
    assert "run cell 1 again" in str(caught.value)
    notebook.cell("WEIGHTS = [1, 2, 3]")
    assert notebook.session.run(notebook["count"], 1).value == 7


def test_a_name_that_no_cell_makes_is_told(notebook: Notebook) -> None:
    notebook.namespace["scale"] = abs
    notebook.cell(COMPONENT)
    with pytest.raises(NotebookError, match="No cell that was executed makes 'scale'"):
        notebook.session.run(notebook["count"], 1)


def test_cells_that_raise_when_executed_anew_are_told(notebook: Notebook) -> None:
    notebook.cell(
        "import pathlib\nmark = pathlib.Path('mark')\nfound = mark.mkdir()\ndef scale(x): return (x, found)[0]"
    )
    notebook.cell(COMPONENT)
    with pytest.raises(NotebookError, match="cannot be executed anew: FileExistsError") as caught:
        notebook.session.run(notebook["count"], 1)
    assert "found = mark.mkdir()" in str(caught.value.where["cell"])


@pytest.mark.parametrize("name", ["json", "numpy", "sys", "not a name", ""])
def test_a_session_does_not_take_the_name_of_a_library(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotebookError):
        Notebook(tmp_path, name)
