"""The rows of an SQL query or of a table: DuckDB itself, or any database that SQLAlchemy knows.

    duckdb:///rides.duckdb#select * from rides order by id
    postgresql://reader:${PGPASSWORD}@db/rides?table=public.trips

The query runs once; what it gave is what is digested and read. A table comes in the order of its primary key. Without
``order by`` a database may give other rows first the next time, which then counts as other data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pyarrow as pa

from treadle.config import expanded, masked, without_secrets
from treadle.errors import (
    ColumnTypeError,
    DataError,
    DataFileNotFoundError,
    DataSourceError,
    MissingDependencyError,
    UsageError,
)
from treadle.ingest.sources import _arrow_ipc
from treadle.ingest.sources._promise import Opened, Reading

SUFFIXES = ()
SCHEMES = (
    "duckdb", "sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "snowflake", "bigquery",
    "redshift", "trino",
)  # fmt: skip

_ROWS = 65536


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """No file is a query."""
    return False


def fetch(url: str, folder: Path) -> Path:
    """Run the query of ``DATABASE-URL#QUERY``, or read that of ``DATABASE-URL?table=NAME``, into an Arrow file.

    Raises:
        UsageError: The URL names neither a query nor a table, or both; or an environment variable that is not there.
        DataSourceError: The database refuses.
        MissingDependencyError: SQLAlchemy is not installed.
    """
    address, table, query = _parts(url)
    address = expanded(address)
    out = folder / "query.arrow"
    read = _duckdb if address.startswith("duckdb:") else _sqlalchemy
    batches = read(address, table, query, folder)
    first = next(batches)
    with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
    return out


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows that :func:`fetch` wrote."""
    return _arrow_ipc.open_source(path, reading)


def _parts(url: str) -> tuple[str, str, str]:
    """The database, and the name of a table or the text of a query."""
    address, _, query = url.partition("#")
    base, mark, settings = address.partition("?")
    table = ""
    if mark:
        fields = parse_qsl(settings, keep_blank_values=True)
        table = dict(fields).get("table", "")
        if table:
            rest = urlencode([field for field in fields if field[0] != "table"], safe="${}/,")
            address = f"{base}?{rest}" if rest else base
    if bool(table) == bool(query.strip()):
        raise UsageError(
            "The URL names both a table and a query." if table else "The URL names no table and no query.",
            where={"url": masked(url)},
            hint="Write DATABASE-URL?table=NAME or 'DATABASE-URL#select ...'.",
        )
    return address, table, query


def _duckdb(address: str, table: str, query: str, folder: Path) -> Iterator[pa.RecordBatch]:  # noqa: ARG001
    import duckdb

    file = address.removeprefix("duckdb:").removeprefix("//").removeprefix("/")
    if table:
        quoted = (f'"{part.replace(chr(34), chr(34) * 2)}"' for part in table.split("."))
        query = f"select * from {'.'.join(quoted)}"  # in the order in which rows were written
    try:
        connection = duckdb.connect(file or ":memory:", read_only=bool(file))
        try:
            reader = connection.sql(query).to_arrow_reader(_ROWS)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            for batch in reader:
                batch.validate(full=True)  # HUGEINT holds numbers that no type of Arrow does
                yield batch
        finally:
            connection.close()
    except duckdb.Error as error:
        raise _refused(address, error) from error
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(
            f"A value of the query fits into no type: {error}.",
            where={"url": masked(address)},
            hint="Cast the column to VARCHAR or DOUBLE in the query.",
        ) from error


def _sqlalchemy(address: str, table: str, query: str, folder: Path) -> Iterator[pa.RecordBatch]:
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingDependencyError(
            "Databases other than DuckDB are read through SQLAlchemy, which is not installed.",
            hint="pip install 'treadle[sql]', and the database's own driver.",
        ) from error
    try:
        engine = sqlalchemy.create_engine(_with_driver(address))
        _check_file(engine.url, address)
        try:
            with engine.connect() as connection:
                statement = _of_table(connection, table) if table else sqlalchemy.text(query)
                result = connection.execution_options(stream_results=True).execute(statement)
                yield from _batches(list(result.keys()), result.partitions(_ROWS), address, folder)
        finally:
            engine.dispose()
    except sqlalchemy.exc.NoSuchTableError as error:
        raise DataSourceError(f"There is no table {table!r}.", where={"url": masked(address)}) from error
    except DataError:
        raise
    # what is raised below may hold the URL, and a trace would show it
    except (sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
        raise MissingDependencyError(
            f"The database's driver is not installed: {without_secrets(str(error), address)}.",
            where={"url": masked(address)},
            hint="Install the one that the URL names, as pymysql for mysql+pymysql://.",
        ) from None
    # a driver checks some settings by itself and then raises errors of its own
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, OSError) as error:
        raise _refused(address, error) from None


def _check_file(url: Any, address: str) -> None:
    """SQLite makes a database where there is none."""
    file = url.database if url.get_backend_name() == "sqlite" else None
    if file and not file.startswith((":memory:", "file:")) and not Path(file).is_file():
        raise DataFileNotFoundError("There is no such database.", where={"url": masked(address)})


def _of_table(connection: Any, name: str) -> Any:
    """All rows of a table or view, in the order of its primary key."""
    import sqlalchemy

    namespace, _, plain = name.rpartition(".")
    table = sqlalchemy.Table(plain, sqlalchemy.MetaData(), schema=namespace or None, autoload_with=connection)
    return sqlalchemy.select(table).order_by(*table.primary_key)


def _with_driver(address: str) -> str:
    """PostgreSQL with the driver that is there: psycopg 3, unless the older one is."""
    address = re.sub(r"^postgres(?=[:+])", "postgresql", address)
    if address.startswith("postgresql:") and find_spec("psycopg2") is None:
        return address.replace("postgresql:", "postgresql+psycopg:", 1)
    return address


def _batches(names: list[str], partitions: Any, address: str, folder: Path) -> Iterator[pa.RecordBatch]:
    """Rows as batches of one schema, which is known only when all have been seen: they wait in files until then."""
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataSourceError(
            f"The query gives two columns the name {repeated!r}.",
            where={"url": masked(address), "column": repeated},
            hint="Name one of them with AS.",
        )
    schemas = [pa.schema([(name, pa.null()) for name in names])]
    parts = []
    where = {"url": masked(address)}
    for number, rows in enumerate(partitions):
        try:
            part = pa.table({name: pa.array([row[place] for row in rows]) for place, name in enumerate(names)})
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise ColumnTypeError(
                f"A column of the query holds values of several types: {error}.", where=where
            ) from error
        schemas.append(part.schema)
        parts.append(folder / f"part-{number}.arrow")
        with pa.OSFile(str(parts[-1]), "wb") as sink, pa.ipc.new_file(sink, part.schema) as writer:
            writer.write_table(part)
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
        yield pa.RecordBatch.from_pylist([], schema=schema)
        for path in parts:
            with pa.OSFile(str(path)) as stream:
                yield from pa.ipc.open_file(stream).read_all().cast(schema).to_batches()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ColumnTypeError(f"A column of the query changes its type: {error}.", where=where) from error


def _refused(address: str, error: Exception) -> DataSourceError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return DataSourceError(f"The database refuses: {without_secrets(said, address)}", where={"url": masked(address)})
