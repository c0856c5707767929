"""Running: values and artifacts flow, processes are apart, what happens is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from project_folder import Project

from treadle.artifact import Model
from treadle.errors import PipelineError
from treadle.metadata import MetadataStore
from treadle.pipeline import load_pipeline
from treadle.runner import plan, run

TWO = """
    @component
    def start(x: int) -> int:
        print("starting", x)
        return x + 1

    @component
    def add(a: int, b: int = 10) -> int:
        return a + b

    @pipeline
    def two(x: int = 1):
        add(add(start(x)), b=start(x, node="other"))
"""


def test_values_flow_and_names_are_given(project: Project) -> None:
    project.write(TWO)
    result = project.run({"x": 4})
    assert result.state == "succeeded"
    assert {name: node.value for name, node in result.nodes.items()} == {
        "start": 5,
        "add": 15,
        "other": 5,
        "add_2": 20,
    }
    assert {node.state for node in result.nodes.values()} == {"ran"}
    assert project.staging() == []


def test_a_second_run_reuses_everything(project: Project) -> None:
    project.write(TWO)
    first, second = project.run(), project.run()
    assert {node.state for node in second.nodes.values()} == {"cached"}
    assert {name: node.value for name, node in second.nodes.items()} == {
        name: node.value for name, node in first.nodes.items()
    }
    assert first.id in second.nodes["add"].reason
    assert set(project.states({"x": 2}).values()) == {"ran"}


def test_events_tell_the_story(project: Project) -> None:
    project.write(TWO)
    result = project.run()
    kinds = [(event.kind, event.node) for event in project.events]
    assert kinds[0] == ("run", None)
    assert project.events[0].names == ("start", "add", "other", "add_2")
    for node in result.nodes:
        assert kinds.index(("started", node)) < kinds.index(("finished", node))
    printed = "".join(event.text for event in project.events if event.kind == "printed" and event.node == "start")
    assert printed == "starting 1\n"
    log = result.nodes["start"].log
    assert log is not None
    assert log.read_text() == "starting 1\n"


ARTIFACTS = """
    class Chart(Artifact):
        pass

    @component
    def make(n: int, *, examples: Output[Examples], model: Output[Model]) -> None:
        (examples.path / "data.txt").write_text("x" * n)
        (model.path / "sub").mkdir()
        (model.path / "sub" / "weights.txt").write_text(str(n))
        examples.properties["rows"] = n

    @component
    def join(many: list[Examples], one: Model, maybe: Examples | None = None, *, chart: Output[Chart]) -> dict:
        assert maybe is None or isinstance(maybe, Examples)
        chart.properties["of"] = [len((item.path / "data.txt").read_text()) for item in many]
        return {
            "rows": [item.properties["rows"] for item in many],
            "weights": (one.path / "sub/weights.txt").read_text(),
            "maybe": maybe is not None,
            "nested": [None, 1.5, "ä"],
        }

    @component
    def total(rows: list[int], extra: dict) -> int:
        return sum(rows) + extra["more"]

    @component
    def count(value: dict) -> int:
        return sum(value["rows"])

    @pipeline
    def p():
        one, two = make(1), make(2)
        joined = join([one.examples, two.examples], two["model"], maybe=one.examples)
        c = count(joined.value)
        total([c, 1, c], {"more": c})
