from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ended_processes import ends

PIPELINE = """
from treadle import component, pipeline

@component
def start(x: int) -> int:
    print("to standard output")
    return x + 1

@component
def divide(a: int, by: int = 1) -> float:
    return a / by

@pipeline
def main(x: int = 2, by: int = 1, name: str = "n"):
    divide(start(x), by)
"""

ECHO = """
@component
def echo(text: str) -> str:
    return text
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(PIPELINE)
    return tmp_path


def treadle(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "treadle", *arguments],
        cwd=folder,
        env=variables | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_json_is_one_line_and_everything_else_goes_to_standard_error(folder: Path) -> None:
    done = treadle(folder, "run", "flow.py", "--set", "x=5", "--json")
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert result["state"] == "succeeded"
    assert {name: node["state"] for name, node in result["nodes"].items()} == {"start": "ran", "divide": "ran"}
    assert result["nodes"]["divide"]["value"] == 6.0
    assert "start| to standard output" in done.stderr
    assert (folder / ".treadle" / "metadata.sqlite").is_file()
    again = json.loads(treadle(folder, "run", "flow.py", "--set", "x=5", "--json").stdout)
    assert {node["state"] for node in again["nodes"].values()} == {"cached"}
    assert again["run"] != result["run"]


def test_what_the_users_modules_print_is_no_json(folder: Path) -> None:
    (folder / "flow.py").write_text(
        "print('imported')\n" + PIPELINE.replace("    divide(start", "    print('p')\n    divide(start")
    )
    for command in ("run", "plan"):
        done = treadle(folder, command, "flow.py", "--json")
        assert done.stdout.count("\n") == 1
        assert "nodes" in json.loads(done.stdout)
        assert "imported" in done.stderr


def test_for_people_there_is_a_summary(folder: Path) -> None:
    done = treadle(folder, "run", "flow.py")
    assert done.returncode == 0
    assert "succeeded" in done.stdout
    assert "2 ran" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_the_store_is_where_treadle_home_says(folder: Path, tmp_path: Path) -> None:
    assert treadle(folder, "run", "flow.py", TREADLE_HOME=str(tmp_path / "other")).returncode == 0
    assert (tmp_path / "other" / "metadata.sqlite").is_file()
    assert not (folder / ".treadle").exists()


def test_the_file_may_be_in_another_folder(folder: Path) -> None:
    (folder / "project").mkdir()
    (folder / "project" / "parts.py").write_text("K = 3\n")
    (folder / "project" / "flow.py").write_text(PIPELINE.replace("x + 1", "x + K") + "\nfrom parts import K\n")
    done = treadle(folder, "run", "project/flow.py", "--json")
    assert json.loads(done.stdout)["nodes"]["start"]["value"] == 5
    assert (folder / ".treadle").is_dir()


def test_a_node_that_raises_ends_in_2_with_its_traceback(folder: Path) -> None:
    done = treadle(folder, "run", "flow.py", "--set", "by=0", "--json")
    assert done.returncode == 2
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["state"] == "failed"
    assert result["nodes"]["divide"]["state"] == "failed"
    assert result["nodes"]["divide"]["error"]["where"]["file"] == f"{folder}/flow.py:11"
    assert 'flow.py", line 11, in divide' in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "node divide" in done.stderr


def test_a_check_that_says_no_ends_in_1(folder: Path) -> None:
    body = "from treadle.errors import DataRefusedError; raise DataRefusedError('Refused.', hint='Mend it.')"
    (folder / "flow.py").write_text(PIPELINE.replace("return a / by", body))
    done = treadle(folder, "run", "flow.py")
    assert done.returncode == 1
    assert "Refused." in done.stderr
    assert "Mend it." in done.stderr
    assert "Traceback" not in done.stderr


BAD = {
    "no such file": (["run", "nowhere.py"], "nowhere.py", "PIPELINE_FILE"),
    "a folder": (["run", "."], "folder", "PIPELINE_FILE"),
    "not Python": (["run", "notes.txt"], "Python file", "PIPELINE_FILE"),
    "no pipeline": (["run", "empty.py"], "no pipeline", "PIPELINE_FILE"),
    "several pipelines": (["run", "many.py"], "many.py:one, many.py:two", "PIPELINE_FILE"),
    "a name it has not": (["run", "many.py:three"], "many.py:one, many.py:two", "PIPELINE_FILE"),
    "a syntax error": (["run", "syntax.py"], "syntax.py:2", "USER_CODE"),
    "an import that raises": (["run", "raises.py"], "ValueError: at import", "USER_CODE"),
    "the line of an import that raises": (["run", "raises.py"], "raises.py:2", "USER_CODE"),
    "a relative import": (["run", "relative.py"], "without the dot", "USER_CODE"),
    "loops through nothing": (["run", "loops.py"], "go through nothing", "PIPELINE"),
    "a name that hides a module": (["run", "json.py"], "hides", "PIPELINE_FILE"),
    "a setting without =": (["run", "flow.py", "--set", "x"], "name=value", "PIPELINE"),
    "a limit that is no number": (["run", "flow.py", "--limit", "gpu=two"], "--limit gpu=2", "USAGE"),
    "a limit below nothing": (["run", "flow.py", "--limit", "gpu=-1"], "from 0 on", "USAGE"),
    "a setting of nothing": (["run", "flow.py", "--set", "y=1"], "x, by, name", "PIPELINE"),
    "a setting of the wrong type": (["run", "flow.py", "--set", "x=[1]"], "'[1]' is not int", "PIPELINE"),
    "a pipeline function that raises": (["run", "trace.py"], "trace.py:5", "USER_CODE"),
    "a wire that does not fit": (["run", "wire.py"], "'a' takes Model, and output 'value'", "PIPELINE"),
    "a plan of nothing": (["plan", "nowhere.py"], "nowhere.py", "PIPELINE_FILE"),
    "why without runs": (["why", "start"], "Nothing has run here", "USAGE"),
    "status without runs": (["status"], "Nothing has run here", "USAGE"),
}
FILES = {
    "notes.txt": "x",
    "empty.py": "x = 1\n",
    "many.py": PIPELINE.replace("def main", "def one") + "\n@pipeline\ndef two():\n    start(1)\n",
    "syntax.py": "x = 1\ndef f(:\n",
    "raises.py": "x = 1\nraise ValueError('at import')\n",
    "relative.py": "from .flow import main\n",
    "loops.py": "from treadle import for_each\n"
    + PIPELINE.replace("divide(start(x), by)", "with for_each([]) as item:\n        start(item)"),
    "json.py": PIPELINE,
    "trace.py": "from treadle import pipeline\n\n@pipeline\ndef p():\n    return {}['key']\n",
    "wire.py": PIPELINE
    + "\nfrom treadle.artifact import Model\n@component\ndef f(a: Model) -> int: ...\n"
    + "\n@pipeline\ndef main():\n    f(start(1))\n",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_and_leaves_nothing(folder: Path, case: str) -> None:
    arguments, words, code = BAD[case]
    for name, text in FILES.items():
        (folder / name).write_text(text)
    done = treadle(folder, *arguments, "--json")
    assert done.returncode == 2
    assert words in done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["error"]["code"] == code
    assert not (folder / ".treadle").exists()


def test_one_of_several_is_named(folder: Path) -> None:
    (folder / "many.py").write_text(FILES["many.py"])
    done = treadle(folder, "run", "many.py:two", "--json")
    assert list(json.loads(done.stdout)["nodes"]) == ["start"]


@pytest.mark.parametrize(("text", "value"), [("7", "7"), ("true", "true"), ("a=b", "a=b"), ('"q"', '"q"'), ("", "")])
def test_a_text_parameter_takes_the_text_as_it_is(folder: Path, text: str, value: str) -> None:
    (folder / "flow.py").write_text(
        "from treadle import component, pipeline\n@component\ndef same(x: str) -> str: return x\n"
        "@pipeline\ndef main(x: str): same(x)\n"
    )
    done = treadle(folder, "run", "flow.py", "--set", f"x={text}", "--json")
    assert json.loads(done.stdout)["nodes"]["same"]["value"] == value


def test_interrupting_ends_the_nodes_and_leaves_a_store_to_go_on_from(folder: Path) -> None:
    (folder / "flow.py").write_text(
        "import os, time\nfrom treadle import component, pipeline\n"
        "@component\ndef first() -> int: return 1\n"
        "@component\ndef slow(x: int, wait: bool) -> int:\n"
        "    open('pid', 'w').write(str(os.getpid()))\n    os.rename('pid', 'pid.whole')\n"
        "    time.sleep(60 if wait else 0)\n    return x\n"
        "@pipeline\ndef main(wait: bool = False): slow(first(), wait)\n"
    )
    command = [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--set", "wait=true"]
    environment = {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    while not (folder / "pid.whole").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped." in told
    assert ends(int((folder / "pid.whole").read_text()))
    assert list((folder / ".treadle" / "staging").iterdir()) == []
    done = treadle(folder, "run", "flow.py", "--json")
    assert {name: node["state"] for name, node in json.loads(done.stdout)["nodes"].items()} == {
        "first": "cached",
        "slow": "ran",
    }
    runs = json.loads(treadle(folder, "status", "--json").stdout)["runs"]
    assert [run["state"] for run in runs] == ["succeeded", "failed"]


def test_a_terminated_run_is_recorded_and_resumed_with_its_parameters(folder: Path) -> None:
    (folder / "flow.py").write_text(
        "import os, time\nfrom treadle import component, pipeline\n"
        "@component\ndef slow(x: int) -> int:\n"
        "    open('started', 'w').close()\n    time.sleep(60 if not os.path.exists('go') else 0)\n    return x\n"
        "@pipeline\ndef main(x: int = 1): slow(x)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}
    command = [sys.executable, "-P", "-m", "treadle", "run", "flow.py", "--set", "x=7"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    while not (folder / "started").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 130
    runs = json.loads(treadle(folder, "status", "--json").stdout)["runs"]
    assert [run["state"] for run in runs] == ["failed"]
    (folder / "go").touch()
    done = json.loads(treadle(folder, "run", "flow.py", "--json", "--resume").stdout)
    assert done["nodes"]["slow"]["value"] == 7


def test_parts_of_a_pipeline(folder: Path) -> None:
    first = json.loads(treadle(folder, "run", "flow.py", "--to", "start", "--json").stdout)
    assert list(first["nodes"]) == ["start"]
    done = treadle(folder, "run", "flow.py", "--only", "divide", "--base", first["run"], "--limit", "gpu=1", "--json")
    assert {name: node["state"] for name, node in json.loads(done.stdout)["nodes"].items()} == {
        "start": "cached",
        "divide": "ran",
    }
    for wrong in (["--only", "none"], ["--only", "start", "--to", "start"], ["--base", "none"], ["--limit", "gpu"]):
        assert treadle(folder, "run", "flow.py", *wrong).returncode == 2
    assert treadle(folder, "cancel").returncode == 2


def test_what_is_no_text_is_told_nevertheless(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    assert treadle(folder, "run", "flow.py", "--set", f"name={name}").returncode == 0
    (folder / "flow.py").write_text(PIPELINE.replace("divide(start(x), by)", "echo(name)") + ECHO)
    first = treadle(folder, "run", "flow.py", "--set", f"name={name}", "--json")
    assert json.loads(first.stdout)["nodes"]["echo"]["value"] == name
    treadle(folder, "run", "flow.py")
    compared = treadle(folder, "diff")
    assert compared.returncode == 0, compared.stderr
    assert r"caf\udce9" in compared.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_whose_streams_are_closed_is_as_any_other(folder: Path, closed: str) -> None:
    command = f"{sys.executable} -P -m treadle run flow.py {closed}"
    assert subprocess.run(["sh", "-c", command], cwd=folder, check=False).returncode == 0
    assert "succeeded" in treadle(folder, "status").stdout


def test_a_store_where_nothing_can_be_written_is_told_with_the_way_out(folder: Path) -> None:
    done = treadle(folder, "run", "flow.py", "--json", TREADLE_HOME="/proc/store")  # not by root either
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "FILE_WRITE"
    assert error["what"] == "The store cannot be written: No such file or directory"
    assert "TREADLE_HOME" in error["hint"]


FAILING = """
from treadle import File, component, pipeline

@component
def reads(file: File) -> int:
    return 1

@component
def odd(x: int) -> int:
    raise ValueError("red \\x1b[31m and back \\r over\\nthe next line")

@pipeline
def main():
    reads("nowhere.txt")
    odd(1)
"""


def test_what_failed_is_told_once_and_moves_no_cursor(folder: Path) -> None:
    (folder / "flow.py").write_text(FAILING)
    told = treadle(folder, "run", "flow.py").stderr
    assert told.count("Traceback") == 1, "an error of Treadle's says all itself; its way through Treadle is nobody's"
    assert "in odd" in told
    assert told.count("that cannot be read") == 2, "when it happened, and at the end"
    assert told.count(r"red \x1b[31m and back \r over") == 3, "in the source, the traceback and the error"
    status = treadle(folder, "status", "last").stdout.splitlines()
    assert len(status) == 3
    assert status[2].endswith(r"red \x1b[31m and back … [USER_CODE]")
    traced = treadle(folder, "run", "flow.py", TREADLE_TRACEBACK="1").stderr
    assert traced.count("Traceback") == 2
