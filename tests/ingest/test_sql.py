"""Rows of databases: tables and queries, and passwords that nobody gets to see."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from treadle.errors import (
    ColumnTypeError,
    DataFileNotFoundError,
    DataSourceError,
    MissingDependencyError,
    UsageError,
)
from treadle.ingest import digest_source, list_spans, masked, read_table, secrets_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:secret@db/x?table=t", "postgresql://ada:***@db/x?table=t"),
        ("postgresql:/ada:secret@db/x", "postgresql:/ada:***@db/x"),
        ("postgresql://ada:se@cr/et@db/x#select 1", "postgresql://ada:***@db/x#select 1"),
        ("postgresql://ada@db/x?sslpassword=secret&a=1", "postgresql://ada@db/x?sslpassword=***&a=1"),
        ("https://x/a.csv?X-Amz-Signature=secret&b=1", "https://x/a.csv?X-Amz-Signature=***&b=1"),
        ("https://x/a.csv?sig=secret#x", "https://x/a.csv?sig=***#x"),
        ("https://x/a.csv?design=1", "https://x/a.csv?design=1"),
        ("s3://lake/a@b.csv", "s3://lake/a@b.csv"),
        ("postgresql://ada@db/x#select ':@' from t", "postgresql://ada@db/x#select ':@' from t"),
    ],
)
def test_secrets_in_urls(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert bool(secrets_of(url)) == (url != shown)


def test_a_variable_is_no_secret() -> None:
    url = "postgresql://ada:${PGPASSWORD}@db/x?table=t"
    assert not secrets_of(url)
    with pytest.raises(UsageError, match="has no TREADLE_TEST_NOTHING"):
        read_table("sqlite:///${TREADLE_TEST_NOTHING}?table=t")


def test_tables_of_duckdb(tmp_path: Path) -> None:
    file = tmp_path / "rides.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.sql('create schema "my own"')
        connection.sql('create table "my own"."big rides" as select * from (values (2, 0.0), (1, null)) as t(id, fare)')
    url = f"duckdb:///{file}?table=my own.big rides"
    assert read_table(url).to_pydict() == {"id": [2, 1], "fare": [0.0, None]}
    assert digest_source(url) == digest_source(f'duckdb:///{file}#select * from "my own"."big rides"')
    with pytest.raises(DataSourceError, match="gone"):
        read_table(f"duckdb:///{file}?table=gone")
    for url in (f"duckdb:///{file}", f"duckdb:///{file}?table=t#select 1", f"duckdb:///{file}?table="):
        with pytest.raises(UsageError, match="names"):
            read_table(url)


def test_numbers_beyond_every_type_of_arrow_are_refused() -> None:
    assert read_table("duckdb://#select sum(n) as n from (values (1), (9223372036854775807)) as t(n)")[
        "n"
    ].to_pylist() == [Decimal(2**63)]
    with pytest.raises(ColumnTypeError, match="fits into no type") as caught:
        read_table("duckdb://#select 170141183460469231731687303715884105727::hugeint as n")
    assert "VARCHAR" in str(caught.value.hint)


def test_a_division_in_a_query_stays_one(tmp_path: Path) -> None:
    url = "duckdb://#select 7 // 2 as n"
    assert list_spans(url)[0].paths == (url,)
    assert read_table(url)["n"].to_pylist() == [3]


def sqlite(tmp_path: Path, *statements: str) -> str:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    file = tmp_path / "a.db"
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return f"sqlite:///{file}"


@pytest.mark.engines
def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    with pytest.raises(DataFileNotFoundError, match="no such database"):
        read_table(f"sqlite:///{tmp_path}/none.db?table=t")
    assert not list(tmp_path.iterdir())


@pytest.mark.engines
def test_tables_come_in_the_order_of_their_key(tmp_path: Path) -> None:
    url = sqlite(
        tmp_path,
        "create table rides (fare real, id integer not null, part text, primary key (part, id))",
        "insert into rides values (1.5, 2, 'b'), (0.0, 1, 'b'), (null, 9, 'a')",
        "create view cheap as select id from rides where fare < 1",
    )
    assert read_table(f"{url}?table=rides").to_pydict() == {
        "fare": [None, 0.0, 1.5], "id": [9, 1, 2], "part": ["a", "b", "b"],
    }  # fmt: skip
    assert read_table(f"{url}?table=cheap").to_pydict() == {"id": [1]}
    with pytest.raises(DataSourceError, match="no table 'gone'"):
        read_table(f"{url}?table=gone")
    with pytest.raises(DataSourceError, match="two columns the name 'id'"):
        read_table(f"{url}#select id, fare as id from rides")


@pytest.mark.engines
def test_many_rows_whose_first_have_no_value(tmp_path: Path) -> None:
    rows = "with recursive n(i) as (select 0 union all select i + 1 from n where i < 69999) select i, "
    url = sqlite(tmp_path, f"create table t as {rows} case when i > 66000 then i end as late from n")
    table = read_table(f"{url}?table=t")
    assert table.num_rows == 70_000
    assert table["late"].null_count == 66_001
    assert table["late"].to_pylist()[-1] == 69_999


@pytest.mark.engines
def test_a_column_that_changes_its_type_far_down(tmp_path: Path) -> None:
    rows = "with recursive n(i) as (select 0 union all select i + 1 from n where i < 69999) select "
    url = sqlite(tmp_path, f"create table t as {rows} case when i >= 65536 then 'x' else i end as v from n")
    with pytest.raises(ColumnTypeError, match="changes its type"):
        read_table(f"{url}?table=t")


@pytest.mark.engines
def test_a_password_in_what_a_database_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'treadle[postgres]'")
    monkeypatch.setenv("RIDES_PASSWORD", "hunter2/@:#")
    for url in (
        f"postgresql://ada:hunter2@/rides?host={tmp_path}&table=t",
        f"postgresql://ada:hunter2@/rides?host={tmp_path}#select 1",
        f"postgresql://ada:${{RIDES_PASSWORD}}@/rides?host={tmp_path}&table=t",
        "postgresql://ada:hunter2@db:port/rides?table=t",
        f"postgresql://ada@/rides?host={tmp_path}&password=hunter2&table=t",
        "postgresql+nothing://ada:hunter2@db/rides?table=t",
    ):
        kind = MissingDependencyError if "nothing" in url else DataSourceError
        with pytest.raises(kind, match="refuses|driver is not installed") as caught:
            read_table(url)
        assert "hunter2" not in f"{caught.value} {caught.value.to_dict()} {caught.value.__cause__}"


@pytest.mark.engines
def test_tables_of_postgresql(postgres_url: str) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create table rides (id int primary key, fare numeric, at timestamptz, ok boolean)")
        connection.execute("insert into rides values (2, 12.50, '2020-01-01T00:00Z', true), (1, 0, null, null)")
        connection.execute("insert into rides select 10 + n, 1.5 * n from generate_series(1, 70000) as n")
    table = read_table(f"{postgres_url}&table=rides")
    assert table.num_rows == 70_002
    assert [row | {"at": None} for row in table.slice(0, 2).to_pylist()] == [
        {"id": 1, "fare": 0.0, "at": None, "ok": None},
        {"id": 2, "fare": 12.5, "at": None, "ok": True},
    ]
    assert table["fare"].to_pylist()[-1] == float(Decimal("1.5") * 70_000)
    assert digest_source(f"{postgres_url}&table=rides") == digest_source(f"{postgres_url}&table=rides")