"""


def test_artifacts_lists_and_nested_values_flow(project: Project) -> None:
    project.write(ARTIFACTS)
    result = project.run()
    assert result.nodes["join"].value == {
        "rows": [1, 2],
        "weights": "2",
        "maybe": True,
        "nested": [None, 1.5, "ä"],
    }
    assert result.nodes["total"].value == 10
    model = result.nodes["make"].outputs["model"]
    assert isinstance(model, Model)
    assert (model.path / "sub" / "weights.txt").read_text() == "1"
    assert result.nodes["join"].outputs["chart"].type_name == "Chart"
    assert result.nodes["join"].outputs["chart"].properties == {"of": [1, 2]}
    assert set(project.states().values()) == {"cached"}


def test_functions_are_recorded_by_name_and_imported_in_the_node(project: Project) -> None:
    project.write("def cube(x): return x ** 3\n", "maths.py")
    project.write(
        """
        from functools import partial
        import maths

        def power(x, to): return x ** to
        square = partial(power, to=2)

        @component
        def apply(f: Callable, x: int) -> int:
            return f(x)

        @pipeline
        def p():
            apply(square, 3)
            apply(maths.cube, 3)
            apply(partial(power, to=4), 3)
        """
    )
    assert [node.value for node in project.run().nodes.values()] == [9, 27, 81]
    project.edit("x ** 3", "x * x * x", "maths.py")
    assert project.states() == {"apply": "cached", "apply_2": "ran", "apply_3": "cached"}


def test_a_component_from_a_factory_runs_with_its_closure(project: Project) -> None:
    project.write(
        """
        from treadle import component
        def make(k):
            @component
            def times(x: int) -> int:
                return x * k
            return times
        """,
        "factory.py",
    )
    project.write(
        """
        from factory import make
        triple, double = make(3), make(2)

        @pipeline
        def p():
            triple(double(5))
        """
    )
    assert [node.value for node in project.run().nodes.values()] == [10, 30]


def test_independent_nodes_run_at_the_same_time(project: Project) -> None:
    project.write(
        """
        import os, time

        @component
        def meet(mine: str, other: str, folder: str) -> bool:
            os.open(os.path.join(folder, mine), os.O_CREAT)
            deadline = time.monotonic() + 20
            while not os.path.exists(os.path.join(folder, other)):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.01)
            return True

        @pipeline
        def p(folder: str):
            meet("a", "b", folder)
            meet("b", "a", folder)
        """
    )
    result = project.run({"folder": str(project.folder)}, workers=2)
    assert [node.value for node in result.nodes.values()] == [True, True]


def test_order_without_data(project: Project) -> None:
    project.write(
        """
        @component(cache=False)
        def write(path: str) -> None:
            Path(path).write_text("here")

        @component(cache=False)
        def read(path: str) -> str:
            return Path(path).read_text()

        @pipeline
        def p(path: str):
            first = write(path)
            read(path, after=[first])
        """
    )
    assert project.run({"path": str(project.folder / "note")}).nodes["read"].value == "here"


def test_nodes_do_not_share_a_process_or_its_state(project: Project) -> None:
    project.write(
        """
        import os
        SEEN = []

        @component(cache=False)
        def look(x: int) -> list:
            SEEN.append(x)
            return [os.getpid(), os.getppid(), SEEN, os.environ["TREADLE_HOME"], os.getcwd()]

        @pipeline
        def p():
            look(1)
            look(2)
        """
    )
    one, two = (node.value for node in project.run().nodes.values())
    assert one[0] != two[0]
    assert one[1] == two[1] != os.getpid()
    assert (one[2], two[2]) == ([1], [2])
    assert one[3:] == [str(project.home), str(project.folder)]


def test_runs_from_a_process_with_threads(project: Project) -> None:
    project.write(TWO)
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(4)]
    results: list[object] = []
    worker = threading.Thread(target=lambda: results.append(project.run()))
    for thread in [*threads, worker]:
        thread.start()
    worker.join()
    stop.set()
    for thread in threads:
        thread.join()
    assert [getattr(result, "state", None) for result in results] == ["succeeded"]


def test_lineage_is_recorded(project: Project) -> None:
    project.write(ARTIFACTS)
    result = project.run()
    with MetadataStore(project.home / "metadata.sqlite") as metadata:
        record = metadata.run(result.id)
        assert record is not None
        assert (record.state, record.pipeline) == ("succeeded", "p")
        assert record.ir["format"] == "treadle.pipeline/1"
        executions = {execution.node: execution for execution in metadata.executions(result.id)}
        assert set(executions) == set(result.nodes)
        for name, node in result.nodes.items():
            found = {output: record.digest for output, record in executions[name].outputs.items()}
            assert found == {output: artifact.digest for output, artifact in node.outputs.items()}


def test_a_pipeline_that_does_not_compile_leaves_nothing(project: Project) -> None:
    project.write(TWO)
    with pytest.raises(PipelineError, match="'y'"):
        project.run({"y": 1})
    assert not project.home.exists()


def test_a_script_can_run_its_own_pipeline(project: Project) -> None:
    script = project.write(
        TWO
        + """
    def main():
        from treadle.runner import run
        print(run(two, {"x": 7}).nodes["add_2"].value)

    if __name__ == "__main__":
        main()
    """
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=project.folder)
        assert done.stdout == "26\n"


def test_runs_of_several_processes_share_a_store(project: Project) -> None:
    project.write(TWO)
    code = (
        "import sys; from treadle.pipeline import load_pipeline; from treadle.runner import run\n"
        "for x in range(3): assert run(load_pipeline('pipeline.py'), {'x': x}).state == 'succeeded'"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=project.folder) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert project.staging() == []
    assert set(project.states({"x": 2}).values()) == {"cached"}


def test_a_store_that_moves_with_its_project_still_reuses(project: Project, tmp_path: Path) -> None:
    project.write(TWO)
    project.run()
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("pipeline.py", ".treadle"):
        (project.folder / name).rename(moved / name)
    result = run(load_pipeline(moved / "pipeline.py"), home=moved / ".treadle")
    assert {node.state for node in result.nodes.values()} == {"cached"}


LOOKS = """
    from treadle import config

    def look() -> str:
        return config.home().name

    @component(resolve=look)
    def where(resolved: str) -> str:
        return resolved

    @pipeline
    def p():
        where()
"""


def test_a_resolve_step_sees_the_store_of_the_run_and_of_the_plan(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(project.folder / "another"))
    project.write(LOOKS)
    file = project.folder / "pipeline.py"
    project.home = project.folder / "mine"
    assert plan(load_pipeline(file), home=project.home).nodes["where"].state == "run"
    assert project.run().nodes["where"].value == "mine"
    assert plan(load_pipeline(file), home=project.home).nodes["where"].state == "cached"
