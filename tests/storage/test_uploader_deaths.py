"""An uploader that is killed leaves nothing half visible, and nothing in the way of the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from treadle.artifact import Artifact
from treadle.storage import ArtifactStore, check, clear_litter, stored

pytestmark = pytest.mark.engines

UPLOADER = """
import os, signal, sys
from pathlib import Path
from treadle.artifact import Artifact
from treadle.storage import ArtifactStore
home, url, last, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
store = ArtifactStore(home, url)
staged = store.stage()
for n in range(3):
    (staged / f"file-{n}").write_text("x" * 1000 * (n + 1))
fs, _ = store.remote._place()
count = 0
def mortal(call):
    def called(*arguments, **options):
        global count
        count += 1
        if count == last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **options)
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return called
for name in ("exists", "put_file", "find", "pipe_file"):
    setattr(fs, name, mortal(getattr(fs, name)))
print(store.publish(staged, Artifact).digest)
"""


def upload(home: Path, url: str, last: int, when: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", UPLOADER, str(home), url, str(last), when]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def publish(store: ArtifactStore) -> str:
    """What the uploader was to publish."""
    staged = store.stage()
    for n in range(3):
        (staged / f"file-{n}").write_text("x" * 1000 * (n + 1))
    return store.publish(staged, Artifact).digest


def test_a_death_among_the_requests(s3_url: str, tmp_path: Path) -> None:
    whole = upload(tmp_path / "whole", f"{s3_url}/whole", 0, "never")
    assert whole.returncode == 0, whole.stderr
    digest = whole.stdout.strip()
    deaths = 0
    for last in (3, 5, 7):  # a file, the last file, the listing
        for when in ("before", "after") if last == 7 else ("after",):
            url = f"{s3_url}/{last}-{when}"
            assert upload(tmp_path / "dead", url, last, when).returncode == -signal.SIGKILL
            deaths += 1
            visible = list(stored(ArtifactStore(tmp_path / "look", url)))
            assert len(visible) == (last == 7 and when == "after"), f"killed {when} request {last}"
            reader = ArtifactStore(tmp_path / f"reader-{last}-{when}", url)
            assert check(reader, digest).state == ("whole" if visible else "missing")
            clear_litter(reader, older_than_seconds=-3600)
            assert reader.remote is not None
            assert len(list(reader.remote.stored())) == len(visible)
            assert publish(reader) == digest
            assert check(reader, digest).state == "whole"
            reader.open(digest, Artifact)
    print(f"{deaths} deaths, 0 half visible")


def test_the_last_request_is_the_listing(s3_url: str, tmp_path: Path) -> None:
    """The deaths above reach every request: one more than there are kills nobody."""
    assert upload(tmp_path / "home", f"{s3_url}/x", 8, "before").returncode == 0
