"""What a backend must do, wherever it runs the nodes."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from treadle.artifact import canonical_json, digest_tree
from treadle.metadata import ExecutionRecord
from treadle.runner import history
from treadle.testing._backend_cases import CASES, HEAD, Case

Execute = Callable[[str, Mapping[str, Any], tuple[str, ...]], str | None]


class BackendContract:
    """Subclass it in a test module with a fixture ``execute``: a function that runs a pipeline to its end.

    It is called with ``FILE.py:NAME``, values of the pipeline's parameters, and the names of those that a backend which
    compiles leaves open until the run; the working directory is the file's folder, and the store ``.treadle`` in it. It
    returns None, or, when the backend refuses the pipeline before anything has run, the feature that it has not.

    Each test is one pipeline: the states of its nodes, what they made to the byte, the reasons of what did not run,
    errors by their codes, attempts, and who took what from whom are compared with what they must be.
    """

    refuses: ClassVar[frozenset[str]] = frozenset()
    """The features that the backend declares not to have; it must refuse them, not misunderstand them."""
    features: ClassVar[frozenset[str]] = frozenset(case.feature for case in CASES.values())
    """All there are."""

    def _check(self, name: str, execute: Execute, folder: Path) -> None:
        case = CASES[name]
        target = _project(case, folder)
        refused = execute(target, case.parameters, case.run_time)
        if case.feature in self.refuses:
            assert refused == case.feature, f"{name}: it must be refused"
            return
        assert refused is None, f"{name}: {refused} was refused"
        with history(folder / ".treadle") as metadata:
            (run,) = metadata.runs()
            executions = metadata.executions(run.id)
            inputs = {
                execution.node: metadata.lineage.ancestors(next(iter(execution.outputs.values())).digest)
                for execution in executions
                if execution.outputs
            }
        last = {execution.node: execution for execution in executions}
        assert {node: execution.state for node, execution in last.items()} == case.states, _told(last)
        assert run.state == case.state
        assert run.pipeline == "p"
        for node in last:
            found = sum(execution.node == node for execution in executions)
            assert found == case.attempts.get(node, 1), f"{node}: {found} attempts"
        for node, value in case.values.items():
            assert last[node].outputs["value"].digest == _digest({"value.json": canonical_json(value)}), node
        for node, files in case.files.items():
            assert last[node].outputs["file"].digest == _digest({n: text.encode() for n, text in files.items()}), node
        for node, reason in case.reasons.items():
            assert last[node].reason == reason, f"{node}: {last[node].reason}"
        for node, code in case.errors.items():
            error = last[node].error
            assert error is not None
            assert (error["code"], error["where"]["node"]) == (code, node)
        if name == "artifacts":
            assert {found.artifact.digest for found in inputs["join"]} == {
                last[node].outputs["file"].digest for node in ("write", "second")
            }

    def test_values(self, execute: Execute, tmp_path: Path) -> None:
        """Values, their parts, and lists of them; run-time parameters."""
        self._check("values", execute, tmp_path)

    def test_artifacts(self, execute: Execute, tmp_path: Path) -> None:
        """Artifacts, lists of them, optional ones, files and functions; who made what from what."""
        self._check("artifacts", execute, tmp_path)

    def test_a_condition_that_holds(self, execute: Execute, tmp_path: Path) -> None:
        """On values and on properties, and conditions inside conditions."""
        self._check("a condition that holds", execute, tmp_path)

    def test_a_condition_that_does_not_hold(self, execute: Execute, tmp_path: Path) -> None:
        """The other branch runs, and what waits for the first is skipped."""
        self._check("a condition that does not hold", execute, tmp_path)

    def test_a_loop(self, execute: Execute, tmp_path: Path) -> None:
        """Over a list that the run makes; its results gathered; over what a loop made."""
        self._check("a loop", execute, tmp_path)

    def test_a_loop_over_what_is_known(self, execute: Execute, tmp_path: Path) -> None:
        """Over a list that is known beforehand."""
        self._check("a loop over what is known", execute, tmp_path)

    def test_loops_in_loops(self, execute: Execute, tmp_path: Path) -> None:
        """Over what a round makes, over what is known; gathered in the round and after all of them."""
        self._check("loops in loops", execute, tmp_path)

    def test_branches_that_meet(self, execute: Execute, tmp_path: Path) -> None:
        """Whichever branch ran is taken, and nothing is where none did."""
        self._check("branches that meet", execute, tmp_path)

    def test_a_join_of_two_conditions(self, execute: Execute, tmp_path: Path) -> None:
        """What waits for nodes under different conditions runs when all of them hold."""
        self._check("a join of two conditions", execute, tmp_path)

    def test_some_rounds_only(self, execute: Execute, tmp_path: Path) -> None:
        """Branches in the rounds of a loop, and what gathers from them."""
        self._check("some rounds only", execute, tmp_path)

    def test_the_end_of_a_good_run(self, execute: Execute, tmp_path: Path) -> None:
        """What runs at the end is told how it went."""
        self._check("the end of a good run", execute, tmp_path)

    def test_the_end_of_a_bad_run(self, execute: Execute, tmp_path: Path) -> None:
        """Also when something failed."""
        self._check("the end of a bad run", execute, tmp_path)

    def test_retries(self, execute: Execute, tmp_path: Path) -> None:
        """What may pass is tried again, a bug is not; every attempt is recorded."""
        self._check("retries", execute, tmp_path)

    def test_a_process_that_dies(self, execute: Execute, tmp_path: Path) -> None:
        """A lost process is tried again, and takes nobody along."""
        self._check("a process that dies", execute, tmp_path)

    def test_a_timeout(self, execute: Execute, tmp_path: Path) -> None:
        """What takes too long is ended."""
        self._check("a timeout", execute, tmp_path)

    def test_a_node_with_nothing_to_do(self, execute: Execute, tmp_path: Path) -> None:
        """It is skipped, with its reason, and so is what waits for it."""
        self._check("a node with nothing to do", execute, tmp_path)

    def test_a_resolve_step(self, execute: Execute, tmp_path: Path) -> None:
        """It looks at the world before the node is decided upon."""
        self._check("a resolve step", execute, tmp_path)

    def test_resources(self, execute: Execute, tmp_path: Path) -> None:
        """What is declared is had."""
        self._check("resources", execute, tmp_path)

    def test_sub_pipelines(self, execute: Execute, tmp_path: Path) -> None:
        """Nodes of pipelines inside pipelines have their names."""
        self._check("sub-pipelines", execute, tmp_path)

    def test_approval(self, execute: Execute, tmp_path: Path) -> None:
        """The run waits for a person, and no process does."""
        self._check("approval", execute, tmp_path)

    def test_nothing_runs_again_for_nothing(self, execute: Execute, tmp_path: Path) -> None:
        """A second run reuses everything; after a change, what the change reaches runs."""
        target = _project(CASES["artifacts"], tmp_path)
        for text in ("ha", "ha", "hu"):
            assert execute(target, {"text": text}, ("text",)) is None
        with history(tmp_path / ".treadle") as metadata:
            runs = [metadata.executions(run.id) for run in reversed(metadata.runs())]
        states = [{execution.node: execution.state for execution in run} for run in runs]
        assert set(states[1].values()) == {"cached"}
        assert states[2] == {"write": "ran", "second": "cached", "join": "ran", "read": "ran", "apply": "cached"}
        outputs = [{execution.node: execution.outputs for execution in run} for run in runs]
        assert outputs[0] == outputs[1]

    def test_what_is_printed_is_kept(self, execute: Execute, tmp_path: Path) -> None:
        """In the node's log."""
        text = """
        @component
        def says() -> None:
            print("hello from the node")

        @pipeline
        def p():
            says()
        """
        target = _project(Case("logs", text, {}), tmp_path)
        assert execute(target, {}, ()) is None
        (log,) = (tmp_path / ".treadle" / "logs").glob("*/says.txt")
        assert "hello from the node" in log.read_text()


def _project(case: Case, folder: Path) -> str:
    for name, text in case.beside.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    file = folder / "pipeline.py"
    file.write_text(HEAD + textwrap.dedent(case.text))
    return f"{file}:p"


def _digest(files: Mapping[str, bytes]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        return digest_tree(folder)


def _told(executions: Mapping[str, ExecutionRecord]) -> str:
    return "\n".join(f"{node}: {found.state}: {found.reason} {found.error or ''}" for node, found in executions.items())
