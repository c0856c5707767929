"""What dead processes left in staging: cleared by who is alone with the store, but for the places of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.storage import ArtifactStore, clear_litter


@pytest.mark.parametrize(
    ("place", "files", "gone"),
    [
        ("tmp4711", ["half"], True),
        ("20260101-000000-abcdef", ["lock", "half"], False),
        (".20260101-000000-abcdef", [], True),
        (".20260101-000000-abcdef", ["lock"], True),
    ],
    ids=["a staged artifact", "a run", "a run that died before its lock", "a run that died before its name"],
)
def test_what_is_cleared(tmp_path: Path, place: str, files: list[str], gone: bool) -> None:
    store = ArtifactStore(tmp_path)
    left = tmp_path / "staging" / place
    left.mkdir(parents=True)
    for name in files:
        (left / name).touch()
    with store.alone():
        assert clear_litter(store, older_than_seconds=0) == gone
    assert left.exists() != gone
