from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.cli import main
from treadle.schema import Schema

TAXI = Path(__file__).parents[2] / "examples" / "taxi"

TEXT = """\
# curated
[features.fare]
type = "float"
min = 0  # never a refund

[features.kind]
type = "string"
values = ["a"]
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    schema, data = tmp_path / "s.toml", tmp_path / "d.parquet"
    schema.write_text(TEXT)
    pq.write_table(pa.table({"fare": [1.0, -2.0], "kind": ["a", "b"], "new": [1, 2]}), data)
    return schema, data


def test_an_inferred_schema_accepts_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = TAXI / "data" / "yellow_tripdata_sample_2018-01.parquet", tmp_path / "s.toml"
    assert run(capsys, "schema", "infer", data, "--out", out, "--event-time", "pickup_datetime") == (0, "", "")
    assert run(capsys, "validate", data, "--schema", out)[0] == 0
    assert Schema.load(out).event_time == "pickup_datetime"
    code, text, _ = run(capsys, "schema", "infer", data)
    assert (code, Schema.loads(text).features["vendor_id"].type) == (0, "int")
    assert "pickup_datetime" in run(capsys, "schema", "show", out)[1]
    assert "properties" in json.loads(run(capsys, "schema", "show", out, "--json")[1])


def test_a_proposal_leaves_the_schema_alone(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    schema, data = files
    code, out, err = run(capsys, "schema", "propose", schema, data)
    assert (code, out) == (1, "wider     fare: min 0 -> -2\nwider     kind: values +'b'\n")
    assert "is as it was" in err
    assert schema.read_text() == TEXT
    proposal = schema.with_suffix(".proposal.toml")
    wanted = TEXT.replace("min = 0 ", "min = -2 ").replace('["a"]', '["a", "b"]')
    assert proposal.read_text() == wanted
    code, out, _ = run(capsys, "schema", "propose", schema, data, "--accept", "--json")
    assert (code, json.loads(out)["written"], schema.read_text()) == (0, str(schema), wanted)
    assert run(capsys, "schema", "propose", schema, data)[:2] == (0, "")
    code, out, _ = run(capsys, "schema", "propose", schema, data, "--warnings", "--json")
    assert code == 1
    assert [change["feature"] for change in json.loads(out)["changes"]] == ["new"]
    assert run(capsys, "schema", "propose", schema, data, "--accept", "--out", "x")[0] == 2


def test_what_no_proposal_takes_away_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, data = tmp_path / "s.toml", tmp_path / "d.csv"
    schema.write_text('[features.x]\ntype = "int"\n')
    data.write_text("x\na\n")
    code, out, _ = run(capsys, "schema", "propose", schema, data)
    assert (code, out.startswith("left: x: Values are of type string")) == (1, True)
    assert not schema.with_suffix(".proposal.toml").exists()


def test_differences_and_merges(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, _ = files
    other, both = tmp_path / "o.toml", tmp_path / "b.toml"
    other.write_text(TEXT.replace("min = 0", "min = -5"))
    assert run(capsys, "schema", "diff", schema, schema)[:2] == (0, "")
    assert run(capsys, "schema", "diff", schema, other)[:2] == (1, "wider     fare: min 0 -> -5\n")
    (change,) = json.loads(run(capsys, "schema", "diff", schema, other, "--json")[1])["changes"]
    assert (change["effect"], change["before"], change["after"]) == ("wider", 0, -5)
    assert run(capsys, "schema", "merge", schema, other, "--out", both)[0] == 0
    assert Schema.load(both).features["fare"].min == -5


def test_there_and_back_and_from_elsewhere(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, _ = files
    exported, back = tmp_path / "s.json", tmp_path / "back.toml"
    assert run(capsys, "schema", "export", schema, "--out", exported)[0] == 0
    assert run(capsys, "schema", "import", exported, "--out", back) == (0, "", "")
    assert Schema.load(back) == Schema.load(schema)
    tfx = tmp_path / "schema.pbtxt"
    tfx.write_text('feature { name: "a" type: INT } feature { name: "s" type: STRUCT }')
    code, out, err = run(capsys, "schema", "import", tfx)
    assert (code, list(Schema.loads(out).features)) == (0, ["a"])
    assert "s: a struct of which no field is known was left out." in err


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{"), ("a.json", "[]"), ("a.pbtxt", "feature {"), ("a.json", "{}")]
)
def test_what_cannot_be_read_is_said(name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / name
    file.write_text(text)
    code, out, err = run(capsys, "schema", "import", file)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert run(capsys, "schema", "import", tmp_path / "nowhere.pbtxt")[0] == 2
