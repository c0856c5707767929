"""The request log by itself: what is written, what a torn file gives back, what is dropped and counted."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from client import Client, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout import lay_out

from treadle.artifact import PREDICTION_ID_COLUMN, REQUEST_LOG_COLUMNS, sealed_segments
from treadle.errors import RequestLogError
from treadle.schema import Feature, Schema
from treadle.serving import LogEntry, LogSchema, RequestLog, ServerProcess
from treadle.serving._segment import Segment
from treadle.serving._segment import recover as recover_file

SCHEMA = LogSchema(
    Schema({"x": Feature(name="x", type="float"), "s": Feature(name="s", type="string")}, event_time=None)
)
NOON = 1_538_395_200_000_000


def recover(folder: Path) -> list[Path]:
    return [sealed for path in sorted(folder.glob("*.open")) if (sealed := recover_file(path))]


def entry(*ids: str, model: str = "m", schema: LogSchema = SCHEMA, num_bytes: int = 100) -> LogEntry:
    columns = [[1.5] * len(ids), [None] * len(ids)]
    return LogEntry(model, 7, schema, columns, ids, [0.25] * len(ids), [1] * len(ids), NOON, num_bytes)


def ids_in(log: Path, model: str = "m") -> list[str]:
    return [
        id_ for path in sealed_segments(log, model) for id_ in pq.read_table(path)[PREDICTION_ID_COLUMN].to_pylist()
    ]


def test_a_closed_log_holds_what_was_put(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    log.start()
    log.put(entry("a", "b"))
    log.put(entry("c"))
    log.put(entry("d", model="n"))
    log.close()
    assert ids_in(tmp_path) == ["a", "b", "c"]
    assert ids_in(tmp_path, "n") == ["d"]
    [path] = sealed_segments(tmp_path, "m")
    assert path.name == "segment-20181001T120000.000000Z-0000.parquet"
    table = pq.read_table(path)
    assert table.column_names == ["x", "s", *REQUEST_LOG_COLUMNS]
    assert table.schema.field("x").type == pa.float64()
    assert table.schema.field("s").type == pa.string()
    assert table.to_pylist()[0]["__version__"] == 7
    assert log.counts.written == log.counts.sealed_rows == 4


def test_versions_with_other_columns_have_other_segments(tmp_path: Path) -> None:
    wider = LogSchema(Schema({name: Feature(name=name, type="int") for name in ("x", "s")}))
    same = LogSchema(Schema({"x": Feature(name="x", type="float"), "s": Feature(name="s", type="string")}))
    log = RequestLog(tmp_path)
    log.start()
    log.put(entry("a"))
    log.put(LogEntry("m", 8, wider, [[1], [2]], ["b"], [0.5], [0], NOON, 1))
    log.put(entry("c", schema=same))
    log.close()
    assert [pq.read_table(path).num_rows for path in sealed_segments(tmp_path, "m")] == [2, 1]


def test_what_does_not_fit_the_queue_is_dropped_and_counted(tmp_path: Path) -> None:
    log = RequestLog(tmp_path, queue_bytes=250)
    for number in range(5):  # nobody takes from the queue yet
        log.put(entry(f"{number}"))
    assert log.pending_bytes == 200
    log.start()
    log.close()
    assert ids_in(tmp_path) == ["0", "1"]
    assert (log.counts.written, log.counts.dropped_queue_full) == (2, 3)


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestLogError) as caught:
        RequestLog(tmp_path / "file" / "log")
    assert "--no-log" in str(caught.value)


def test_a_disk_that_is_full_costs_rows_of_the_log_and_no_answer(
    servables: Path, rides: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Files of the server may have 64 KiB: an append fails in the middle, as on a full disk."""
    lay_out(servables, tmp_path / "models", [1], champion=1)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limit[1]))
    try:
        server = ServerProcess(tmp_path / "models", log=tmp_path / "log")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    with server:
        client = Client(server)
        assert client.post({"instances": rides}).status == 200
        sent = len(rides)
        wait_until(lambda: metric(client, 'rows_total{outcome="written"}') == sent)

        def dropped() -> bool:
            nonlocal sent
            assert client.post({"instances": rides}).status == 200
            sent += len(rides)
            return metric(client, 'rows_total{outcome="dropped_write_failed"}') > 0

        wait_until(dropped)

        def settled() -> bool:
            written, lost = (
                metric(client, f'rows_total{{outcome="{o}"}}') for o in ("written", "dropped_write_failed")
            )
            return written + lost == sent

        wait_until(settled)
        written = metric(client, 'rows_total{outcome="written"}')
        assert len(rides) <= written < sent
        server.stop()
    ids = ids_in(tmp_path / "log", "taxi")
    assert len(ids) == len(set(ids)) == written


