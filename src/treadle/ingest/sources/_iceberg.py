"""A snapshot of an Iceberg table, written to an Arrow file: columns by their present names, deleted rows left out.

    iceberg://lake/rides.trips?snapshot=8841204608733493210
    iceberg://lake/rides.trips?ref=audited        a branch or a tag

``lake`` is a catalogue that pyiceberg's configuration knows: ``.pyiceberg.yaml``, or the environment, as
``PYICEBERG_CATALOG__LAKE__URI``. So no password is in a URL. Without a snapshot the newest is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle.errors import DataSourceError, MissingDependencyError, TreadleError, UsageError
from treadle.ingest.sources import _arrow_ipc
from treadle.ingest.sources._promise import Opened, Reading

SUFFIXES = ()
SCHEMES = ("iceberg",)

_URL = re.compile(r"iceberg://(?P<catalog>[^/?]+)/(?P<table>[^/?]+\.[^/?]+)(?:\?(?P<what>snapshot|ref)=(?P<value>.+))?")


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """No file is a table."""
    return False


def pin(url: str, version: int | None = None) -> tuple[str, int]:
    """The URL of one snapshot and its number: of ``version``, or the one that the URL means now.

    Raises:
        UsageError: The URL is no ``iceberg://CATALOG/NAMESPACE.TABLE``.
        DataSourceError: There is no such catalogue, table or snapshot.
        MissingDependencyError: ``pyiceberg`` is not installed.
    """
    found = _snapshot(_load(url), url) if version is None else version
    return f"{url.partition('?')[0]}?snapshot={found}", found


def fetch(url: str, folder: Path) -> Path:
    """Write the rows of a snapshot to an Arrow file; errors as :func:`pin`."""
    table = _load(url)
    scan = table.scan(snapshot_id=_snapshot(table, url))
    out = folder / "table.arrow"
    _told(url, lambda: _write(scan, out))
    return out


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows that :func:`fetch` wrote."""
    return _arrow_ipc.open_source(path, reading)


def _load(url: str) -> Any:
    match = _URL.fullmatch(url)
    if match is None:
        raise UsageError(
            "The URL names no table.",
            where={"url": url},
            hint="Write iceberg://CATALOG/NAMESPACE.TABLE, and ?snapshot=NUMBER or ?ref=NAME.",
        )
    try:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.utils.config import Config
    except ImportError as error:
        raise MissingDependencyError(
            "Iceberg tables are read through pyiceberg, which is not installed.", hint="pip install 'treadle[iceberg]'"
        ) from error
    # read now: pyiceberg itself looks at files and environment once, when it is imported
    settings = Config().get_catalog_config(match["catalog"]) or {}

    def load() -> Any:
        catalog = load_catalog(match["catalog"], **settings)
        try:
            return catalog.load_table(match["table"])
        finally:
            if hasattr(catalog, "close"):  # since pyiceberg 0.11
                catalog.close()

    return _told(url, load)


def _snapshot(table: Any, url: str) -> int:
    """The number of the snapshot that a URL means."""
    match = _URL.fullmatch(url)
    assert match is not None
    what, value = match["what"], match["value"]
    if what == "snapshot":
        if not value.isdigit() or table.snapshot_by_id(int(value)) is None:
            known = ", ".join(str(kept.snapshot_id) for kept in table.metadata.snapshots[-3:])
            raise DataSourceError(
                f"The table has no snapshot {value}.", where={"url": url}, hint=f"The newest are {known or 'none'}."
            )
        return int(value)
    found = table.snapshot_by_name(value) if what == "ref" else table.current_snapshot()
    if found is None:
        raise DataSourceError(
            f"The table has no branch or tag {value!r}." if what else "The table has no snapshot: nobody wrote to it.",
            where={"url": url},
            hint=f"There are {', '.join(sorted(table.metadata.refs)) or 'none'}." if what else None,
        )
    return int(found.snapshot_id)


def _write(scan: Any, out: Path) -> None:
    """One data file after the other, in the order of their names, so that memory holds one at a time."""
    from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow

    reader = ArrowScan(scan.table_metadata, scan.io, scan.projection(), scan.row_filter)
    schema = schema_to_pyarrow(scan.projection(), include_field_ids=False)
    with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in _batches(reader, sorted(scan.plan_files(), key=lambda task: str(task.file.file_path))):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def _batches(reader: Any, tasks: list[Any]) -> Iterator[pa.RecordBatch]:
    for task in tasks:
        yield from reader.to_record_batches([task])


def _told(url: str, work: Callable[[], Any]) -> Any:
    """Do it; what pyiceberg, its catalogue or its file system raises becomes one sentence."""
    try:
        return work()
    except TreadleError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"The catalogue needs a package that is not installed: {error}.",
            where={"url": url},
            hint="A catalogue in a database needs pip install 'treadle[sql]'; tables in S3 need 'treadle[s3]'.",
        ) from error
    except Exception as error:  # pyiceberg's errors have no root of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        hint = "Check the catalogue's name in .pyiceberg.yaml, or PYICEBERG_CATALOG__NAME__URI."
        if "equality deletes" in reason:  # as Flink writes them: better no rows than rows that were deleted
            hint = "Have the table compacted by what writes it; in Spark, CALL system.rewrite_data_files(...)."
        raise DataSourceError(f"The table cannot be read: {reason}.", where={"url": url}, hint=hint) from error
