"""A program in an image, really run: by Podman, in an image made from nothing but a static busybox; no network."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.pipeline import load_pipeline
from treadle.runner import RunResult, run

pytestmark = pytest.mark.engines
IMAGE = "localhost/treadle-test:1"
PIPELINE = f"""
from treadle import Output, component, pipeline
from treadle.artifact import Artifact, Model
from treadle.components import container

@component
def write(text: str, *, file: Output[Model]) -> None:
    (file.path / "a.txt").write_text(text)

count = container(
    "count", image="{IMAGE}",
    command=["sh", "-c", "cat {{file}}/a.txt > {{page}}/page.txt; echo {{n}} $(ls /) >> {{page}}/page.txt"],
    inputs={{"file": Model}}, outputs={{"page": Artifact}}, parameters={{"n": int}},
)
meddle = container(
    "meddle", image="{IMAGE}", command=["sh", "-c", "echo x >> {{file}}/a.txt"], inputs={{"file": Model}},
)
broken = container("broken", image="{IMAGE}", command=["sh", "-c", "echo told; exit 3"])

@component
def read(page: Artifact) -> str:
    return (page.path / "page.txt").read_text()

@pipeline
def counting():
    read(count(write("hello "), 3))

@pipeline
def meddling():
    meddle(write("hello "))

@pipeline
def breaking():
    broken()
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which Podman has a store of its own that holds the image."""
    busybox = next((path for path in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(path)), None)
    if shutil.which("podman") is None or busybox is None:
        pytest.skip("Podman and a static busybox are not here: apt-get install podman runc busybox-static")
    folder = tmp_path_factory.mktemp("podman")
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    )
    runtime = "runc" if shutil.which("runc") else "crun"
    (folder / "containers.conf").write_text(  # a container of a machine that is one itself may ask for little
        '[containers]\nnetns = "none"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        f'[engine]\nruntime = "{runtime}"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    environment = {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
    }
    _image(folder / "root.tar", busybox)
    for command in (["podman", "import", str(folder / "root.tar"), IMAGE], ["podman", "run", "--rm", IMAGE, "true"]):
        ended = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
        if ended.returncode:
            pytest.skip(f"Podman cannot run a container on this machine: {ended.stderr.strip()[-300:]}")
    yield environment
    subprocess.run(["podman", "rmi", "--all", "--force"], env={**os.environ, **environment}, capture_output=True)


def _image(path: Path, busybox: str) -> None:
    with tarfile.open(path, "w") as tar:
        tar.add(os.path.realpath(busybox), "bin/busybox")
        for name in ("sh", "cat", "echo", "ls", "true"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        tar.addfile(tarfile.TarInfo("from-the-image"), io.BytesIO())


@pytest.fixture
def project(tmp_path: Path, podman: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in podman.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", _only_podman(tmp_path))  # where Docker is too, it would come first
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    return tmp_path


def _only_podman(folder: Path) -> str:
    entries = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if not os.path.exists(os.path.join(entry, "docker")))


def run_here(project: Path, name: str) -> RunResult:
    return run(load_pipeline(f"{project / 'pipeline.py'}:{name}"), home=project / ".treadle")


def test_a_program_reads_and_writes_artifacts(project: Path) -> None:
    result = run_here(project, "counting")
    assert {name: node.state for name, node in result.nodes.items()} == {"write": "ran", "count": "ran", "read": "ran"}
    text = result.nodes["read"].value
    assert text.startswith("hello 3 ")
    assert "from-the-image" in text
    assert "treadle" in text
    assert "home" not in text, "nothing of this machine but the mounted folders"
    again = run_here(project, "counting")
    assert {node.state for node in again.nodes.values()} == {"cached"}


def test_a_program_cannot_write_to_its_input(project: Path) -> None:
    result = run_here(project, "meddling")
    node = result.nodes["meddle"]
    assert (node.state, node.error.code if node.error else None) == ("failed", "CONTAINER")
    assert node.log is not None
    assert "Read-only" in node.log.read_text()


def test_a_program_that_fails_tells_its_status(project: Path) -> None:
    node = run_here(project, "breaking").nodes["broken"]
    assert node.error is not None
    assert "status 3" in node.error.what
    assert node.log is not None
    assert "told" in node.log.read_text()
