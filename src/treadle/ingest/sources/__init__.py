"""The formats that data come in, each a module of its own behind one promise.

A package adds one by an entry point in the group ``treadle.sources``; Treadle's own come through the same door.
"""

from treadle.ingest.sources._faulty import convert_values
from treadle.ingest.sources._find import GROUP, format_of, formats, scheme_of
from treadle.ingest.sources._parquet import ParquetSource, open_parquet, parquet_errors
from treadle.ingest.sources._promise import Format, Opened, Reading, Refused, TableSource, shown
from treadle.ingest.sources._remote import fetch_file, list_urls

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
