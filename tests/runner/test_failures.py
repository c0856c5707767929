"""Nodes that fail: what is said, what goes on, what is left."""

from __future__ import annotations

import os

import pytest
from project_folder import Project

from treadle.runner import history

FAILING = """
    import helpers

    @component
    def first() -> int:
        return 1

    @component
    def bad(x: int) -> int:
        return helpers.divide(x, 0)

    @component
    def after(x: int) -> int:
        return x

    @component
    def beside(x: int) -> int:
        return x + 1

    @pipeline
    def p():
        one = first()
        after(after(bad(one)))
        beside(one)
"""


def test_a_function_that_raises_is_told_with_node_place_and_traceback(project: Project) -> None:
    project.write("def divide(a, b):\n    return a / b\n", "helpers.py")
    project.write(FAILING)
    result = project.run()
    assert result.state == "failed"
    assert {name: node.state for name, node in result.nodes.items()} == {
        "first": "ran",
        "bad": "failed",
        "after": "skipped",
        "after_2": "skipped",
        "beside": "ran",
    }
    error = result.nodes["bad"].error
    assert error is not None
    assert error.code == "USER_CODE"
    assert error.what == "bad raised ZeroDivisionError: division by zero"
    assert error.where == {"node": "bad", "file": f"{project.folder}/helpers.py:2"}
    assert error.traceback is not None
    assert error.traceback.splitlines()[1].endswith("in bad")
    assert "return a / b" in error.traceback
    assert "runner" not in error.traceback
    assert result.nodes["after_2"].reason == "after was skipped"
    assert project.staging() == []


def test_a_run_after_the_mend_goes_on_from_what_succeeded(project: Project) -> None:
    project.write("def divide(a, b):\n    return a / b\n", "helpers.py")
    project.write(FAILING)
    project.run()
    project.edit("a / b", "a", "helpers.py")
    assert project.states() == {"first": "cached", "bad": "ran", "after": "ran", "after_2": "ran", "beside": "cached"}


def test_a_failure_is_no_result_to_reuse(project: Project) -> None:
    project.write("def divide(a, b):\n    return a / b\n", "helpers.py")
    project.write(FAILING)
    project.run()
    assert project.states()["bad"] == "failed"


ENDINGS = {
    "killed": ("os.kill(os.getpid(), 9)", "NODE_LOST", "signal 9"),
    "crashed": ("import ctypes; ctypes.string_at(0)", "NODE_LOST", "signal 11"),
    "left": ("os._exit(3)", "NODE_LOST", "status 3"),
    "left quietly": ("os._exit(0)", "NODE_LOST", "status 0"),
    "sys.exit": ("raise SystemExit(0)", "USER_CODE", "SystemExit"),
    "interrupted": ("raise KeyboardInterrupt", "USER_CODE", "KeyboardInterrupt"),
    "too deep": ("return deeper(1)", "USER_CODE", "RecursionError"),
    "no such module": ("import no_such_module", "USER_CODE", "no_such_module"),
    "not a number": ("return float('nan')", "USER_CODE", "not JSON"),
    "not JSON": ("return object()", "USER_CODE", "not JSON"),
    "odd keys": ("return {1: 2}", "USER_CODE", "keys"),
    "Treadle's own error": (
        "from treadle.errors import DataRefusedError; raise DataRefusedError('No.', where={'row': 3}, hint='Mend.')",
        "DATA_REFUSED",
        "No.",
    ),
}


@pytest.mark.parametrize(
    ("annotation", "returned", "fits"),
    [
        ("str", "5", False),
        ("str", "None", False),
        ("int", "True", False),
        ("list[int]", "[1, 'a']", False),
        ("float", "5", True),
        ("int | None", "None", True),
        ("list[float]", "(1, 2.5)", True),
        ("Any", "'x'", True),
    ],
)
def test_what_is_returned_is_what_the_annotation_says(
    project: Project, annotation: str, returned: str, fits: bool
) -> None:
    project.write(
        f"""
    from typing import Any

    @component
    def says() -> {annotation}:
        return {returned}

    @pipeline
    def p():
        says()
    """
    )
    said = project.run().nodes["says"]
    assert said.state == ("ran" if fits else "failed")
    assert fits or f"says that it returns {annotation}" in said.error.what


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_way_to_end_badly_is_told(project: Project, ending: str) -> None:
    code, expected, words = ENDINGS[ending]
    project.write(
        f"""
    import os

    def deeper(x): return deeper(x)

    @component
    def bad(*, out: Output[Model]):
        (out.path / "half").write_text("half")
        {code}

    @component
    def good() -> int:
        return 1

    @pipeline
    def p():
        bad()
        good()
    """
    )
    result = project.run()
    assert {name: node.state for name, node in result.nodes.items()} == {"bad": "failed", "good": "ran"}
    error = result.nodes["bad"].error
    assert error is not None
    assert error.code == expected
    assert words in error.what
    assert next(iter(error.where)) == "node"
    assert project.staging() == []


def test_treadles_errors_keep_their_fields(project: Project) -> None:
    project.write(
        """
        @component
        def bad() -> int:
            from treadle.errors import DataRefusedError
            raise DataRefusedError("No.", where={"row": 3}, hint="Mend.")

        @pipeline
        def p():
            bad()
        """
    )
    error = project.run().nodes["bad"].error
    assert error is not None
    assert (error.where["node"], error.where["row"], error.hint) == ("bad", 3, "Mend.")
    assert error.where["file"].startswith(f"{project.folder}/pipeline.py:")


