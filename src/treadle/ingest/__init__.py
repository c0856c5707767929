"""Data in: files of many spans become Examples, whose rows have names, types and a split.

Zeros stay zeros and nulls stay nulls; rows in equal rows out plus rows excluded, and that is checked. The same
bytes give the same Examples.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from treadle.config import masked, secrets_of

if TYPE_CHECKING:
    from treadle.ingest._about import About, SourceFacts
    from treadle.ingest._build import build_examples
    from treadle.ingest._card import data_card
    from treadle.ingest._croissant import croissant, missing_properties
    from treadle.ingest._examples import ROW_ID, ExamplesReader, read_examples
    from treadle.ingest._extend import extend_examples
    from treadle.ingest._filter import keep_mask
    from treadle.ingest._keep_rows import keep_rows
    from treadle.ingest._leakage import Leakage, SharedRows, find_leakage
    from treadle.ingest._manifest import Manifest, Source
    from treadle.ingest._partition import ExamplesPart, ScanPart
    from treadle.ingest._places import PathLike, digest_source, is_url
    from treadle.ingest._quarantine import read_quarantine
    from treadle.ingest._rows_seen import RowSeen, rows_seen
    from treadle.ingest._scan import Scan, conform, read_table, scan
    from treadle.ingest._select import select_spans
    from treadle.ingest._span_rows import SpanRows
    from treadle.ingest._spans import SpanFiles, list_spans

__all__ = [
    "ROW_ID",
    "About",
    "ExamplesPart",
    "ExamplesReader",
    "Leakage",
    "Manifest",
    "PathLike",
    "RowSeen",
    "Scan",
    "ScanPart",
    "SharedRows",
    "Source",
    "SourceFacts",
    "SpanFiles",
    "SpanRows",
    "build_examples",
    "conform",
    "croissant",
    "data_card",
    "digest_source",
    "extend_examples",
    "find_leakage",
    "is_url",
    "keep_mask",
    "keep_rows",
    "list_spans",
    "masked",
    "missing_properties",
    "read_examples",
    "read_quarantine",
    "read_table",
    "rows_seen",
    "scan",
    "secrets_of",
    "select_spans",
]

# Looking up spans and digests of files is asked for before every run; only what reads rows loads Arrow.
_LATER = {
    "About": "_about",
    "ExamplesPart": "_partition",
    "ExamplesReader": "_examples",
    "Leakage": "_leakage",
    "Manifest": "_manifest",
    "PathLike": "_places",
    "ROW_ID": "_examples",
    "RowSeen": "_rows_seen",
    "Scan": "_scan",
    "ScanPart": "_partition",
    "SharedRows": "_leakage",
    "Source": "_manifest",
    "SourceFacts": "_about",
    "SpanFiles": "_spans",
    "SpanRows": "_span_rows",
    "build_examples": "_build",
    "conform": "_scan",
    "croissant": "_croissant",
    "data_card": "_card",
    "digest_source": "_places",
    "extend_examples": "_extend",
    "find_leakage": "_leakage",
    "is_url": "_places",
    "keep_mask": "_filter",
    "keep_rows": "_keep_rows",
    "list_spans": "_spans",
    "missing_properties": "_croissant",
    "read_examples": "_examples",
    "read_quarantine": "_quarantine",
    "read_table": "_scan",
    "rows_seen": "_rows_seen",
    "scan": "_scan",
    "select_spans": "_select",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
