"""What pipelines become for Kubeflow: the same files every time; a taxi pipeline that comes out as on this machine."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeflow_golden import EXAMPLE, NAMES, compiled, golden
from kubeflow_local import compiled as compiled_target
from kubeflow_local import run_compiled
from project_folder import Project

from treadle.cli import main
from treadle.errors import DatabaseError, UnsupportedByBackendError
from treadle.metadata import ArtifactRecord, Attempt, MetadataStore
from treadle.pipeline import load_pipeline
from treadle.runner import history, logs, run
from treadle.runner._layout import Layout
from treadle.runner.backends.kubeflow import REFUSES, _printed, compile_pipeline
from treadle.runner.backends.kubeflow._printed import Printed
from treadle.storage._remote import Remote

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]
IMAGE = "registry.example/python-project:1"


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("kfp", reason="kfp is not installed")


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_pipeline_is_the_one_that_is_kept(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compiled(name, tmp_path) == golden(name).read_text(), "python tests/runner/kubeflow_golden.py writes it anew"


def taxi(folder: Path) -> Path:
    """The example's project with one month of data."""
    (folder / "data").mkdir(parents=True)
    for name in ("pipeline.py", "schema.toml", "data/yellow_tripdata_sample_2018-01.parquet"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    return folder


def test_the_taxi_pipeline_comes_out_as_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    months = {"first": "2018-01", "last": "2018-01"}
    here, there = taxi(tmp_path / "here"), taxi(tmp_path / "there")
    monkeypatch.chdir(here)
    local = run(load_pipeline(here / "pipeline.py"), months, home=here / ".treadle")
    monkeypatch.chdir(there)
    text = compiled_target(f"{there / 'pipeline.py'}:taxi", {}, ("first", "last"), there)
    printed = run_compiled(text, months, there)
    with history(there / ".treadle") as metadata:
        (record,) = metadata.runs()
        executions = {execution.node: execution for execution in metadata.executions(record.id)}
        spans = metadata.lineage.reached_by_span("2018-01")
    assert {name: node.state for name, node in local.nodes.items()} == {
        name: execution.state for name, execution in executions.items()
    }, printed
    assert record.state == local.state == "succeeded"
    assert record.ir["parameters"]["first"] == "2018-01"
    for name, node in local.nodes.items():
        assert {output: made.digest for output, made in node.outputs.items()} == {
            output: made.digest for output, made in executions[name].outputs.items()
        }, name
    assert {"Model", "Servable"} <= {found.artifact.type_name for found in spans}
    assert (there / "build/taxi/serving/taxi/champion").read_text().strip() == "1"
    references = {path.name: json.loads(path.read_text()) for path in (there / "outputs").rglob("train/model")}
    assert references["model"]["digest"] == local.nodes["train"].outputs["model"].digest


ADD = """
    @component
    def one() -> int:
        return 1

    @component(retries=1)
    def add(x: int, mark: str = "mark") -> int:
        return x + 1

    @component(resources={"licence": 1})
    def licensed() -> int:
        return 1
"""


def steps(project: Project, *arguments: str, **values: Any) -> int:
    """Run a task's program by hand."""
    from treadle.runner.backends.kubeflow._compile import structure_digest
    from treadle.runner.backends.kubeflow._entry import main as task

    pipeline = load_pipeline("pipeline.py:p")
    digest = structure_digest(pipeline.compile({}), pipeline.folder)
    outputs = {name: {"outputFile": str(project.folder / "out" / name)} for name in ("value", "node_state")}
    told = {"inputs": {"parameterValues": values}, "outputs": {"parameters": outputs}}
    options = {"--target": "pipeline.py:p", "--set": "{}", "--digest": digest, "--run": "r1"}
    options["--executor-input"] = json.dumps(told)
    for name in list(options):
        if name in arguments:
            options.pop(name)
    return task([*arguments, *(part for option in options.items() for part in option)])


@pytest.fixture
def added(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("TREADLE_HOME", str(project.home))
    project.write(ADD + "\n    @pipeline\n    def p():\n        add(one().value)\n")
    return project


def told(project: Project) -> list[tuple[str, str]]:
    with history(project.home) as metadata:
        return [(one.node, one.state) for one in metadata.executions("r1")]


def test_a_task_that_is_started_twice_does_its_work_once(added: Project) -> None:
    assert [steps(added, "node", "one"), steps(added, "node", "one"), steps(added, "node", "add")] == [0, 0, 0]
    assert told(added) == [("one", "ran"), ("add", "ran")]
    assert (added.folder / "out" / "value").read_text() == "2"
    assert steps(added, "finish") == 0
    with history(added.home) as metadata:
        assert [(run.id, run.state) for run in metadata.runs()] == [("r1", "succeeded")]


def test_a_run_lives_between_its_tasks(added: Project) -> None:
    steps(added, "node", "one")
    with history(added.home) as metadata:  # which clears away runs whose process is dead
        assert metadata.running() == ["r1"]


@pytest.mark.parametrize(("lost", "states"), [(1, ["failed", "ran"]), (2, ["failed", "failed"])])
def test_a_task_that_was_lost_is_an_attempt(added: Project, lost: int, states: list[str]) -> None:
    steps(added, "node", "one")
    with history(added.home) as metadata:  # the node may be tried twice
        for number in range(lost):
            begun = metadata.start_execution(Attempt("r1", "add", "pipeline:add", "a machine that is gone"))
            if number < lost - 1:
                metadata.finish_execution(begun, "failed", error={"code": "NODE_LOST", "what": "lost", "where": {}})
    assert steps(added, "node", "add") == (0 if states[-1] == "ran" else 1)
    assert [state for node, state in told(added) if node == "add"] == states


def test_a_task_that_sees_another_store_says_so(added: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert steps(added, "node", "add") == 2
    assert "same store" in capsys.readouterr().err


def test_a_store_that_cannot_be_made_is_said(
    added: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(added.write("", "file") / "store"))
    assert steps(added, "node", "one") == 2
    assert "The store's folder cannot be made: Not a directory [BACKEND]" in capsys.readouterr().err


def test_an_image_with_another_pipeline_is_refused(added: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert steps(added, "node", "one", "--digest", "sha256:0") == 2
    assert "build the image again" in capsys.readouterr().err


def test_what_kubeflow_has_not_is_refused(project: Project) -> None:
    project.write(ADD + "\n    @pipeline\n    def p():\n        licensed()\n")
    with pytest.raises(UnsupportedByBackendError) as caught:
        compile_pipeline(load_pipeline("pipeline.py:p"), image=IMAGE)
    assert (caught.value.where["feature"], caught.value.where["line"]) == ("named resources", 22)
    assert set(REFUSES) == {"named resources"}


def test_a_block_is_opened_again_when_something_has_to_come_between(added: Project) -> None:
    """The second of two nodes under one condition takes what waits for the first, and stands outside."""
    added.write(
        "    import treadle\n"
        + ADD
        + """
    @pipeline
    def p():
        a, b = one(node="a"), one(node="b")
        with treadle.when(a.value == 1):
            c = add(a.value, node="c")
        with treadle.when(b.value == 1):
            d = add(b.value, node="d")
        e = one(node="e", after=[c, d])
        with treadle.when(a.value == 1):
            add(e.value, node="f")
    """
    )
    printed = run_compiled(compiled_target(str(added.folder / "pipeline.py:p"), {}, (), added.folder), {}, added.folder)
    with history(added.home) as metadata:
        (run_record,) = metadata.runs()
        states = {one.node: one.state for one in metadata.executions(run_record.id)}
    assert states == dict.fromkeys("abcdef", "ran"), printed


LOST = """
    import os
    import signal
    import time

    @component
    def quiet() -> int:
        return 1

    @component(retries={retries})
    def lost(x: int, tries: str) -> int:
        attempt = len(list(Path(tries).iterdir()))
        (Path(tries) / str(attempt)).touch()
        print("attempt", attempt, flush=True)
        if attempt < {times}:
            {first}
            template = os.getppid()
            task = int(Path(f"/proc/{{template}}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(task, signal.{how})
            time.sleep(60)  # it ends with its task
        return x

    @pipeline
    def p(tries: str):
        lost(quiet(), tries)
"""


@pytest.mark.parametrize(
    ("how", "times", "retries", "states"),
    [
        ("SIGKILL", 1, 1, ["failed", "ran"]),
        ("SIGTERM", 2, 2, ["failed", "failed", "ran"]),
        ("SIGKILL", 1, 0, ["failed"]),
        ("SIGTERM", 2, 1, ["failed", "failed"]),
    ],
)
def test_what_a_killed_task_had_printed_is_kept(
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    times: int,
    retries: int,
    states: list[str],
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(project.home))
    project.write(LOST.format(how=how, times=times, retries=retries, first="pass"))
    parameters = {"tries": str(tmp_path_factory.mktemp("tries"))}
    text = compiled_target(str(project.folder / "pipeline.py:p"), parameters, (), project.folder)
    printed = run_compiled(text, {}, project.folder)
    with history(project.home) as metadata:
        (record,) = metadata.runs()
        attempts = [one for one in metadata.executions(record.id) if one.node == "lost"]
    assert record.state == ("succeeded" if states[-1] == "ran" else "failed"), printed
    assert {one.error["code"] for one in attempts if one.error is not None} == {"NODE_LOST"}
    assert all(one.log is not None for one in attempts)
    shutil.rmtree(project.home / "logs")
    found = logs("lost", home=project.home)
    assert [(log.state, log.text) for log in found] == [
        (state, f"attempt {number}\n") for number, state in enumerate(states)
    ]
    assert not project.staging()


def test_what_a_task_had_printed_outlives_its_disk(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, s3_url: str
) -> None:
    """Where the artifacts are under a URL, so that every task may have a folder of its own."""
    import fsspec

    monkeypatch.setenv("TREADLE_HOME", str(project.home))
    monkeypatch.setenv("TREADLE_ARTIFACTS", s3_url)
    lose = f"""
            import fsspec, shutil
            place, root = fsspec.core.url_to_fs({s3_url!r}, use_listings_cache=False)
            while not place.find(root + "/aside"):
                time.sleep(0.05)
            shutil.rmtree({str(project.home / "logs")!r})
    """
    project.write(LOST.format(how="SIGKILL", times=1, retries=1, first=lose.strip()))
    parameters = {"tries": str(tmp_path_factory.mktemp("tries"))}
    text = compiled_target(str(project.folder / "pipeline.py:p"), parameters, (), project.folder)
    printed = run_compiled(text, {}, project.folder)
    found = logs("lost", home=project.home)
    assert [(log.state, log.text) for log in found] == [("failed", "attempt 0\n"), ("ran", "attempt 1\n")], printed
    place, root = fsspec.core.url_to_fs(s3_url, skip_instance_cache=True)
    assert not place.find(f"{root}/aside")


def test_a_copy_of_what_was_printed_stays_until_the_log_is_recorded(
    added: Project, monkeypatch: pytest.MonkeyPatch, s3_url: str
) -> None:
    monkeypatch.setenv("TREADLE_ARTIFACTS", s3_url)
    steps(added, "node", "one")
    remote = Layout(None).open_artifacts().remote
    assert remote is not None
    with history(added.home) as metadata:
        lost = metadata.start_execution(Attempt("r1", "add", "pipeline:add", "a machine that is gone"))
    remote.lay_aside(f"log-{lost}", b"the last words\n")

    def away(*_: object, **__: object) -> None:
        raise DatabaseError("The database is out of reach")

    with monkeypatch.context() as patched:
        patched.setattr(MetadataStore, "finish_execution", away)
        assert steps(added, "node", "add") == 2
    assert remote.laid_aside(f"log-{lost}") is not None
    assert steps(added, "node", "add") == 0
    assert [log.text for log in logs("add", run="r1", home=added.home)] == ["the last words\n", ""]
    assert remote.laid_aside(f"log-{lost}") is None


@pytest.fixture
def at_work(added: Project, monkeypatch: pytest.MonkeyPatch, s3_url: str) -> Iterator[tuple[Printed, Layout, int]]:
    """What one task sees of an attempt that prints, and the attempt."""
    monkeypatch.setenv("TREADLE_ARTIFACTS", s3_url)
    monkeypatch.setattr(_printed, "_FIRST_SECONDS", 0.05)
    layout = Layout(None)
    with layout.open_metadata() as metadata:
        metadata.begin_run("r1", pipeline="p", ir={})
        printed = Printed("r1", layout, layout.open_artifacts(), metadata)
        printed.begin("one")
        log = layout.log("r1", "one")
        log.parent.mkdir(parents=True)
        yield printed, layout, metadata.start_execution(Attempt("r1", "one", "pipeline:one", "new"))


@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_holds_the_last_of_what_was_printed_and_stays_where_no_log_could_be_kept(
    at_work: tuple[Printed, Layout, int], monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    monkeypatch.setattr(_printed, "_MOST_BYTES", 5)
    printed, layout, execution = at_work
    remote = layout.open_artifacts().remote
    assert remote is not None
    data = None
    with printed.outliving(["one"]), layout.open_metadata() as metadata:
        layout.log("r1", "one").write_bytes(b"first\nlast\n")
        while data is None:
            data = remote.laid_aside(f"log-{execution}")
        log = ArtifactRecord("sha256:" + "0" * 64, "Log") if kept else None
        metadata.finish_execution(execution, "ran", log=log)
    assert data == b"[treadle] 6 bytes before this were lost with the task\nlast\n"
    assert remote.laid_aside(f"log-{execution}") == (None if kept else data)


def test_a_task_that_ends_does_not_wait_for_a_copy_that_does_not_arrive(
    at_work: tuple[Printed, Layout, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_printed, "_END_SECONDS", 0.1)
    printed, layout, _ = at_work
    sending, end, told = threading.Event(), threading.Event(), []

    def slow(*_: object) -> None:
        sending.set()
        told.append(end.wait(20))

    monkeypatch.setattr(Remote, "lay_aside", slow)
    with printed.outliving(["one"]):
        layout.log("r1", "one").write_bytes(b"printed\n")
        sending.wait(20)
    assert not told
    end.set()


APPROVED = """
    from treadle.components import approval

    @component
    def made(*, model: Output[Model]) -> None:
        (model.path / "model").write_text("1")

    @component(cache=False)
    def release(model: Model) -> str:
        return model.digest

    @pipeline
    def p():
        model = made()
        release(model, after=[approval(model)])
"""


@pytest.mark.parametrize(("word", "states"), [("approve", ("ran", "ran")), ("reject", ("failed", "skipped"))])
def test_an_approval_fails_its_task_and_the_next_run_goes_on(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str,
    states: tuple[str, str],
) -> None:
    monkeypatch.setenv("TREADLE_HOME", str(project.home))
    project.write(APPROVED)
    text = compiled_target(str(project.folder / "pipeline.py:p"), {}, (), project.folder)
    printed = run_compiled(text, {}, project.folder)
    assert "treadle approve" in printed
    assert "start the pipeline again on Kubeflow" in printed
    with pytest.raises(SystemExit) as ended:
        main([word, "last", "approval", "--reason", "checked", "--by", "ada"])
    assert ended.value.code == 0
    assert "start the pipeline again" in capsys.readouterr().err
    with history(project.home) as metadata:
        assert [run.state for run in metadata.runs()] == ["waiting" if word == "approve" else "failed"]
    run_compiled(text, {}, project.folder)
    with history(project.home) as metadata:
        second, first = metadata.runs()
        ended_so = {one.node: one.state for one in metadata.executions(second.id)}
        assert (metadata.went_on_as(first.id), metadata.went_on_as(second.id)) == (second.id, None)
    assert first.state == second.state == ("succeeded" if word == "approve" else "failed")
    assert ended_so == {"made": "cached", "approval": states[0], "release": states[1]}


def test_the_command(added: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compile", "pipeline.py", "--image", IMAGE, "-o", "p.yaml", "--env", "TREADLE_HOME=/store", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == {
        "pipeline": "p",
        "backend": "kubeflow",
        "nodes": ["one", "add"],
        "file": "p.yaml",
    }
    text = (added.folder / "p.yaml").read_text()
    assert "value: /store" in text
    assert "pipeline.py:p" in text
    with pytest.raises(SystemExit) as ended:
        main(["compile", "pipeline.py", "--image", IMAGE, "--volume", "nothing"])
    assert ended.value.code == 2
    assert "--volume CLAIM:PATH" in capsys.readouterr().err
