"""Running what cells define: real artifacts with lineage, reused when nothing changed, and exported as it was run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cells import Notebook

from treadle.artifact import Artifact, Model, show_with
from treadle.errors import NodeFailedError, NotebookError, PipelineError, UsageError
from treadle.metadata import MetadataStore
from treadle.notebook import Session
from treadle.notebook._progress import Progress
from treadle.runner import Event, Failure, NodeResult


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    made = Notebook(tmp_path)
    made.cell(
        """
        import treadle
        from treadle import File, Output
        from treadle.artifact import Model
        """
    )
    made.cell("FACTOR = 2\n\ndef helper(x):\n    return x * FACTOR")
    made.cell(
        """
        @treadle.component
        def fit(rate: float, *, model: Output[Model]) -> float:
            print("fitting")
            (model.path / "rate.txt").write_text(str(helper(rate)))
            model.properties["rate"] = rate
            return rate
        """
    )
    made.cell(
        """
        @treadle.component
        def read(model: Model, times: int = 1) -> str:
            return (model.path / 'rate.txt').read_text() * times
        """
    )
    made.cell("@treadle.component\ndef other(x: int) -> int:\n    return x")
    return made


def test_outputs_are_artifacts_with_lineage_and_go_into_the_next_component(notebook: Notebook) -> None:
    fitted = notebook.session.run(notebook["fit"], 0.5)
    assert (fitted.result.state, fitted.value, fitted.model.properties) == ("ran", 0.5, {"rate": 0.5})
    assert isinstance(fitted.model, Model)
    text = notebook.session.run(notebook["read"], fitted.model, times=2)
    assert text.value == "1.01.0"
    with MetadataStore(notebook.session.home / "metadata.sqlite") as metadata:
        found = metadata.lineage.ancestors(text.only().digest)
        assert fitted.model.digest in {related.artifact.digest for related in found}
        assert [run.pipeline for run in metadata.runs(limit=9)] == ["explore", "explore"]


def test_the_same_again_is_reused_and_a_changed_cell_reruns_what_uses_it(notebook: Notebook) -> None:
    def states() -> tuple[str, str]:
        fitted = notebook.session.run(notebook["fit"], 0.5)
        return fitted.result.state, notebook.session.run(notebook["other"], 3).result.state

    assert states() == ("ran", "ran")
    assert states() == ("cached", "cached")
    notebook.cell("def helper(x):\n    return x * FACTOR + 1")
    assert states() == ("ran", "cached")
    notebook.cell("FACTOR = 5")
    assert "explore.FACTOR" in notebook.session.plan(notebook["fit"], 0.5).nodes["fit"].reason
    assert states() == ("ran", "cached")
    notebook.cell("def helper(x):  # said in other words\n    return x * FACTOR + 1")
    assert states() == ("cached", "cached")
    notebook.cell("FACTOR = 2\ndef helper(x):\n    return x * FACTOR")
    assert states() == ("cached", "cached")


def test_a_pipeline_of_cells_runs_and_its_export_reuses_what_it_made(notebook: Notebook) -> None:
    notebook.cell(
        """
        @treadle.pipeline
        def whole(rate: float = 0.5):
            fitted = fit(rate)
            read(fitted.model)
        """
    )
    ran = notebook.session.run(notebook["whole"], rate=1.5)
    assert [node.state for node in ran.result.nodes.values()] == ["ran", "ran"]
    assert ran["read"].value == "3.0"
    assert list(ran) == ["fit", "read"]
    file = notebook.session.export("explore.py")
    assert "other" not in file.read_text()
    done = subprocess.run(
        [sys.executable, "-m", "treadle", "run", "explore.py", "--set", "rate=1.5", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert {name: node["state"] for name, node in told["nodes"].items()} == {"fit": "cached", "read": "cached"}
    again = notebook.session.export("explore.py")  # what an export wrote, it writes over
    assert again == file


def test_an_export_spares_the_files_of_others_and_says_which_pipeline(notebook: Notebook) -> None:
    with pytest.raises(NotebookError, match="no such pipeline"):
        notebook.session.export("explore.py")
    notebook.cell("@treadle.pipeline\ndef a():\n    other(1)\n\n@treadle.pipeline\ndef b():\n    other(2)")
    with pytest.raises(NotebookError, match="several pipelines"):
        notebook.session.export("explore.py")
    Path("mine.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match="no export wrote"):
        notebook.session.export("mine.py", notebook["b"])
    with pytest.raises(UsageError, match="can be imported"):
        notebook.session.export("not-a-module.py", notebook["b"])
    notebook.session.export("mine.py", notebook["b"], overwrite=True, also=("FACTOR",))
    text = Path("mine.py").read_text()
    assert "def b():" in text
    assert "def a():" not in text
    assert "FACTOR = 2" in text


def test_a_failure_is_told_with_the_lines_of_the_cell(notebook: Notebook, capfd: pytest.CaptureFixture[str]) -> None:
    notebook.cell("def helper(x):\n    return 1 / 0")
    with pytest.raises(NodeFailedError, match="fit raised ZeroDivisionError"):
        notebook.session.run(notebook["fit"], 0.5)
    printed = capfd.readouterr().err
    assert "return 1 / 0" in printed
    assert "in helper" in printed


def test_mistakes_are_told_without_lines_of_ours(notebook: Notebook) -> None:
    with pytest.raises(PipelineError, match="needs 'rate'") as caught:
        notebook.session.run(notebook["fit"])
    assert "line" not in caught.value.where
    with pytest.raises(PipelineError, match="takes Model, and this artifact is Value"):
        notebook.session.run(notebook["read"], notebook.session.run(notebook["other"], 1).only())
    with pytest.raises(PipelineError, match="takes an output of a node"):
        notebook.session.run(notebook["read"], "a path")
    with pytest.raises(UsageError, match="has 2 outputs"):
        notebook.session.run(notebook["read"], notebook.session.run(notebook["fit"], 0.5))
    with pytest.raises(UsageError, match="Not a component"):
        notebook.session.run(notebook["helper"], 1)
    with pytest.raises(UsageError, match="no output 'nothing'"):
        notebook.session.run(notebook["other"], 1)["nothing"]
    with pytest.raises(NotebookError, match="no 'nothing'"):
        notebook.session.source("nothing")


def test_an_artifact_that_is_not_in_the_store_is_refused(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "rate.txt").write_text("1")
    with pytest.raises(NodeFailedError, match="not in the store"):
        notebook.session.run(notebook["read"], Model.at(tmp_path / "outside"))


def test_values_of_earlier_nodes_feed_parameters(notebook: Notebook) -> None:
    five = notebook.session.run(notebook["other"], 5)
    assert notebook.session.run(notebook["other"], five).value == 5
    assert notebook.session.run(notebook["other"], five.value).value == 5


def test_outside_of_a_notebook_a_session_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from treadle.notebook import Session; Session('x')"],
        capture_output=True,
        text=True,
    )
    assert "This is no notebook" in done.stderr


def test_everything_shows_itself_and_what_cannot_says_why(notebook: Notebook) -> None:
    fitted = notebook.session.run(notebook["fit"], 0.5)
    shown = fitted._repr_html_()
    assert "rate.txt" in shown
    assert fitted.model.digest[:19] in shown

    class Odd(Artifact):
        """One of the user's."""

    odd = Odd(fitted.model.path, fitted.model.digest, {"<b>": "<script>"})
    assert "rate.txt" in odd._repr_html_()
    assert "<script>" not in odd._repr_html_()
    show_with(Odd, lambda artifact: 1 / 0)
    assert "It cannot be shown: ZeroDivisionError" in odd._repr_html_()
    show_with(Odd, lambda artifact: "<p>mine</p>")
    assert odd._repr_html_().endswith("<p>mine</p></div>")
    assert repr(fitted).startswith("<fit ran (first run)")


