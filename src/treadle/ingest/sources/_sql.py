"""The rows of an SQL query: DuckDB itself, or any database that SQLAlchemy knows.

    duckdb:///rides.duckdb#select * from rides order by id
    postgresql+psycopg://reader@db/rides#select * from rides order by id

The query runs once; what it gave is what is digested and read. Without ``order by`` a database may give other rows
first the next time, which then counts as other data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle.errors import ColumnTypeError, DataSourceError, MissingDependencyError, UsageError
from treadle.ingest.sources import _arrow_ipc
from treadle.ingest.sources._promise import Opened, Reading

SUFFIXES = ()
SCHEMES = (
    "duckdb", "sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle", "snowflake", "bigquery", "redshift",
    "trino",
)  # fmt: skip

_ROWS = 65536


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """No file is a query."""
    return False


def fetch(url: str, folder: Path) -> Path:
    """Run the query of ``DATABASE-URL#QUERY`` and write its rows to an Arrow file.

    Raises:
        UsageError: There is no query behind a ``#``.
        DataSourceError: The database refuses.
        MissingDependencyError: SQLAlchemy is not installed.
    """
    address, _, query = url.partition("#")
    if not query.strip():
        raise UsageError("The URL names no query.", where={"url": masked(url)}, hint="Write DATABASE-URL#select ...")
    out = folder / "query.arrow"
    batches = _duckdb(address, query) if address.startswith("duckdb:") else _sqlalchemy(address, query)
    first = next(batches)
    with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
    return out


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows that :func:`fetch` wrote."""
    return _arrow_ipc.open_source(path, reading)


def masked(url: str) -> str:
    """The URL without its password."""
    return re.sub(r"(://[^:/@#]*):[^@/#]*@", r"\1:***@", url)


def _duckdb(address: str, query: str) -> Iterator[pa.RecordBatch]:
    import duckdb

    file = address.removeprefix("duckdb:").removeprefix("//").removeprefix("/")
    try:
        connection = duckdb.connect(file or ":memory:", read_only=bool(file))
        try:
            reader = connection.sql(query).to_arrow_reader(_ROWS)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader
        finally:
            connection.close()
    except duckdb.Error as error:
        raise _refused(address, error) from error


def _sqlalchemy(address: str, query: str) -> Iterator[pa.RecordBatch]:
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingDependencyError(
            "Databases other than DuckDB are read through SQLAlchemy, which is not installed.",
            hint="pip install 'treadle[sql]', and the database's own driver.",
        ) from error
    try:
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            result = connection.execution_options(stream_results=True).execute(sqlalchemy.text(query))
            yield from _batches(list(result.keys()), result.partitions(_ROWS), address)
        engine.dispose()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise _refused(address, error) from error


def _batches(names: list[str], partitions: Any, address: str) -> Iterator[pa.RecordBatch]:
    """Rows as batches of one schema: that of the first rows, in which a column may still be without a value."""
    tables: list[pa.Table] = []
    for rows in partitions:
        try:
            tables.append(pa.table({name: pa.array([row[place] for row in rows]) for place, name in enumerate(names)}))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise ColumnTypeError(
                f"A column of the query holds values of several types: {error}.", where={"url": masked(address)}
            ) from error
    try:
        table = (
            pa.concat_tables(tables, promote_options="default")
            if tables
            else pa.table({name: pa.nulls(0) for name in names})
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ColumnTypeError(
            f"A column of the query changes its type: {error}.", where={"url": masked(address)}
        ) from error
    yield from table.to_batches(_ROWS) or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _refused(address: str, error: Exception) -> DataSourceError:
    return DataSourceError(
        f"The database refuses: {(str(error).splitlines() or [type(error).__name__])[0]}",
        where={"url": masked(address)},
    )
