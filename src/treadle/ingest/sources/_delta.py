"""Delta tables by version, through the extra ``delta``.

    delta:///data/rides?version=12
    delta://s3/bucket/rides

Without a version the newest is read. What the table holds is written to an Arrow file once; the digest and the rows are
of the same bytes. A Delta table has no order of rows: that of its files is taken, sorted by their names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from treadle.errors import DataSourceError, MissingDependencyError, UsageError
from treadle.ingest.sources import _arrow_ipc
from treadle.ingest.sources._promise import Opened, Reading

SUFFIXES = ()
SCHEMES = ("delta",)

_URL = re.compile(r"delta://(?P<place>[^?]+)(?:\?version=(?P<version>\d+))?")


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """No file is a table."""
    return False


def pin(url: str, version: int | None = None) -> tuple[str, int]:
    """The URL of one version of a table and its number: of ``version``, or the one that the URL means now.

    Raises:
        UsageError: The URL is no ``delta://PLACE?version=NUMBER``.
        DataSourceError: There is no such table or version.
        MissingDependencyError: ``deltalake`` is not installed.
    """
    found = int(_load(url).version()) if version is None else version
    return f"{url.partition('?')[0]}?version={found}", found


def fetch(url: str, folder: Path) -> Path:
    """Write the rows of a version of a table to an Arrow file; errors as :func:`pin`."""
    table = _load(url)
    out = folder / "table.arrow"
    try:
        dataset = table.to_pyarrow_dataset()
        with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, dataset.schema) as writer:
            for fragment in sorted(dataset.get_fragments(), key=lambda part: str(part.path)):
                for batch in fragment.to_batches(schema=dataset.schema, use_threads=False):
                    writer.write_batch(batch)
    except Exception as error:
        raise _refused(url, error) from error
    return out


def open_source(path: Path, reading: Reading) -> Opened:
    """The rows that :func:`fetch` wrote."""
    return _arrow_ipc.open_source(path, reading)


def _load(url: str) -> Any:
    match = _URL.fullmatch(url)
    if match is None:
        raise UsageError("The URL names no table.", where={"url": url}, hint="Write delta://PLACE?version=NUMBER.")
    try:
        import deltalake
    except ImportError as error:
        raise MissingDependencyError(
            "Delta tables are read through deltalake, which is not installed.", hint="pip install 'treadle[delta]'"
        ) from error
    place, version = match["place"], match["version"]
    store, _, rest = place.partition("/")
    place = f"{store}://{rest}" if store in ("s3", "gs", "az", "abfss") else place
    try:
        return deltalake.DeltaTable(place, version=None if version is None else int(version))
    except Exception as error:
        raise _refused(url, error) from error


def _refused(url: str, error: Exception) -> DataSourceError:
    """What deltalake, or the store below it, raised, as one sentence."""
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return DataSourceError(f"The table cannot be read: {reason}.", where={"url": url})
