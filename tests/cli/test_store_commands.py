"""lineage, gc and verify on the runs of a real pipeline."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from storing import PIPELINE, Store, digest

from treadle.artifact import digest_file
from treadle.registry import Registry
from treadle.transform import AnalysisCache


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Store:
    (tmp_path / "flow.py").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TREADLE_HOME", raising=False)
    return Store(tmp_path, capsys)


def test_which_spans_a_model_saw_and_which_models_a_span_reached(store: Store) -> None:
    early, late = store.run("2018-01", "2018-03"), store.run("2018-03", "2018-05")
    model = digest(early, "train", "model")
    told = store.ask("lineage", model[7:20], "--up", "--type", "Examples")
    assert [(found["properties"]["first_span"], found["properties"]["rows"]) for found in told["up"]] == [
        ("2018-01", 10)
    ]
    assert told["made_by"] == [{"run": early["run"], "node": "train", "state": "ran"}]

    def reached(span: str) -> set[str]:
        return {found["digest"] for found in store.ask("lineage", "--span", span, "--type", "Model")["down"]}

    assert reached("2018-02") == {model}
    assert reached("2018-03") == {model, digest(late, "train", "model")}
    assert reached("2017-12") == set()
    code, out, _ = store.treadle("lineage", model)
    assert code == 0
    assert "Made from:" in out
    assert "Servable" in out
    assert "2018-01" in out


def test_which_code_and_packages_made_it(store: Store) -> None:
    model = digest(store.run(), "train", "model")
    (made,) = store.ask("lineage", model, "--code")["made_by"]
    assert made["component"] == "flow:train"
    assert "input examples" in made["parts"]
    assert any("flow.train" in name for name in made["parts"])
    assert "flow.train" in store.treadle("lineage", model, "--code")[1]


def test_pages(store: Store) -> None:
    store.run()
    store.run("2019-01", "2019-02")
    first = store.ask("lineage", "--limit", "4")
    rest = store.ask("lineage", "--limit", "4", "--after", str(first["next"]))
    assert (len(first["artifacts"]), len(rest["artifacts"]), rest["next"]) == (4, 2, None)
    assert store.ask("lineage", "--node", "train", "--pipeline", "main")["next"] is None
    servable = store.ask("lineage", "--type", "Servable")["artifacts"][0]["digest"]
    page = store.ask("lineage", servable, "--up", "--limit", "1")
    assert (len(page["up"]), page["next"]) == (1, 1)
    assert store.ask("lineage", servable, "--up", "--limit", "1", "--after", "1")["next"] is None


@pytest.mark.parametrize("arguments", [("0000",), ("nonsense",), ("0000", "--span", "1"), ("--limit", "0")])
def test_bad_questions(store: Store, arguments: tuple[str, ...]) -> None:
    assert store.treadle("lineage", *arguments)[0] == 2
    store.run()
    assert store.treadle("lineage", *arguments)[0] == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--code",), "--code of which artifact"),
        (("--up",), "--up cannot be asked of a list"),
        (("--depth", "2"), "--depth cannot be asked of a list"),
        (("DIGEST", "--pipeline", "main", "--node", "train"), "--node and --pipeline cannot be asked of an artifact"),
        (("DIGEST", "--code", "--up"), "--up cannot be asked of the code"),
        (("DIGEST", "--rows", "--type", "Model"), "--type cannot be asked of the rows"),
        (("DIGEST", "--rows", "--code"), "--rows or for --code"),
        (("--span", "2018-02", "--run", "last"), "--run cannot be asked of a span"),
        (("--run", "none"), "There is no such run"),
        (("DIGEST", "--run", "none"), "There is no such run"),
    ],
)
def test_what_would_change_nothing_is_refused(store: Store, asked: tuple[str, ...], said: str) -> None:
    model = digest(store.run(), "train", "model")
    code, _, err = store.treadle("lineage", *(model if word == "DIGEST" else word for word in asked))
    assert (code, said in err) == (2, True), err


def test_the_newest_run_by_its_name_and_an_empty_answer(store: Store) -> None:
    run = store.run()
    assert len(store.ask("lineage", "--run", "last")["artifacts"]) == 3
    assert store.ask("lineage", digest(run, "train", "model"), "--run", "last", "--down")["down"] != []
    assert "No artifact" in store.treadle("lineage", "--type", "Nothing")[2]


def test_collection_is_shown_first_and_keeps_what_is_registered(store: Store) -> None:
    old, served, pinned, _ = (store.run(f"20{n}-01", f"20{n}-02") for n in (10, 11, 12, 13))
    registry = Registry(store.home)
    for run in (old, served):
        manifest = Path(run["nodes"]["package"]["outputs"]["servable"]["path"]) / "manifest.json"
        version = registry.register("m", digest_file(manifest))
    registry.promote("m", version.version, reason="the best")
    shown = store.ask("gc", "--keep-runs", "0", "--keep-days", "0", "--keep", pinned["run"])
    # Of the old version the servable stays, of the one in service all; the pinned and the newest run stay whole.
    gone = {digest(old, "read", "examples"), digest(old, "train", "model")}
    assert {found["digest"] for found in shown["artifacts"]} == gone
    assert (shown["deleted"], shown["collected"], shown["kept"]) == (False, 2, 10)
    assert store.ask("verify")["artifacts"] == 12
    everything = ("--keep-runs", "0", "--keep-days", "0", "--keep", pinned["run"], "--versions", "lineage")
    assert store.ask("gc", *everything)["collected"] == 0
    code, out, err = store.treadle("gc", "--keep-runs", "0", "--keep-days", "0", "--keep", pinned["run"])
    assert code == 0
    assert "Model" in out
    assert "--delete" in err
    done = store.ask("gc", "--keep-runs", "0", "--keep-days", "0", "--keep", pinned["run"], "--delete")
    assert {found["digest"] for found in done["artifacts"]} == gone
    assert store.ask("verify") == {"artifacts": 10, "bytes": done["bytes_kept"], "damaged": [], "missing": []}
    again = store.run("2010-01", "2010-02")
    assert {name: node["state"] for name, node in again["nodes"].items()} == {
        "read": "ran",
        "train": "ran",
        "package": "cached",
    }
    assert digest(again, "train", "model") == digest(old, "train", "model")


def test_collection_takes_analyses_that_were_not_used_lately(store: Store) -> None:
    store.run()
    kept = AnalysisCache(store.home / "analyses")
    for name in ("old", "new"):
        kept.store(name, [1, 2])
    size = (store.home / "analyses" / "old.json").stat().st_size
    os.utime(store.home / "analyses" / "old.json", (0, 0))
    assert store.ask("gc")["analyses"] == {"files": 1, "bytes": size}
    assert f"Would remove 1 analyses of data spans, {size:,} bytes" in store.treadle("gc")[1]
    assert kept.has("old")
    assert store.ask("gc", "--delete")["analyses"]["files"] == 1
    assert (kept.has("old"), kept.has("new")) == (False, True)
    assert store.ask("gc", "--delete")["analyses"]["files"] == 0


def test_collection_takes_what_was_read_of_code_that_no_kept_run_names(store: Store) -> None:
    store.run()
    assert store.ask("gc", "--keep-runs", "0", "--keep-days", "0", "--delete")["code"] == {"files": 0, "bytes": 0}
    whole = {file for file in (store.home / "code").rglob("*") if file.is_file()}
    for file in whole:
        os.utime(file, (0, 0))
    assert store.ask("gc", "--keep-runs", "0", "--keep-days", "0", "--delete")["code"]["files"] == 0
    old = store.home / "code" / "readings" / "old.json"
    old.write_text('{"function": "flow:gone", "folder": null, "seen": {"modules": {}}}')
    size = old.stat().st_size
    assert store.ask("gc")["code"]["files"] == 0  # who wrote it may be about to say what it is for
    os.utime(old, (0, 0))
    assert store.ask("gc")["code"] == {"files": 1, "bytes": size}
    code, out, err = store.treadle("gc")
    assert (code, "--delete" in err) == (0, True)
    assert f"Would remove 1 files of what was read of code, {size} bytes" in out
    assert store.ask("gc", "--delete")["code"] == {"files": 1, "bytes": size}
    assert {file for file in (store.home / "code").rglob("*") if file.is_file()} == whole


def test_gc_refuses_nonsense(store: Store) -> None:
    assert store.treadle("gc")[0] == 2
    store.run()
    assert store.treadle("gc", "--keep-runs", "-1")[0] == 2
    assert store.treadle("gc", "--keep", "nothing of the sort")[0] == 2


def test_verify_finds_a_flipped_byte(store: Store) -> None:
    run = store.run()
    assert store.treadle("verify")[0] == 0
    file = Path(run["nodes"]["train"]["outputs"]["model"]["path"]) / "model.txt"
    file.chmod(0o600)
    data = bytearray(file.read_bytes())
    data[3] ^= 1
    file.write_bytes(data)
    model = digest(run, "train", "model")
    assert store.ask("verify", code=1)["damaged"] == [model]
    assert store.ask("verify", model, code=1)["damaged"] == [model]
    assert store.ask("verify", digest(run, "read", "examples"))["damaged"] == []
    assert store.ask("verify", "--run", run["run"], code=1)["damaged"] == [model]
    assert store.treadle("verify", "--run", "none")[0] == 2
    store.run()
    assert store.ask("verify")["damaged"] == []


def test_a_run_travels_to_another_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.run()
    sent = store.ask("export", "last", "run.tar")
    assert (sent["run"], sent["artifacts"]) == (run["run"], 3)
    assert store.treadle("export", run["run"], "run.tar")[0] == 2
    monkeypatch.setenv("TREADLE_HOME", str(store.folder / "other"))
    came = store.ask("import", "run.tar")
    assert (came["run"], came["new"], came["bytes"]) == (run["run"], True, sent["bytes"])
    assert store.ask("import", "run.tar")["new"] is False
    assert store.ask("verify")["artifacts"] == 3
    assert store.ask("status", "last")["nodes"]["train"]["state"] == "ran"
    again = store.run()
    assert {node["state"] for node in again["nodes"].values()} == {"ran"}, "what was not trusted is not used"
    monkeypatch.setenv("TREADLE_HOME", str(store.folder / "third"))
    store.ask("import", "run.tar", "--trust")
    assert {node["state"] for node in store.run()["nodes"].values()} == {"cached"}
    (store.folder / "bad.tar").write_bytes((store.folder / "run.tar").read_bytes()[:-3000])
    assert store.ask("import", "bad.tar", code=2)["error"]["code"] == "ARCHIVE"
    assert store.treadle("import", "none.tar")[0] == 2


def test_a_run_is_told_as_openlineage_events(store: Store) -> None:
    store.run()
    events = store.ask("openlineage", "last")["events"]
    assert [event["eventType"] for event in events].count("COMPLETE") == 4
    assert store.ask("openlineage", "last", "--to", "events.jsonl") == {"sent": len(events), "to": "events.jsonl"}
    assert [json.loads(line) for line in (store.folder / "events.jsonl").read_text().splitlines()] == events
    assert store.treadle("openlineage", "last", "--to", "events.jsonl")[0] == 2
    assert store.treadle("openlineage", "none")[0] == 2
    assert store.ask("openlineage", "last", "--to", "ftp://x", code=2)["error"]["code"] == "EVENT_DELIVERY"
