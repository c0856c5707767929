"""How a CSV file writes its rows: declared, or seen in its first line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv

from treadle.errors import CorruptFileError, TextEncodingError, UsageError
from treadle.ingest.sources._promise import Reading

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    decimal: str = "."

    def parse_options(self, *, single: bool) -> pa_csv.ParseOptions:
        """The dialect in Arrow's terms; ``single`` for a file of one column."""
        return pa_csv.ParseOptions(
            delimiter=self.delimiter,
            quote_char=self.quote or False,
            escape_char=self.escape or False,
            newlines_in_values=self.quote is not None or self.escape is not None,
            # In a file of one column an empty line is a row without a value; skipping it would lose the row.
            ignore_empty_lines=not single,
        )


def dialect_of(path: Path, text: bytes, reading: Reading) -> Dialect:
    """The dialect of a file that begins with ``text``."""
    given = {name: reading.option(name, None) for name in ("delimiter", "quote", "escape", "decimal")}
    for name, value in given.items():
        if value is not None and not (isinstance(value, str) and (len(value) == 1 or (name == "quote" and not value))):
            raise UsageError(f"The option {name} is one character, not {value!r}.", where={"file": path})
    quote = '"' if given["quote"] is None else given["quote"] or None
    tab = ".tsv" in [suffix.lower() for suffix in path.suffixes[-2:]]
    delimiter = given["delimiter"] or ("\t" if tab else _seen(text, quote))
    return Dialect(delimiter, quote, given["escape"], given["decimal"] or ".")


def header_of(path: Path, text: bytes, dialect: Dialect, names: object) -> tuple[list[str], int]:
    """The names of the columns and how many bytes the header takes."""
    if names is not None:
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names) or not names:
            raise UsageError("The option names is a list of column names.", where={"file": path})
        return list(names), 0
    end, line = 0, ""
    while end < len(text):
        start = end
        end = text.find(b"\n", start) + 1 or len(text)
        try:
            line += text[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise not_utf8(path, 1, None) from error
        # a quoted name may hold line breaks
        if line.strip("\r\n") and (dialect.quote is None or line.count(dialect.quote) % 2 == 0):
            break
        line = line.lstrip("\r\n")
    options: dict[str, Any] = {"delimiter": dialect.delimiter, "escapechar": dialect.escape, "strict": True}
    if dialect.quote is None:
        options["quoting"] = csv.QUOTE_NONE
    else:
        options["quotechar"] = dialect.quote
    if "\r" in line.rstrip("\r\n") and "\n" not in line:
        line = line.split("\r", 1)[0]  # a file whose lines end as on machines of long ago
        end = len(line) + 1
    try:
        record = next(csv.reader(io.StringIO(line.rstrip("\r\n"), newline=""), **options))
    except (csv.Error, StopIteration) as error:
        raise CorruptFileError(f"The header is not CSV: {error}.", where={"file": path, "row": 1}) from error
    return record, end


def not_utf8(path: Path, row: int | None, column: str | None) -> TextEncodingError:
    """The error for bytes that are no UTF-8 text."""
    return TextEncodingError(
        "The text is not UTF-8.",
        where={"file": path, "row": row, "column": column},
        hint="Say which encoding it has, for example the option encoding=latin-1, or convert it with iconv.",
    )


def _seen(text: bytes, quote: str | None) -> str:
    """The delimiter of the first line: a comma if there is one, else the most frequent of the others."""
    line: bytes = next((part for part in text[:1_000_000].splitlines() if part.strip()), b"")
    if quote is not None:
        line = b"".join(line.split(quote.encode())[::2])
    found: Sequence[tuple[int, str]] = [(line.count(mark.encode()), mark) for mark in _DELIMITERS]
    if found[0][0] or not any(count for count, _ in found):
        return ","
    return max(found)[1]