def test_a_session_over_another_store_keeps_to_it(tmp_path: Path, notebook: Notebook) -> None:
    elsewhere = Session("explore", home=tmp_path / "elsewhere", history=notebook.session._history)
    assert elsewhere.run(notebook["other"], 1).result.state == "ran"
    assert (tmp_path / "elsewhere" / "metadata.sqlite").exists()


def test_what_a_run_looks_like_while_it_goes() -> None:
    shown: list[str] = []
    progress = Progress(lambda html, plain: shown.append(html))
    progress.hear(Event("run", "r", names=("a", "fit", "empty")))
    progress.hear(Event("started", "r", "fit.0", "first run"))
    progress.hear(Event("printed", "r", "fit.0", text="<b>half a li"))
    progress.hear(Event("printed", "r", "fit.0", text="ne\nnext"))
    progress.hear(Event("retrying", "r", "fit.0", "attempt 2 of 3"))
    progress.hear(Event("started", "r", "fit.0", "attempt 2 of 3"))
    going = progress.html()
    assert "running" in going
    assert ">fit<" not in going
    assert ">empty<" in going
    assert "&lt;b&gt;half a line\nnext" in going
    failure = Failure("X", "no\nrows", {})
    progress.hear(Event("finished", "r", "fit.0", result=NodeResult("fit.0", "failed", "first run", error=failure)))
    progress.hear(Event("finished", "r", "a", result=NodeResult("a", "ran", "first run", seconds=1.234)))
    progress.finish()
    last = shown[-1]
    assert ">empty<" not in last
    assert "1.23 s" in last
    assert "<details open" in last  # what failed shows what it printed
    assert len(shown) <= 4  # it is not drawn for every event


def test_a_name_with_an_underscore_is_a_name(notebook: Notebook) -> None:
    notebook.cell("@treadle.component\ndef _own(x: int) -> int:\n    return x")
    notebook.namespace["_12"] = notebook["_own"]
    assert notebook.session.run(notebook["_own"], 2).value == 2
