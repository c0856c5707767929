"""Tables, queries and URLs where a command takes a file; what is secret in them stays so."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from treadle.cli import main


def treadle(capfd: pytest.CaptureFixture[str], *args: object, code: int = 0) -> str:
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    told = capfd.readouterr()
    assert done.value.code == code, told.out + told.err
    return told.out + told.err


@pytest.fixture
def database(tmp_path: Path) -> str:
    file = tmp_path / "rides.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.sql("create table rides as select i as id, i % 3 = 0 as tip, i / 7.0 as fare from range(90) as t(i)")
    return f"duckdb:///{file}"


def test_statistics_of_a_table_and_of_a_query(database: str, tmp_path: Path, capfd) -> None:
    told = json.loads(treadle(capfd, "stats", f"{database}?table=rides", "--json").splitlines()[-1])
    assert told["num_rows"] == 90
    told = json.loads(treadle(capfd, "stats", f"{database}#select id // 7 as n from rides", "--json").splitlines()[-1])
    assert told["features"]["n"]["max"] == 12
    treadle(capfd, "stats", f"{database}?table=rides", "--html", tmp_path / "page.html")
    assert "rides.duckdb?table=rides" in (tmp_path / "page.html").read_text()


def test_every_command_is_told_how_files_are_written(tmp_path: Path, capfd) -> None:
    file, schema = tmp_path / "fahrten.csv", tmp_path / "schema.toml"
    rows = [f"{number};{number},5;{'Köln' if number % 2 else 'Ulm'}" for number in range(20)]
    file.write_bytes("\n".join(["id;preis;stadt", *rows]).encode("latin-1"))
    assert "option encoding=latin-1" in treadle(capfd, "stats", file, code=2)
    how = ["--option", "decimal=,", "--option", "encoding=latin-1"]
    told = json.loads(treadle(capfd, "stats", file, *how, "--json").splitlines()[-1])
    assert told["features"]["preis"]["mean"] == 10.0
    treadle(capfd, "schema", "infer", file, *how, "--out", schema)
    treadle(capfd, "validate", file, "--schema", schema, "--baseline", file, *how)
    treadle(capfd, "schema", "propose", schema, file, "--baseline", file, *how)
    treadle(capfd, "drift", file, file, *how)
    treadle(capfd, "coverage", file, file, *how)
    treadle(capfd, "skew", file, file, "--on", "id", *how)
    assert "no option 'decimals'" in treadle(capfd, "stats", file, "--option", "decimals=,", code=2)
    assert "not NAME=VALUE" in treadle(capfd, "stats", file, "--option", "decimal", code=2)


def test_a_schema_and_a_check_of_a_table(database: str, tmp_path: Path, capfd) -> None:
    url = f"{database}?table=rides"
    treadle(capfd, "schema", "infer", url, "--out", tmp_path / "schema.toml")
    treadle(capfd, "validate", url, "--schema", tmp_path / "schema.toml", "--baseline", url)
    query = f"{database}#select id, tip, fare * 100 as fare from rides"
    treadle(capfd, "drift", url, query, "--jensen-shannon", "0.5", code=1)
    assert "id" in treadle(
        capfd, "schema", "propose", tmp_path / "schema.toml", f"{database}#select tip, fare from rides", code=1
    )


@pytest.mark.parametrize(
    "args",
    [
        ["stats", "{}"],
        ["stats", "{}", "--json"],
        ["drift", "{}", "{}"],
        ["schema", "infer", "{}"],
        ["init", "x", "--data", "{}", "--label", "y"],
    ],
)
@pytest.mark.parametrize("url", ["https://ada:hunter2@[/a.csv", "postgresql://ada:hunter2@db:x/rides?table=t"])
def test_no_password_is_printed(args: list[str], url: str, capfd, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = treadle(capfd, *(arg.format(url) for arg in args), code=2)
    assert "Error" in told
    assert "hunter2" not in told