def test_a_missing_file_parameter_fails_its_node_alone(project: Project) -> None:
    project.write(
        """
        @component
        def read(data: File) -> int:
            return 1

        @component
        def other() -> int:
            return 1

        @pipeline
        def p():
            read("nowhere.csv")
            other()
        """
    )
    result = project.run()
    assert {name: node.state for name, node in result.nodes.items()} == {"read": "failed", "other": "ran"}
    error = result.nodes["read"].error
    assert error is not None
    assert error.code == "PIPELINE"
    assert error.where["file"] == str(project.folder / "nowhere.csv")


def test_a_resolve_step_that_raises_fails_its_node(project: Project) -> None:
    project.write(
        """
        def look(x): raise OSError("no network")

        @component(resolve=look)
        def fetch(x: int, resolved) -> int:
            return 1

        @pipeline
        def p():
            fetch(1)
        """
    )
    error = project.run().nodes["fetch"].error
    assert error is not None
    assert "no network" in error.what
    assert error.where["file"].startswith(f"{project.folder}/pipeline.py:")


def test_a_node_may_say_that_there_is_nothing_to_do(project: Project) -> None:
    project.write(
        """
        from treadle.pipeline import Skip

        @component
        def maybe() -> int:
            raise Skip("nothing new")

        @component
        def after(x: int) -> int:
            return x

        @pipeline
        def p():
            after(maybe())
        """
    )
    result = project.run()
    assert result.state == "succeeded"
    assert {name: (node.state, node.reason) for name, node in result.nodes.items()} == {
        "maybe": ("skipped", "nothing new"),
        "after": ("skipped", "maybe was skipped"),
    }


def test_an_output_that_is_a_link_is_refused(project: Project) -> None:
    project.write(
        """
        @component
        def bad(*, out: Output[Model]) -> None:
            (out.path / "link").symlink_to("/etc/hostname")

        @pipeline
        def p():
            bad()
        """
    )
    error = project.run().nodes["bad"].error
    assert error is not None
    assert error.code == "ARTIFACT_CONTENT"
    assert project.staging() == []


def test_an_error_about_a_file_whose_name_is_no_text_fails_its_node_alone(project: Project) -> None:
    project.write(
        """
        import os

        @component
        def bad() -> None:
            raise ValueError(os.fsdecode(b"caf\\xe9.csv") + " \\x1b[31m \\x00")

        @component
        def beside() -> str:
            return os.fsdecode(b"caf\\xe9.csv")

        @component
        def after(name: str) -> bool:
            return os.fsencode(name) == b"caf\\xe9.csv"

        @pipeline
        def p():
            bad()
            after(beside())
        """
    )
    result = project.run()
    assert {name: node.state for name, node in result.nodes.items()} == {
        "bad": "failed",
        "beside": "ran",
        "after": "ran",
    }
    assert result.nodes["after"].value is True
    with history(project.home) as metadata:
        (error,) = [node.error for node in metadata.executions(result.id) if node.error is not None]
    assert error["what"] == "bad raised ValueError: caf\udce9.csv \x1b[31m \x00"


def test_texts_that_are_none_are_different_parameters(project: Project) -> None:
    project.write(
        """
        @component
        def named(name: str) -> str:
            return name

        @pipeline
        def p(name: str = ""):
            named(name)
        """
    )
    for byte in (b"\xff", b"\xfe", b"\xff"):
        name = os.fsdecode(b"a" + byte)
        assert project.run({"name": name}).nodes["named"].value == name


def test_the_traceback_tells_causes_and_groups_and_survives_an_error_that_cannot_be_told(project: Project) -> None:
    project.write(
        """
        class Untold(Exception):
            def __str__(self):
                raise RuntimeError("no words")

        @component
        def caused() -> None:
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("no such key") from error

        @component
        def several() -> None:
            raise ExceptionGroup("two", [ValueError("first"), TypeError("second")])

        @component
        def untold() -> None:
            raise Untold

        class Leaves(Untold):
            def __str__(self):
                raise SystemExit

        @component
        def leaves() -> None:
            raise Leaves

        class Noted(Exception):
            @property
            def __notes__(self):
                raise RuntimeError("no notes")

        @component
        def noted() -> None:
            raise Noted("words")

        @component
        def long() -> None:
            raise ValueError("begins" + "x" * 10**6 + "ends")

        @component
        def stopped() -> None:
            raise KeyboardInterrupt

        @pipeline
        def p():
            caused(), several(), untold(), leaves(), noted(), long(), stopped()
        """
    )
    errors = {name: node.error for name, node in project.run().nodes.items()}
    assert all(error is not None and error.code == "USER_CODE" for error in errors.values())
    told = {name: (error.what, error.traceback or "") for name, error in errors.items() if error is not None}
    assert "KeyError: 'key'" in told["caused"][1]
    assert "direct cause" in told["caused"][1]
    assert "ValueError: first" in told["several"][1]
    assert told["untold"][0] == "untold raised Untold: (its text cannot be made: RuntimeError)"
    assert told["leaves"][0] == "leaves raised Leaves: (its text cannot be made: SystemExit)"
    assert told["noted"][0] == "noted raised Noted: words"
    assert told["noted"][1].endswith("Noted: words\n")
    for text in told["long"]:
        assert len(text) < 51_000
        assert "begins" in text
        assert "characters left out" in text
        assert text.rstrip().endswith("ends")
    assert told["stopped"][0] == "stopped raised KeyboardInterrupt"
    assert not any(f"runner{os.sep}_child" in text for _, text in told.values())
