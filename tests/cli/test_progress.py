"""What a person sees of a run: on a real terminal, at any size, and when it is stopped."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from rich.console import Console

from ended_processes import ends
from treadle.cli._progress import _Lines
from treadle.cli._progress_table import ProgressTable
from treadle.runner import Event, NodeResult

FLOW = """
import os, time
import treadle
from treadle import component, pipeline

class Flaky(Exception):
    transient = True

@component
def wide(name: str) -> str:
    print(f"first {name}\\nsecond {name}")
    return name

@component(retries=2)
def flaky(x: int) -> int:
    if not os.path.exists("mark"):
        open("mark", "w").close()
        raise Flaky("a reason that is longer than any terminal is wide, " * 4)
    return x

@component
def breaks(x: int) -> int:
    return {}["missing"]

@component
def items(n: int) -> list:
    return list(range(n))

@component
def slow(seconds: float) -> float:
    open("pid", "w").write(str(os.getpid())); os.rename("pid", "pid.whole")
    time.sleep(seconds)
    return seconds

@pipeline
def twelve(seconds: float = 0.0, n: int = 3):
    for name in ("rides", "weather", "prices", "places", "people"):
        wide(name, node=name)
    bad = breaks(flaky(1))
    slow(bad, node="report")
    slow(seconds)
    with treadle.for_each(items(n)) as i:
        items(i, node="each")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(FLOW)
    return tmp_path


def environment() -> dict[str, str]:
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TREADLE_HOME", "NO_COLOR", "COLUMNS", "LINES")
    }
    return {**variables, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def on_a_terminal(folder: Path, columns: int, rows: int) -> tuple[int, str]:
    """The exit code, and all that was written to a terminal of that size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    command = [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--workers", "3"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            written += data
    os.close(ours)
    return process.returncode, written.decode("utf-8")


@pytest.mark.parametrize(("columns", "rows"), [(100, 40), (50, 12)])
def test_a_run_on_a_terminal(folder: Path, columns: int, rows: int) -> None:
    code, written = on_a_terminal(folder, columns, rows)
    assert code == 2
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    assert " second rides" in plain
    table = plain[: plain.index("Traceback")]
    last = table[table.rindex("first") :] if rows < 40 else table
    assert "✗ breaks" in last
    assert "- report" in table
    assert "missing" in plain[plain.index("Traceback") :]
    for line in table[table.rindex("first") :].replace("\r", "\n").split("\n"):  # the last picture
        if "│" not in line:
            assert len(line.rstrip()) <= columns
    if rows == 40:
        final = table[table.rindex("✓ rides") :]
        assert [row.split()[1] for row in final.splitlines() if row.startswith(("✓", "✗", "-"))] == [
            *("rides", "weather", "prices", "places", "people", "flaky", "breaks", "report", "slow", "items"),
            *("each.0", "each.1", "each.2"),
        ]
        assert "attempt 2 of 3" in final
        assert "11 ran, 1 failed, 1 skipped" in final


def test_ctrl_c_to_the_whole_process_group_leaves_a_run_to_go_on_with(folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--set", "seconds=60", "--set", "n=0"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (folder / "pid.whole").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to everything in the foreground
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "treadle run flow.py --resume" in told
    assert ends(int((folder / "pid.whole").read_text()))
    assert list((folder / ".treadle" / "staging").iterdir()) == []
    resume = [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--resume", "--set", "seconds=0", "--json"]
    done = subprocess.run(resume, cwd=folder, env=environment(), capture_output=True, text=True)
    nodes = json.loads(done.stdout)["nodes"]
    assert nodes["slow"]["state"] == "ran"
    assert nodes["rides"]["state"] in ("cached", "ran")
    assert nodes["breaks"]["state"] == "failed"


def shown(table: ProgressTable, columns: int = 80, rows: int = 30) -> list[str]:
    console = Console(file=io.StringIO(), width=columns, height=rows)
    console.print(table.render(rows))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def heard(*names: str) -> ProgressTable:
    table = ProgressTable()
    table.hear(Event("run", "r", names=names))
    return table


def ended(node: str, state: str = "ran", reason: str = "") -> Event:
    return Event("finished", "r", node, result=NodeResult(node, state, reason))


def test_names_keep_their_room_whatever_the_reasons() -> None:
    table = heard("a_rather_long_name", "b")
    table.hear(Event("retrying", "r", "b", reason="because " * 50))
    lines = shown(table, 60)
    assert lines[0].startswith("  a_rather_long_name")
    assert lines[1].startswith("↻ b                  retrying")
    assert lines[1].endswith("…")
    assert "1 retrying, 1 to" in lines[-1]


def test_rounds_stand_where_their_loop_stood_and_loops_without_rounds_go() -> None:
    table = heard("first", "fit", "empty", "last")
    table.hear(ended("fit.1"))
    table.hear(ended("fit.0"))
    table.hear(ended("last"))
    assert [line.split()[1] for line in shown(table)[:-1] if line.strip() and "✓" in line] == ["fit.1", "fit.0", "last"]
    assert [line.split()[-1] for line in shown(table)[:-1] if "✓" not in line] == ["first", "empty"]
    table.finish()
    assert [line.split()[1] for line in shown(table)[:-1]] == ["fit.1", "fit.0", "last"]


def test_of_many_nodes_those_that_need_a_look_are_shown() -> None:
    table = heard(*(f"n{number}" for number in range(50)))
    for number in range(30):
        table.hear(ended(f"n{number}", "failed" if number == 3 else "ran"))
    table.hear(Event("started", "r", "n40"))
    lines = shown(table, rows=10)
    assert len(lines) <= 10
    assert any("✗ n3" in line for line in lines)
    assert any("• n40" in line for line in lines)
    assert "29 ran" in " ".join(lines)
    table.finish()
    assert any("■ n40" in line for line in shown(table, rows=10))


def test_printed_lines_are_whole_and_a_bar_that_draws_over_itself_is_its_last_state() -> None:
    lines = _Lines()
    assert lines.hear(Event("printed", "r", "a", text="one\ntw")) == ["one"]
    assert lines.hear(Event("printed", "r", "b", text="other\n")) == ["other"]
    assert lines.hear(Event("printed", "r", "a", text="o\n 1%\r50%\r100%\n")) == ["two", "100%"]
    assert lines.hear(Event("printed", "r", "a", text="rest")) == []
    assert lines.hear(ended("a")) == ["rest"]
    assert lines.hear(ended("a")) == []
