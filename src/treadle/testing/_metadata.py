"""What a lineage store must do, whatever database is behind it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from treadle.artifact import canonical_json, digest_bytes
from treadle.errors import LeaseLostError
from treadle.metadata import ArtifactRecord, Attempt, ExecutionState, MetadataStore, Retention, RunState

_EXAMPLES = ArtifactRecord(
    "sha256:" + "a" * 64, "Examples", {"rows": 3, "first_span": "2018-01", "last_span": "2018-03"}
)
_MODEL = ArtifactRecord("sha256:" + "b" * 64, "Model")
_PARTS = {"code pipeline.train": "1", "package numpy": "2"}
_FINGERPRINT = digest_bytes(canonical_json(_PARTS))


class MetadataContract:
    """Subclass it in a test module with a fixture ``store``: an empty `MetadataStore`; and a fixture ``reopen``: a
    function that opens the same lineage once more.
    """

    def _train(self, store: MetadataStore, run: str) -> int:
        store.begin_run(run, pipeline="taxi", ir={"name": "taxi"})
        first = store.start_execution(Attempt(run, "read", "pipeline:read", "first run"))
        store.finish_execution(first, "ran", outputs={"examples": _EXAMPLES})
        inputs = {"examples": [_EXAMPLES, _EXAMPLES]}
        return store.start_execution(Attempt(run, "train", "pipeline:train", "new", _FINGERPRINT, _PARTS, inputs))

    def test_a_run_from_begin_to_end(self, store: MetadataStore) -> None:
        """What was recorded is what is told."""
        execution = self._train(store, "r1")
        assert store.running() == ["r1"]
        assert store.successes(_FINGERPRINT) == []
        log = ArtifactRecord("sha256:" + "c" * 64, "Log")
        store.finish_execution(execution, "ran", outputs={"model": _MODEL}, reads={"config.json": None}, log=log)
        store.finish_run("r1", "succeeded")
        (found,) = store.successes(_FINGERPRINT)
        assert (found.outputs, found.reads, found.state) == ({"model": _MODEL}, {"config.json": None}, "ran")
        assert (found.log, store.execution(execution)) == (log, found)
        assert store.parts(_FINGERPRINT) == _PARTS
        run = store.run("r1")
        assert run is not None
        assert (run.state, run.ir, store.running()) == ("succeeded", {"name": "taxi"}, [])
        assert store.run("none") is None
        assert store.parts("none") == {}

    def test_reuse_points_at_what_it_reused(self, store: MetadataStore) -> None:
        """A reused node names the execution whose outputs it has."""
        store.finish_execution(self._train(store, "r1"), "ran", outputs={"model": _MODEL})
        (source,) = store.successes(_FINGERPRINT)
        store.begin_run("r2", pipeline="taxi", ir={})
        store.record_unrun(Attempt("r2", "train", "pipeline:train", "same", _FINGERPRINT), "cached", reused=source)
        (reused,) = store.executions("r2")
        assert (reused.state, reused.reused, reused.outputs) == ("cached", source.id, {"model": _MODEL})
        assert store.successes(_FINGERPRINT) == [source]
        assert store.latest_success("taxi", "train") == reused
        assert store.latest_success("taxi", "train", before=reused.id) == source
        assert store.latest_success("other", "train") is None

    def test_what_is_not_reusable_is_not_offered(self, store: MetadataStore) -> None:
        """Failures, and what asked not to be reused."""
        store.finish_execution(self._train(store, "r1"), "failed", error={"what": "no"})
        store.finish_execution(self._train(store, "r2"), "ran", outputs={"model": _MODEL}, reusable=False)
        assert store.successes(_FINGERPRINT) == []
        assert store.executions("r1")[1].error == {"what": "no"}

    def test_an_abandoned_run_has_failed(self, store: MetadataStore) -> None:
        """Its running nodes too; what had ended stays as it was."""
        self._train(store, "r1")
        store.abandon_run("r1", {"what": "died"})
        assert [(one.node, one.state) for one in store.executions("r1")] == [("read", "ran"), ("train", "failed")]
        run = store.run("r1")
        assert run is not None
        assert run.state == "failed"

    def test_an_owner_past_its_lease_records_nothing(self, store: MetadataStore) -> None:
        """Whether somebody noticed or not; and a lease that is over is not had back."""
        store.begin_run("r1", pipeline="taxi", ir={}, lease_seconds=60)
        execution = store.start_execution(Attempt("r1", "train", "pipeline:train", "new"))
        store.renew_lease("r1", 60)
        assert store.overdue() == []
        store.renew_lease("r1", -1)
        assert store.overdue() == ["r1"]
        late: list[Callable[[], object]] = [
            lambda: store.renew_lease("r1", 60),
            lambda: store.start_execution(Attempt("r1", "other", "pipeline:other", "new")),
            lambda: store.record_unrun(Attempt("r1", "other", "pipeline:other", "new"), "skipped"),
            lambda: store.finish_execution(execution, "ran", outputs={"model": _MODEL}),
            lambda: store.finish_run("r1", "succeeded"),
        ]
        for record in late:
            with pytest.raises(LeaseLostError):
                record()
        assert [(one.state, one.outputs) for one in store.executions("r1")] == [("running", {})]
        assert store.at_work("r1") == {execution: "train"}
        store.abandon_run("r1", {"what": "held up"})
        assert store.overdue() == []
        (run,) = store.runs()
        assert run.state == "failed"

    def test_a_run_that_waits_may_end_later(self, store: MetadataStore) -> None:
        """Nobody is at work then, so there is no lease."""
        store.begin_run("r1", pipeline="taxi", ir={}, lease_seconds=60)
        store.finish_run("r1", "waiting")
        assert (store.running(), store.overdue()) == ([], [])
        store.finish_run("r1", "succeeded")
        with pytest.raises(LeaseLostError):
            store.finish_run("r1", "failed")

    @pytest.mark.parametrize(
        ("state", "code", "ends"),
        [
            ("ran", None, "succeeded"),
            ("failed", "APPROVAL_REJECTED", "failed"),
            ("failed", "NODE_LOST", None),
            ("failed", None, None),
            ("waiting", None, None),
        ],
    )
    def test_a_run_that_waited_ends_as_the_one_that_went_on_with_it(
        self, store: MetadataStore, state: ExecutionState, code: str | None, ends: RunState | None
    ) -> None:
        """With the answer, and the same again; no other run speaks for it."""

        def go(run: str, ends: RunState, state: ExecutionState, code: str | None = None, first: str = "2018") -> None:
            store.begin_run(run, pipeline="taxi", ir={"parameters": {"first": first}})
            gate = store.start_execution(Attempt(run, "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
            error: dict[str, Any] | None = (
                None if code is None else {"code": code, "what": "", "where": {}, "hint": None}
            )
            store.finish_execution(gate, state, error=error)
            store.finish_run(run, ends)

        for run in ("r1", "r2"):
            go(run, "waiting", "waiting")
        go("r3", "succeeded", "ran", first="2019")
        assert (store.went_on_as("r1"), store.went_on_as("r3")) == (None, None)
        go("r4", "waiting" if state == "waiting" else ends or "failed", state, code)
        found = {run.id: run.state for run in store.runs()}
        assert (found["r1"], found["r2"]) == (ends or "waiting",) * 2
        assert store.went_on_as("r1") == store.went_on_as("r2") == (None if ends is None else "r4")
        go("r5", "succeeded", "ran")
        assert [run.state for run in store.runs() if run.id in ("r1", "r2")] == [ends or "succeeded"] * 2

    def test_a_run_that_ends_waiting_after_another_went_on_with_it(self, store: MetadataStore) -> None:
        """Somebody answered while the rest of it was still at work."""
        gates = {}
        for run in ("r1", "r2"):
            store.begin_run(run, pipeline="taxi", ir={})
            gates[run] = store.start_execution(Attempt(run, "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
        store.finish_execution(gates["r1"], "waiting")
        store.finish_execution(gates["r2"], "ran")
        assert store.running() == ["r1", "r2"]
        store.finish_run("r2", "succeeded")
        assert store.running() == ["r1"]
        store.finish_run("r1", "waiting")
        assert [run.state for run in store.runs()] == ["succeeded", "succeeded"]

    @pytest.mark.parametrize("at_work", [True, False])
    def test_a_run_that_was_refused_ends_as_failed(self, store: MetadataStore, at_work: bool) -> None:
        """At once when it waits; when it would wait, while it is at work; and the no is told with the node."""
        no: dict[str, Any] = {"code": "APPROVAL_REJECTED", "what": "ada rejected it", "where": {}, "hint": None}
        for run in ("r1", "r2"):
            store.begin_run(run, pipeline="taxi", ir={})
            gate = store.start_execution(Attempt(run, "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
            store.refuse(run, "gate", no)  # waits for nothing yet
            store.finish_execution(gate, "waiting")
            if not at_work:
                store.finish_run(run, "waiting")
        assert {run.state for run in store.runs()} == {"running" if at_work else "waiting"}
        store.refuse("r1", "gate", no)
        store.refuse("r1", "other", no)
        if at_work:
            assert store.running() == ["r1", "r2"]
            for run in ("r1", "r2"):
                store.finish_run(run, "waiting")
        assert [run.state for run in store.runs()] == ["waiting", "failed"]
        assert [(one.state, one.error) for one in store.executions("r1")] == [("waiting", no)]
        store.begin_run("r3", pipeline="taxi", ir={})
        gate = store.start_execution(Attempt("r3", "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
        store.finish_execution(gate, "failed", error=no)
        store.finish_run("r3", "failed")
        assert [run.state for run in store.runs()] == ["failed"] * 3
        assert store.went_on_as("r1") == "r3"

    def test_a_run_that_waited_ends_as_the_one_that_was_abandoned(self, store: MetadataStore) -> None:
        """Stopped after the answer had counted; and what has ended stays as it is, whoever reuses the gate."""
        for run, state in (("r1", "waiting"), ("r2", "ran"), ("r3", "cached")):
            store.begin_run(run, pipeline="taxi", ir={})
            gate = store.start_execution(Attempt(run, "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
            store.finish_execution(gate, state)  # type: ignore[arg-type]
            if run == "r1":
                store.finish_run(run, "waiting")
            elif run == "r2":
                store.abandon_run(run, {"what": "stopped"})
                store.abandon_run(run, {"what": "stopped"})
        assert [run.state for run in store.runs()] == ["running", "failed", "failed"]
        store.finish_run("r3", "succeeded")
        assert [run.state for run in store.runs()] == ["succeeded", "failed", "failed"]
        assert store.went_on_as("r1") == "r2"

    def test_what_waited_is_read_once_and_before_the_lock(
        self, store: MetadataStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Large pipelines: what has ended is not read again, and nobody waits while the rest is."""
        locked, read = [False], list[tuple[bool, str]]()
        transaction, loads = store._database.transaction, json.loads

        @contextmanager
        def watched() -> Iterator[Any]:
            with transaction() as statements:
                locked[0] = True
                try:
                    yield statements
                finally:
                    locked[0] = False

        def load(text: str) -> Any:
            read.append((locked[0], text))
            return loads(text)

        def go(run: str, state: ExecutionState, ends: RunState) -> None:
            store.begin_run(run, pipeline="taxi", ir={"run": run})
            gate = store.start_execution(Attempt(run, "gate", "pipeline:gate", "new", _FINGERPRINT, _PARTS))
            store.finish_execution(gate, state)
            with monkeypatch.context() as patched:
                patched.setattr(store._database, "transaction", watched)
                patched.setattr(json, "loads", load)
                store.finish_run(run, ends)

        for run in ("r1", "r2", "r3"):
            go(run, "waiting", "waiting")
        go("r4", "ran", "succeeded")
        assert sorted(read) == [
            (False, json.dumps({"run": run}, separators=(",", ":"))) for run in ("r1", "r2", "r3", "r4")
        ]
        read.clear()
        go("r5", "ran", "succeeded")
        assert read == []
        assert {run.state for run in store.runs()} == {"succeeded"}

    def test_a_lineage_knows_itself(self, store: MetadataStore, reopen: Callable[[], MetadataStore]) -> None:
        """By a name that stays."""
        with reopen() as again:
            assert again.identity == store.identity
        assert len(store.identity) == 32

    def test_runs_are_listed_newest_first(self, store: MetadataStore) -> None:
        """Of one pipeline or of all."""
        for name in ("a", "b", "c"):
            store.begin_run(name, pipeline="p" if name != "b" else "q", ir={})
        assert [run.id for run in store.runs()] == ["c", "b", "a"]
        assert [run.id for run in store.runs(pipeline="p", limit=1)] == ["c"]

    def test_lineage(self, store: MetadataStore) -> None:
        """Ancestors, descendants, spans, makers, pages."""
        store.finish_execution(self._train(store, "r1"), "ran", outputs={"model": _MODEL})
        lineage = store.lineage
        assert [found.artifact for found in lineage.ancestors(_MODEL.digest)] == [_EXAMPLES]
        assert [found.artifact for found in lineage.descendants(_EXAMPLES.digest)] == [_MODEL]
        assert [found.artifact for found in lineage.reached_by_span("2018-02")] == [_EXAMPLES, _MODEL]
        assert [found.artifact for found in lineage.reached_by_span("2018-02", type_name="Model")] == [_MODEL]
        assert [found.artifact for found in lineage.reached_by_span("2018-02", after=1, limit=1)] == [_MODEL]
        assert lineage.reached_by_span("2018-04") == []
        for way, digest in ((lineage.ancestors, _MODEL.digest), (lineage.descendants, _EXAMPLES.digest)):
            assert len(way(digest, limit=1)) == 1
            assert way(digest, after=1) == way(digest, type_name="Verdict") == way(digest, limit=0) == []
        (spans,) = lineage.spans(_MODEL.digest)
        assert spans == lineage.spans(_EXAMPLES.digest)[0]
        assert (spans.examples, spans.holds("2018-02"), spans.holds("2018-04")) == (_EXAMPLES.digest, True, False)
        (making,) = lineage.makings(_MODEL.digest)
        assert (making.run, making.node, making.parts) == ("r1", "train", _PARTS)
        assert lineage.find("bbbb", type_name="Model") == _MODEL
        assert lineage.types(_MODEL.digest) == ["Model"]
        (first,) = lineage.artifacts(limit=1)
        assert [found for _, found in lineage.artifacts(after=first[0], pipeline="taxi", run="r1", node="train")] == [
            _MODEL
        ]

    def test_what_a_policy_keeps(self, store: MetadataStore) -> None:
        """The newest success, runs that have not ended, and what is asked for."""
        store.finish_execution(self._train(store, "r1"), "ran", outputs={"model": _MODEL})
        store.finish_run("r1", "succeeded")
        nothing = Retention(runs=0, days=0)
        assert store.kept(nothing).digests == {_EXAMPLES.digest, _MODEL.digest}
        store.begin_run("r2", pipeline="taxi", ir={})
        store.finish_run("r2", "succeeded")
        kept = store.kept(nothing)
        assert (set(kept.runs), set(kept.digests)) == ({"r2"}, set())
        assert set(kept.known) == {_EXAMPLES.digest, _MODEL.digest}
        assert store.kept(nothing, runs=["r1"]).digests == {_EXAMPLES.digest, _MODEL.digest}

    def test_contents_out_and_in(self, store: MetadataStore) -> None:
        """A run as plain data is the run."""
        store.finish_execution(self._train(store, "r1"), "ran", outputs={"model": _MODEL})
        store.finish_run("r1", "succeeded")
        contents = store.contents("r1")
        assert not store.accepts(contents)
        assert [one.node for one in contents.executions] == ["read", "train"]

    def test_texts_survive(self, store: MetadataStore) -> None:
        """Any text, long properties, percent signs and question marks."""
        odd = ArtifactRecord(
            "sha256:" + "c" * 64, "Odd", {"text": "% ? %s \u0000 'é\U0001f600' \n", "long": "x" * 100_000}
        )
        store.begin_run("r1", pipeline="100% ?", ir={"a": [1.5, None, True, "\u0000"]})
        execution = store.start_execution(Attempt("r1", "n?%s", "m:f", "why?"))
        store.finish_execution(execution, "ran", outputs={"o": odd, "p": odd})
        (found,) = store.executions("r1")
        assert found.outputs == {"o": odd, "p": odd}
        run = store.run("r1")
        assert run is not None
        assert json.dumps(run.ir) == json.dumps({"a": [1.5, None, True, "\u0000"]})
        assert len(store.lineage.artifacts()) == 1

    def test_what_is_no_text_is_kept_and_found(self, store: MetadataStore) -> None:
        """A name typed in another encoding: wherever it stands, and one that is nowhere is not there."""
        name = "\udcff\0"
        store.begin_run("r" + name, pipeline=name, ir={})
        execution = store.start_execution(Attempt("r" + name, name, name, name))
        store.finish_execution(execution, "ran", outputs={name: _MODEL})
        (found,) = store.runs(pipeline=name)
        assert (found.pipeline, store.run("r" + name)) == ("\\udcff\\0", found)
        assert [one.node for one in store.executions("r" + name)] == [found.pipeline]
        assert len(store.lineage.artifacts(pipeline=name, run="r" + name, node=name)) == 1
        assert (store.run(name), store.runs(pipeline=name + name)) == (None, [])
        assert store.lineage.artifacts(pipeline=name + name) == []

    def test_racing_writers_lose_nothing(self, store: MetadataStore, reopen: Callable[[], MetadataStore]) -> None:
        """Each opens the lineage for itself; the migrators race too."""
        errors: list[BaseException] = []

        def work(me: int) -> None:
            try:
                with reopen() as own:
                    own.begin_run(f"w{me}", pipeline="w", ir={})
                    for n in range(10):
                        attempt = Attempt(f"w{me}", f"n{n}", "m:f", "because", _FINGERPRINT, _PARTS, {"x": [_EXAMPLES]})
                        made = ArtifactRecord(f"sha256:{me:0>32}{n:032}", "Model")
                        own.finish_execution(own.start_execution(attempt), "ran", outputs={"m": made, "same": _MODEL})
            except (Exception, sqlite3.Error) as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(store.lineage.descendants(_EXAMPLES.digest)) == 81
