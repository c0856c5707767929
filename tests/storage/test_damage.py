"""Whatever is changed in an artifact's bytes is found before anybody reads them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from treadle.artifact import Artifact
from treadle.errors import CorruptArtifactError, MissingArtifactError
from treadle.storage import ArtifactStore, check


def flip(chance: random.Random, files: list[Path]) -> None:
    file = chance.choice([file for file in files if file.stat().st_size])
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def cut(chance: random.Random, files: list[Path]) -> None:
    file = chance.choice([file for file in files if file.stat().st_size])
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def append(chance: random.Random, files: list[Path]) -> None:
    with chance.choice(files).open("ab") as stream:
        stream.write(bytes(chance.randrange(1, 100)))


def swap(chance: random.Random, files: list[Path]) -> None:
    first, second = chance.sample(files, 2)
    data = first.read_bytes(), second.read_bytes()
    first.write_bytes(data[1])
    second.write_bytes(data[0])


def remove(chance: random.Random, files: list[Path]) -> None:
    chance.choice(files).unlink()


def rename(chance: random.Random, files: list[Path]) -> None:
    file = chance.choice(files)
    file.rename(file.with_name(file.name + "_"))


def add(chance: random.Random, files: list[Path]) -> None:
    (chance.choice(files).parent / "more").write_bytes(b"")


def link(chance: random.Random, files: list[Path]) -> None:
    file = chance.choice(files)
    kept = file.rename(file.parents[3] / "elsewhere")
    file.symlink_to(kept)


HARM: list[Callable[[random.Random, list[Path]], None]] = [flip, cut, append, swap, remove, rename, add, link]


@pytest.mark.parametrize("count", [80, pytest.param(4_000, marks=pytest.mark.drill)], ids=["short", "long"])
def test_every_change_is_found(tmp_path: Path, count: int) -> None:
    chance = random.Random(7)
    store = ArtifactStore(tmp_path)
    found = 0
    for n in range(count):
        staged = store.stage()
        (staged / "folder").mkdir()
        for number in range(3):
            (staged / "folder" / f"{number}").write_bytes(chance.randbytes(chance.randrange(1, 3_000)))
        (staged / "empty").write_bytes(b"")
        artifact = store.publish(staged, Artifact)
        files = sorted(path for path in artifact.path.rglob("*") if path.is_file())
        for path in files:
            path.chmod(0o600)
        HARM[n % len(HARM)](chance, files)
        assert check(store, artifact.digest).state == "damaged"
        with pytest.raises((CorruptArtifactError, MissingArtifactError)):
            store.open(artifact.digest, Artifact)
        found += 1
        shutil.rmtree(artifact.path)
    print(f"{count} changes to artifacts: {found} found, 0 read")
