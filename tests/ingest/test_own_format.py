"""A package that adds a format, installed by pip: the module is the one in the documentation."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "ingest.md"


def wheel(folder: Path, module: str) -> Path:
    """A wheel (binary distribution format 1.0) of one module with one entry point."""
    about = "rides_logfmt-1.0.dist-info"
    files = {
        "rides_logfmt.py": module,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: rides-logfmt\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[treadle.sources]\nlogfmt = rides_logfmt\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    path = folder / "rides_logfmt-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{about}/RECORD": record + f"{about}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return path


def install(folder: Path, module: str) -> Path:
    """Where the package lies once pip has installed it."""
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", target, wheel(folder, module)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## A format of your own")[2]
    module = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert module is not None
    return install(tmp_path_factory.mktemp("package"), module[1])


def treadle(installed: Path, *args: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "treadle", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_commands_read_it_by_its_ending_and_by_its_name(installed: Path, tmp_path: Path) -> None:
    for name in ("a.logfmt", "b.data"):
        (tmp_path / name).write_text("zone=a fare=1.5\nzone=b\n")
    done = treadle(installed, "stats", tmp_path / "a.logfmt", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["num_rows"], told["features"]["fare"]["missing"]) == (2, 1)
    done = treadle(installed, "stats", tmp_path / "b.data")
    assert ".logfmt" in done.stderr  # the hint names the endings that are known


def test_its_errors_are_told_like_ours(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.logfmt").write_text("zone=a\nwhat\n")
    done = treadle(installed, "stats", tmp_path / "a.logfmt")
    assert done.returncode == 2
    assert "A word is no key=value." in done.stderr
    assert "row 2" in done.stderr


def test_without_the_package_the_format_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.logfmt").write_text("zone=a\n")
    done = treadle(tmp_path, "stats", tmp_path / "a.logfmt")
    assert done.returncode == 2
    assert "format is not known" in done.stderr


def test_a_package_that_is_broken_is_in_nobodys_way(tmp_path: Path) -> None:
    site = install(tmp_path, "import something_that_is_not_there\n")
    (tmp_path / "a.csv").write_text("n\n1\n")
    assert treadle(site, "stats", tmp_path / "a.csv").returncode == 0
    (tmp_path / "a.logfmt").write_text("zone=a\n")
    done = treadle(site, "stats", tmp_path / "a.logfmt")
    assert done.returncode == 2
    assert "The format 'logfmt' cannot be loaded: ModuleNotFoundError" in done.stderr
    assert "rides-logfmt" in done.stderr


def test_only_the_format_that_is_read_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    code = (
        "import sys\nfrom treadle.ingest import read_table\nread_table(sys.argv[1])\n"
        "print([name for name in sys.modules if name.endswith(('._avro', '._tfrecord', '._sql', '._iceberg'))])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.csv")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
