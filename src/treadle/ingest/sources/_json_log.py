"""JSON logs as Fluentd and Logstash write them.

A line is one JSON object, or ``time TAB tag TAB object`` as Fluentd's file output writes it; ``time`` and ``tag``
become columns. Objects inside objects become columns named with dots.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from treadle.errors import CorruptFileError, EmptyFileError
from treadle.ingest.sources._chunks import text_chunks
from treadle.ingest.sources._json_rows import Row, parse_object, rows_to_table
from treadle.ingest.sources._promise import Opened, Reading, Refused, TableSource, shown

SUFFIXES = (".log", ".jsonlog")
SCHEMES = ()

_TIMES = ("time", "@timestamp", "timestamp")


def is_format(head: bytes) -> bool:  # noqa: ARG001
    """A log that is JSON Lines is read as JSON Lines."""
    return False


def open_source(path: Path, reading: Reading) -> Opened:
    """The lines of a log. Options: ``encoding``, and ``event_time``: the field that holds the time.

    The time becomes a moment in UTC; without the option it is ``time``, ``@timestamp`` or ``timestamp``, if every
    value of it is one.
    """
    reading.only(path, "encoding", "event_time")
    refused: list[Refused] = []
    rows = list(_rows(path, reading, refused))
    if not rows and not refused:
        raise EmptyFileError("The log holds no line.", where={"file": path})
    time = reading.option("event_time", None)
    text = [name for name, feature in (reading.schema.features if reading.schema else {}).items()
            if feature.type == "string" and not feature.list]  # fmt: skip
    for name in [time] if time else [name for name in _TIMES if name not in text]:
        _moments(rows, name)
    table, wrong = rows_to_table(rows, path, reading, text)
    return TableSource(table, sorted(refused + wrong, key=lambda fault: fault.row))


def _rows(path: Path, reading: Reading, refused: list[Refused]) -> Iterator[Row]:
    number = 0
    for chunk in text_chunks(path, reading):
        for line in chunk.split(b"\n"):
            if not line.strip():
                continue
            number += 1
            try:
                yield Row(number, _fields(line.decode("utf-8")))
            except ValueError as error:
                if not reading.lenient:
                    raise CorruptFileError(
                        f"The line is no JSON log line: {error}.", where={"file": path, "row": number}
                    ) from error
                refused.append(Refused(number, "malformed", None, shown(line)))


def _fields(line: str) -> dict[str, Any]:
    parts = line.split("\t", 2)
    if len(parts) == 3 and not line.lstrip().startswith("{"):
        fields = {"time": parts[0], "tag": parts[1]}
        record = _flat(parse_object(parts[2]))
        # what the program logged under these names is kept beside what the collector said
        return fields | {(f"record.{name}" if name in fields else name): value for name, value in record.items()}
    return _flat(parse_object(line))


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        for key, item in (
            _flat(value, f"{prefix}{name}.").items() if isinstance(value, dict) else [(prefix + name, value)]
        ):
            if key in flat:
                raise ValueError(f"the name {key!r} stands twice")
            flat[key] = item
    return flat


def _moments(rows: list[Row], name: str) -> None:
    """Turn a field into moments of UTC, if every value of it is one."""
    values = [row.fields[name] for row in rows if row.fields.get(name) is not None]
    try:
        moments = iter([_moment(value) for value in values])
    except (ValueError, OverflowError):
        return
    for row in rows:
        if row.fields.get(name) is not None:
            row.fields[name] = next(moments)


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no moment")
    if not isinstance(value, str):
        return datetime.fromtimestamp(value, UTC)  # seconds since 1970, as Fluentd's "time_type float"
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
