from __future__ import annotations

import json
from pathlib import Path
from statistics import pstdev

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.cli import main

TAXI = Path(__file__).parents[2] / "examples" / "taxi"
MONTH = TAXI / "data" / "yellow_tripdata_sample_2018-01.parquet"
TINY = """i,f,s,z,c
1,0.0,a,0,k
2,0.5,a,0,k
3,1.0,a,0,k
4,1.5,b,0,k
5,2.0,b,1,k
6,,c,1,k
7,3.0,,1,k
8,3.5,dd,1,k
9,4.0,dd,1,k
10,100.0,eee,1,k
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


def test_json_is_one_line_with_what_applies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tiny.csv"
    file.write_text(TINY)
    code, out, err = run(capsys, "stats", file, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    shown = json.loads(out)
    assert shown["num_rows"] == 10
    found = {
        name: {key: value for key, value in fields.items() if key not in ("quantiles", "histogram", "exact")}
        for name, fields in shown["features"].items()
    }
    assert found["f"] == {
        "type": "float",
        "count": 9,
        "missing": 1,
        "nan": 0,
        "infinite": 0,
        "zeros": 1,
        "mean": pytest.approx(115.5 / 9),
        "std_dev": pytest.approx(pstdev([0, 0.5, 1, 1.5, 2, 3, 3.5, 4, 100])),
        "min": 0.0,
        "median": 2.0,
        "max": 100.0,
        "unique": 9,
    }
    assert found["s"] == {
        "type": "string",
        "count": 9,
        "missing": 1,
        "empty": 0,
        "unique": 5,
        "avg_length": pytest.approx(13 / 9),
        "min_length": 1,
        "max_length": 3,
        "top_values": [["a", 3], ["b", 2], ["dd", 2], ["c", 1], ["eee", 1]],
    }
    assert found["z"]["top_values"] == [[1, 6], [0, 4]]
    assert found["z"]["zeros"] == 4
    assert shown["features"]["i"]["histogram"][0] == [1.0, 1.9, 1]


def test_a_month_of_taxi_rides(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "stats", MONTH, "--json")
    features = json.loads(out)["features"]
    assert code == 0
    assert features["congestion_surcharge"] == {
        "type": "float",
        "count": 0,
        "missing": 10000,
        "nan": 0,
        "infinite": 0,
        "zeros": 0,
        "unique": 0,
        "exact": True,
    }
    assert features["fare_amount"]["mean"] == pytest.approx(12.381453)
    assert features["payment_type"]["top_values"] == [[1, 6915], [2, 3020], [3, 55], [4, 10]]
    assert features["pickup_datetime"]["min"] == "2018-01-01T00:05:12"


def test_several_files_are_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    other = MONTH.with_name("yellow_tripdata_sample_2019-02.parquet")
    _, out, _ = run(capsys, "stats", MONTH, other, "--json")
    shown = json.loads(out)
    assert shown["num_rows"] == 20000
    assert shown["features"]["congestion_surcharge"]["missing"] == 10000


def test_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "stats", MONTH)
    assert code == 0
    assert out.splitlines()[0].startswith("10,000 rows")
    assert any(line.startswith("fare_amount") and "12.381" in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.csv", None, "DATA_FILE_NOT_FOUND"),
        ("empty.csv", b"", "DATA_EMPTY_FILE"),
        ("cut.parquet", MONTH.read_bytes()[:50_000], "DATA_CORRUPT_FILE"),
        ("ragged.csv", b"a,b\n1\n", "DATA_RAGGED_ROW"),
        ("latin.csv", b"a,b\n1,\xe9\n", "DATA_NOT_UTF8"),
    ],
)
def test_bad_files_are_errors_with_a_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, code: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    exit_code, out, err = run(capsys, "stats", file, "--json")
    assert exit_code == 2
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["code"] == code
    assert error["where"]["file"] == str(file)
    assert str(file) in err
    assert "Hint: " in err


def test_no_file_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "stats")
    assert code == 2
    assert "FILE" in err


def test_a_page_of_two_months(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, page = MONTH.with_name("yellow_tripdata_sample_2020-04.parquet"), tmp_path / "page.html"
    code, out, err = run(capsys, "stats", MONTH, "--compare", other, "--html", page)
    assert (code, out) == (0, "")
    assert str(page) in err
    text = page.read_text()
    assert f"<b>{MONTH.name}</b> 10,000 rows" in text
    assert f"<b>{other.name}</b> 10,000 rows" in text
    assert "distance 0." in text
    run(capsys, "stats", MONTH, "--compare", other, "--html", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == text


def test_a_file_beside_itself_has_two_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "stats", MONTH, "--compare", MONTH, "--html", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert f"{MONTH.name} (1)" in text
    assert f"{MONTH.name} (2)" in text


def test_json_and_tables_of_two(capsys: pytest.CaptureFixture[str]) -> None:
    other = MONTH.with_name("yellow_tripdata_sample_2019-02.parquet")
    _, out, _ = run(capsys, "stats", MONTH, "--compare", other, "--json")
    shown = json.loads(out)
    assert shown["features"]["congestion_surcharge"]["count"] == 0
    assert shown["compare"]["features"]["congestion_surcharge"]["count"] == 10000
    _, out, _ = run(capsys, "stats", MONTH, "--compare", other)
    lines = out.splitlines()
    assert sum(line.startswith("10,000 rows") for line in lines) == 2
    assert {MONTH.name, other.name} <= set(lines)


def test_a_page_into_no_folder_is_an_error_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "stats", MONTH, "--html", tmp_path / "gone" / "page.html", "--json")
    assert code == 2
    assert json.loads(out)["error"]["where"]["file"].endswith("page.html")
    assert "Hint: " in err
    assert list(tmp_path.iterdir()) == []


def test_a_table_shows_what_is_odd_and_cuts_what_is_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"x": [1.0, float("nan")], "long": ["y" * 90] * 2, "tags": [["a"], []], "empty": ["", ""]}
    pq.write_table(pa.table(rows), tmp_path / "odd.parquet")
    lines = run(capsys, "stats", tmp_path / "odd.parquet")[1].splitlines()
    assert lines[0].split()[4:7] == ["missing", "nan", "zeros"]
    assert lines[1].split()[:5] == ["x", "float", "2", "0", "1"]
    assert lines[2].endswith(f"{'y' * 23}… (2)")
    assert lines[3].endswith("0 to 1 items, 0.5 on average")
    assert lines[5].endswith("(empty) (2)")


def test_a_column_is_measured_further(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text.csv"
    file.write_text("a,b\nthe cat sat,1\nhi,2\n")
    _, out, _ = run(capsys, "stats", file, "--measure", "a=text", "--json")
    assert json.loads(out)["features"]["a"]["measures"]["text"]["words"] == 4
    _, out, _ = run(capsys, "stats", file, "--measure", "a=text")
    assert ["a", "text", "words", "4"] in [line.split() for line in out.splitlines()]
    code, out, _ = run(capsys, "stats", file, "--measure", "text", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "USAGE")
    code, out, _ = run(capsys, "stats", file, "--measure", "c=text", "--json")
    assert (code, json.loads(out)["error"]["where"]) == (2, {"column": "c"})


def test_a_span_is_merged_into_saved_statistics_measured_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, saved = (tmp_path / name for name in ("one.csv", "two.csv", "saved.json"))
    one.write_text("fare,city\n1.5,Ulm\n2.5,Bonn\n")
    two.write_text("fare,city\n4.0,Ulm\n8.0,Bonn\n")
    assert run(capsys, "stats", one, "--slice", "city", "--weight", "fare", "--save", saved, "--json")[0] == 0
    shown = json.loads(run(capsys, "stats", two, "--merge", saved, "--save", saved, "--json")[1])
    assert shown["num_rows"] == 4
    assert shown["slices"]["city=Ulm"]["features"]["fare"]["mean"] == 2.75
    assert shown["weighted"]["total_weight"] == 16.0
    code, _, err = run(capsys, "stats", two, "--merge", saved, "--weight", "fare")
    assert code == 2
    assert "--weight goes by what was saved" in err


def test_slices_weights_and_relations_are_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "stats", MONTH, "--slice", "payment_type", "--weight", "passenger_count", "--label", "tip_amount"
    )
    assert code == 0
    for heading in ("slice", "payment_type=1", "tells tip_amount, by passenger_count", "correlation, by"):
        assert heading in out


def test_exact_counts_what_is_otherwise_estimated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "many.csv"
    file.write_text("x\n" + "".join(f"{number}.5\n" for number in range(20_000)))
    fields = [
        json.loads(run(capsys, "stats", file, "--json", *more)[1])["features"]["x"] for more in ((), ("--exact",))
    ]
    assert [each["exact"] for each in fields] == [False, True]
    assert fields[1]["unique"] == 20_000
    assert fields[0]["accuracy"]["unique"] == {"relative_standard_error": 0.0156}
