"""The formats that data come in, each a module of its own behind one promise.

A package adds one by an entry point in the group ``treadle.sources``; Treadle's own come through the same door.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.ingest.sources._find import GROUP, format_of, formats, scheme_of
from treadle.ingest.sources._remote import fetch_file, list_urls

if TYPE_CHECKING:
    from treadle.ingest.sources._faulty import convert_values
    from treadle.ingest.sources._parquet import ParquetSource, open_parquet, parquet_errors
    from treadle.ingest.sources._promise import Format, Opened, Reading, Refused, TableSource, shown

__all__ = [
    "GROUP",
    "Format",
    "Opened",
    "ParquetSource",
    "Reading",
    "Refused",
    "TableSource",
    "convert_values",
    "fetch_file",
    "format_of",
    "formats",
    "list_urls",
    "open_parquet",
    "parquet_errors",
    "scheme_of",
    "shown",
]

# What is no data yet, a name or a URL, is looked at without loading Arrow.
_LATER = {
    "Format": "_promise",
    "Opened": "_promise",
    "ParquetSource": "_parquet",
    "Reading": "_promise",
    "Refused": "_promise",
    "TableSource": "_promise",
    "convert_values": "_faulty",
    "open_parquet": "_parquet",
    "parquet_errors": "_parquet",
    "shown": "_promise",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
