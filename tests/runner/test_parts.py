"""Parts of a pipeline, results of a named run, resuming, cancelling."""

from __future__ import annotations

import threading
import time

import pytest
from project_folder import Project

from treadle.errors import PipelineError, RunCancelledError, UsageError
from treadle.runner import Selection, cancel, history, logs, why

CHAIN = """
    FIRST = 1

    @component
    def first(x: int) -> int:
        return x + FIRST

    @component
    def second(x: int) -> int:
        return 2 * x

    @component
    def third(x: int) -> int:
        return 3 * x

    @component
    def aside(x: int) -> int:
        return -x

    @pipeline
    def p(x: int = 1):
        one = first(x)
        aside(one)
        third(second(one))
"""


@pytest.mark.parametrize(
    ("selection", "states"),
    [
        (Selection(from_=("second",)), {"first": "cached", "second": "ran", "third": "ran"}),
        (Selection(to=("second",)), {"first": "cached", "second": "ran"}),
        (Selection(only=("third",)), {"first": "cached", "second": "cached", "third": "ran"}),
        (Selection(from_=("second",), to=("second",)), {"first": "cached", "second": "ran"}),
    ],
)
def test_a_part_is_run_upon_what_is_there(project: Project, selection: Selection, states: dict[str, str]) -> None:
    project.write(CHAIN)
    project.run()
    project.edit("2 * x", "4 * x" if "second" in str(selection) else "2 * x")
    project.edit("3 * x", "5 * x")
    assert project.states(selection=selection) == states


def test_what_changed_before_the_part_is_told(project: Project) -> None:
    project.write(CHAIN)
    project.run()
    project.edit("FIRST = 1", "FIRST = 2")
    result = project.run(selection=Selection(only=("third",)))
    assert result.state == "failed"
    assert {name: node.state for name, node in result.nodes.items()} == {
        "first": "failed",
        "second": "skipped",
        "third": "skipped",
    }
    assert "FIRST" in str(result.nodes["first"].error)


def test_results_of_a_named_run_are_taken_whatever_changed(project: Project) -> None:
    project.write(CHAIN)
    old = project.run({"x": 5})
    project.run({"x": 6})
    project.edit("FIRST = 1", "FIRST = 2")
    project.edit("3 * x", "5 * x")
    result = project.run(selection=Selection(from_=("third",)), base=old.id)
    assert (result.nodes["third"].value, result.nodes["third"].state) == (60, "ran")
    assert old.id in result.nodes["second"].reason
    assert project.run(selection=Selection(from_=("third",)), base="last").nodes["third"].state == "cached"
    with history(project.home) as metadata:
        taken = {found.node: found for found in metadata.executions(result.id)}
        before = {found.node: found for found in metadata.executions(old.id)}
    assert taken["second"].outputs == before["second"].outputs


def test_misuse_of_parts_is_told(project: Project) -> None:
    project.write(CHAIN)
    with pytest.raises(PipelineError, match="no node 'fourth'"):
        project.run(selection=Selection(to=("fourth",)))
    with pytest.raises(UsageError, match="not both"):
        project.run(selection=Selection(to=("third",), only=("second",)))
    with pytest.raises(UsageError, match="No node lies between"):
        project.run(selection=Selection(from_=("third",), to=("first",)))
    with pytest.raises(UsageError, match="no such run"):
        project.run(base="none")
    with pytest.raises(UsageError, match="no run yet"):
        project.run(resume="last")
    assert project.run(selection=Selection(only=("third",))).state == "failed"


PUSH = """
    @component
    def make(x: int) -> int:
        return x

    @component(cache=False)
    def push(x: int, journal: str) -> int:
        with open(journal, "a") as file:
            file.write(f"{x}\\n")
        return x

    @component
    def after(x: int, gate: str) -> int:
        return len(Path(gate).read_bytes()) + x

    @pipeline
    def p(journal: str, gate: str, x: int = 1):
        after(push(make(x), journal), gate)
"""


def test_a_resumed_run_does_nothing_twice(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.write(PUSH)
    outside = tmp_path_factory.mktemp("outside")
    parameters = {"journal": str(outside / "journal"), "gate": str(outside / "gate"), "x": 7}
    first = project.run(parameters)
    assert first.nodes["after"].state == "failed"
    (outside / "gate").write_text("ab")
    second = project.run(resume="last")
    assert {name: node.state for name, node in second.nodes.items()} == {
        "make": "cached",
        "push": "cached",
        "after": "ran",
    }
    assert second.nodes["after"].value == 9
    assert first.id in second.nodes["push"].reason
    assert (outside / "journal").read_text() == "7\n"
    assert project.run(resume=second.id).nodes["push"].state == "cached"
    assert (outside / "journal").read_text() == "7\n"
    assert project.run(parameters).nodes["push"].state == "ran"
    assert project.run({"x": 8}, resume="last").nodes["push"].state == "ran"
    assert (outside / "journal").read_text() == "7\n7\n8\n"


SLEEP = """
    import time

    @component
    def quick() -> int:
        return 1

    @component
    def slow(x: int, seconds: float) -> int:
        print("here", flush=True)
        time.sleep(seconds)
        return x

    @pipeline
    def p(seconds: float = 600):
        slow(quick(), seconds)
"""


def test_a_cancelled_run_can_be_resumed(project: Project) -> None:
    project.write(SLEEP)

    def stop() -> None:
        while not any(event.kind == "printed" for event in project.events):
            time.sleep(0.01)
        cancel(home=project.home)

    canceller = threading.Thread(target=stop)
    canceller.start()
    with pytest.raises(RunCancelledError):
        project.run()
    canceller.join()
    assert project.staging() == []
    with history(project.home) as metadata:
        (run,) = metadata.runs()
        assert run.state == "failed"
        assert {found.node: found.reason for found in metadata.executions(run.id)}["slow"] == "cancelled"
    with pytest.raises(UsageError, match="not at work"):
        cancel(run.id, home=project.home)
    with pytest.raises(UsageError, match="No run is at work"):
        cancel(home=project.home)
    assert project.states({"seconds": 0}, resume=run.id) == {"quick": "cached", "slow": "ran"}


def test_a_hint_names_a_loop_by_its_first_and_last_round(project: Project) -> None:
    project.write(
        """
        from treadle import for_each

        @component
        def c(x: int) -> int:
            return x

        @pipeline
        def p():
            with for_each(list(range(12))) as item:
                c(item)
            c(1, node="end")
        """
    )
    project.run(selection=Selection(only=("c.0", "c.5", "c.11", "end")))
    with pytest.raises(UsageError) as raised:
        logs("d", home=project.home)
    assert raised.value.hint == "there are c.0 to c.11, end"
    with pytest.raises(UsageError) as raised:
        why("c", home=project.home)
    assert raised.value.hint == "there are c.0 to c.11, end"
    with pytest.raises(PipelineError) as missing:
        project.run(selection=Selection(only=("d",)))
    assert missing.value.hint == "it has c.0 to c.11, end"
