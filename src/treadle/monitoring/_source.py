"""What a source delivered, span by span, remembered: it can be judged when the files are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.artifact import canonical_json
from treadle.errors import CorruptFileError, EmptyFileError, UsageError
from treadle.ingest import SpanFiles, digest_source, list_spans, scan
from treadle.validation import SpanSeen

if TYPE_CHECKING:
    from treadle.ingest import PathLike

FORMAT = "treadle.source/1"
_NUMBERS_FROM = datetime(1970, 1, 1)
# what the names of spans say: the field of the pattern, how it is read, and how long such a span is
_CALENDAR: tuple[tuple[str, str, timedelta | int], ...] = (
    ("{DD}", "%Y-%m-%d", timedelta(days=1)),
    ("{MM}", "%Y-%m", 1),
    ("{YYYY}", "%Y", 12),
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The spans that a source has delivered, the oldest first."""

    spans: tuple[SpanSeen, ...] = ()
    looked: datetime | None = None
    """When somebody last looked; ``None`` before the first time."""

    def save(self, path: Path) -> None:
        """Write it as canonical JSON."""
        fields = {"format": FORMAT, "looked": _text(self.looked), "spans": [_fields(span) for span in self.spans]}
        path.write_bytes(canonical_json(fields) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Delivered:
        """Read what :meth:`save` wrote.

        Raises:
            CorruptFileError: It is something else.
        """
        try:
            fields = json.loads(path.read_bytes())
            if fields["format"] != FORMAT:
                raise ValueError(f"its format is not {FORMAT}")
            spans = tuple(
                SpanSeen(**{**span, "start": _moment(span["start"]), "arrived": _moment(span["arrived"])})
                for span in fields["spans"]
            )
            return cls(spans, _moment(fields["looked"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorruptFileError(f"What a source delivered cannot be read: {error}.", where={"file": path}) from error


def look_at_source(
    pattern: str,
    *,
    now: datetime,
    before: Delivered | None = None,
    rows: Mapping[str, int] | None = None,
    reread: int | None = None,
    by_file_time: bool = False,
) -> Delivered:
    """List the spans there are now and add them to those that were there before.

    A span that was not there at the last look has arrived since: it says it came at that look, the earliest there can
    be. At the first look nobody knows when the spans came.

    Args:
        pattern: The files, with ``{YYYY}-{MM}``, ``{DD}`` or ``{SPAN}``, as for ``ingest``.
        now: The time.
        before: What is known already; spans whose files are gone stay.
        rows: Digest of a file -> its rows, of files that somebody has read.
        reread: Only so many of the newest spans are read again if their version is known; all by default.
        by_file_time: Take the time of local files for their arrival; copies do not have it.

    Raises:
        UsageError: The pattern names no spans.
        DataError: The files cannot be read.
    """
    before = before or Delivered()
    try:
        found = list_spans(pattern)
    except FileNotFoundError:
        if not before.spans:
            raise
        found = []  # all files are gone
    if found and not found[0].span:
        raise UsageError(
            "The pattern names no spans.", where={"pattern": pattern}, hint="Put {YYYY}-{MM}, {DD} or {SPAN} into it."
        )
    known = {span.name: span for span in before.spans}
    counted = {**{span.digest: span.rows for span in before.spans if span.digest}, **(rows or {})}
    kept = len(found) - (len(found) if reread is None else reread)
    for number, files in enumerate(found):
        earlier = known.get(files.span)
        if earlier is not None and number < kept and earlier.version == files.version:
            continue
        seen = _seen(files, pattern, counted)
        if by_file_time:
            seen = replace(seen, arrived=_file_time(files.paths))
        elif earlier is not None:
            seen = replace(seen, arrived=earlier.arrived)
        else:
            seen = replace(seen, arrived=before.looked)
        known[files.span] = seen
    return Delivered(tuple(sorted(known.values(), key=lambda span: span.start)), now)


def span_length(pattern: str) -> timedelta | int | None:
    """How long a span is by the names of the files: a time, or calendar months; ``None`` where spans are numbers."""
    return next((every for field, _, every in _CALENDAR if field in pattern), None)


def _seen(files: SpanFiles, pattern: str, counted: Mapping[str, int]) -> SpanSeen:
    form = next((form for field, form, _ in _CALENDAR if field in pattern), None)
    start = datetime.strptime(files.span, form) if form else _NUMBERS_FROM + timedelta(days=int(files.span))
    digests = {}
    for path in files.paths:
        with suppress(EmptyFileError):
            digests[path] = digest_source(path)
    whole = ",".join(digests.values()) or None
    rows = counted.get(whole) if whole else 0
    if rows is None:
        rows = sum(counted[digest] if digest in counted else scan(path).num_rows for path, digest in digests.items())
    return SpanSeen(start, rows, None, whole, files.span, files.version)


def _file_time(paths: Sequence[PathLike]) -> datetime | None:
    times = [path.stat().st_mtime for path in paths if isinstance(path, Path)]
    return datetime.fromtimestamp(max(times)) if times else None


def _fields(span: SpanSeen) -> dict[str, Any]:
    return {**asdict(span), "start": _text(span.start), "arrived": _text(span.arrived)}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
