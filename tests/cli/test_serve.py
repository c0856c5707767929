"""``treadle serve`` as a person or a script calls it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servable"))

from taxi import build_taxi_servable


@pytest.fixture(scope="module")
def servable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve") / "taxi"
    build_taxi_servable(folder)
    return folder


@pytest.fixture
def models(servable: Path, tmp_path: Path) -> Path:
    shutil.copytree(servable, tmp_path / "models" / "taxi" / "1")
    (tmp_path / "models" / "taxi" / "champion").write_text("1\n")
    return tmp_path / "models"


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "treadle", "serve", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "TREADLE_HOME"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment
    )


def refused(*arguments: object, cwd: Path) -> tuple[str, dict[str, Any]]:
    """What it says on the way out with exit code 2."""
    process = start(*arguments, "--json", cwd=cwd)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, (out, err)
    assert "Traceback" not in err
    error: dict[str, Any] = json.loads(out)["error"]
    assert error["hint"]
    return err, error


def test_it_says_where_it_listens_and_stops_on_sigterm(models: Path, tmp_path: Path) -> None:
    process = start(models, "--port", 0, "--json", cwd=tmp_path)
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert said["models"] == {"taxi": 1}
    assert said["url"].startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err == f"Serving taxi (version 1) at {said['url']}\n"
    assert (tmp_path / ".treadle" / "log").is_dir()


def test_without_a_log_nothing_is_written(models: Path, tmp_path: Path) -> None:
    process = start(models, "--port", 0, "--no-log", cwd=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Serving taxi (version 1) at http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert not (tmp_path / ".treadle").exists()


def test_a_port_in_use_is_said_before_anything_is_loaded(models: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        err, error = refused(models, "--port", port, cwd=tmp_path)
    assert "Another program listens at this port." in err
    assert error["code"] == "SERVING_ADDRESS"
    assert error["where"] == {"host": "127.0.0.1", "port": port}
    assert "--port 0" in error["hint"]


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_of_another_machine(models: Path, tmp_path: Path, host: str) -> None:
    assert refused(models, "--host", host, "--port", 0, cwd=tmp_path)[1]["code"] == "SERVING_ADDRESS"


def test_a_folder_without_a_servable(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere", "--port", 0, cwd=tmp_path)[1]["code"] == "SERVING_FOLDER"
    assert refused(tmp_path, "--port", 0, cwd=tmp_path)[1]["code"] == "SERVING_FOLDER"


def test_a_champion_that_was_changed_is_not_served(models: Path, tmp_path: Path) -> None:
    schema = models / "taxi" / "1" / "schema.toml"
    schema.write_text(schema.read_text() + "\n")
    _, error = refused(models, "--port", 0, cwd=tmp_path)
    assert error["code"] == "SERVING_MODEL_UNAVAILABLE"
    assert "sha256" in error["what"]


def test_an_alias_that_is_no_number(models: Path, tmp_path: Path) -> None:
    (models / "taxi" / "champion").write_text("newest\n")
    assert refused(models, "--port", 0, cwd=tmp_path)[1]["where"]["file"].endswith("champion")


def test_a_log_that_cannot_be_written(models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refused(models, "--port", 0, "--log", tmp_path / "file", cwd=tmp_path)[1]["code"] == "SERVING_REQUEST_LOG"
    assert refused(models, "--port", 0, "--log", tmp_path, "--no-log", cwd=tmp_path)[1]["code"] == "USAGE"


@pytest.mark.parametrize(
    "arguments", [["--port", "70000"], ["--port", "x"], ["--threads", "0"], ["--seal-rows", "0"], []]
)
def test_misuse_is_exit_code_2(models: Path, tmp_path: Path, arguments: list[str]) -> None:
    process = start(*([models] if arguments else []), *arguments, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Usage: treadle serve" in err