def metric(client: Client, name: str) -> float:
    for line in client.get("/metrics").data.decode().splitlines():
        if line.startswith("treadle_request_log_" + name):
            return float(line.rpartition(" ")[2])
    raise AssertionError(name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 5), max_size=4), cut=st.floats(0, 1), damage=st.booleans(), data=st.data())
def test_a_torn_file_gives_back_its_whole_frames(
    tmp_path: Path, sizes: list[int], cut: float, damage: bool, data: st.DataObject
) -> None:
    folder = tmp_path / "m"
    schema = pa.schema([("n", pa.int64())])
    segment = Segment.create(folder, schema, NOON)
    ends, rows = [segment.num_bytes], [0]
    for size in sizes:
        start = rows[-1]
        segment.append(pa.record_batch([pa.array(range(start, start + size))], schema=schema))
        ends.append(segment.num_bytes)
        rows.append(start + size)
    segment.abandon()
    content = segment.path.read_bytes()
    torn = bytearray(content[: int(cut * len(content))])
    whole = len(torn)
    damage = damage and bool(torn)
    if damage:
        whole = data.draw(st.integers(0, len(torn) - 1))
        torn[whole] ^= 0xFF
    segment.path.write_bytes(torn)
    if damage and whole < len(b"treadle.request-log/1 open\n"):
        with pytest.raises(RequestLogError):
            recover(folder)
        segment.path.unlink()
        return
    expected = max((row for row, end in zip(rows, ends, strict=True) if end <= whole), default=0)
    sealed = recover(folder)
    assert [n for path in sealed for n in pq.read_table(path)["n"].to_pylist()] == list(range(expected))
    for path in folder.iterdir():
        assert path.suffix == ".parquet"
        path.unlink()


def test_a_file_of_another_format_is_left_alone_and_the_log_starts(tmp_path: Path) -> None:
    stranger = tmp_path / "m" / "segment-x.open"
    stranger.parent.mkdir()
    stranger.write_bytes(b"treadle.request-log/9 open\n...")
    log = RequestLog(tmp_path)
    log.start()
    log.put(entry("a"))
    log.close()
    assert ids_in(tmp_path) == ["a"]
    assert stranger.exists()


def test_a_segment_in_use_is_not_recovered(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    segment = Segment.create(tmp_path, schema, NOON)
    segment.append(pa.record_batch([pa.array([1])], schema=schema))
    assert recover(tmp_path) == []
    second = Segment.create(tmp_path, schema, NOON)
    assert second.path != segment.path
    assert second.seal() is None
    assert segment.seal() == segment.path.with_suffix(".parquet")


def test_recovering_twice_changes_nothing(tmp_path: Path) -> None:
    """The process may die between writing the sealed file and removing the open one."""
    schema = pa.schema([("n", pa.int64())])
    segment = Segment.create(tmp_path, schema, NOON)
    segment.append(pa.record_batch([pa.array([1, 2])], schema=schema))
    segment.abandon()
    content = segment.path.read_bytes()
    [sealed] = recover(tmp_path)
    first = sealed.read_bytes()
    segment.path.write_bytes(content)
    assert recover(tmp_path) == [sealed]
    assert sealed.read_bytes() == first
