"""A file for every part, wherever it is written: all of them, whole, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from treadle.errors import EngineError
from treadle.files import whole_file

P = TypeVar("P")
R = TypeVar("R")
Map = Callable[[Callable[[tuple[int, P]], tuple[int, R]], Sequence[tuple[int, P]]], Iterator[tuple[int, R]]]


def write_parts(run: Map[P, R], fn: Callable[[P, Path], R], parts: Sequence[P], folder: Path, suffix: str) -> list[R]:
    """Write by an engine's ``map``; see :meth:`Engine.write`.

    Each file is written under a name of its own and takes its place when it is on the disk, so a part that runs twice
    does no harm. If one fails, those of the others go.
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"part-{number:05d}{suffix}" for number in range(len(parts))]
    try:
        written = list(run(_WritePart(fn, str(folder), suffix), list(enumerate(parts))))
        for name, (size, _) in zip(names, written, strict=True):
            _check(folder / name, size)
    except BaseException:
        _remove(folder, names)
        raise
    _remove(folder, [])  # what lost workers had begun
    return [result for _, result in written]


class _WritePart(Generic[P, R]):
    """What runs where the part is written."""

    def __init__(self, fn: Callable[[P, Path], R], folder: str, suffix: str) -> None:
        self._fn, self._folder, self._suffix = fn, folder, suffix

    def __call__(self, numbered: tuple[int, P]) -> tuple[int, R]:
        number, part = numbered
        folder = Path(self._folder)
        if not folder.is_dir():
            raise EngineError(
                "A worker does not see the folder that is to be written.",
                where={"folder": folder},
                hint="Put it on a file system that all machines share, at the same path.",
            )
        name = f"part-{number:05d}{self._suffix}"
        with whole_file(folder / name) as unfinished:
            result = self._fn(part, unfinished)
            size = unfinished.stat().st_size
        return size, result


def _check(file: Path, size: int) -> None:
    found: Any = file.stat().st_size if file.exists() else "nothing"
    if found != size:
        raise EngineError(
            f"A worker wrote {size} bytes, and here there is {found}.",
            where={"file": file},
            hint="Put the folder on a file system that all machines share, at the same path.",
        )


def _remove(folder: Path, names: Sequence[str]) -> None:
    for file in [*(folder / name for name in names), *folder.glob(".part-*")]:
        file.unlink(missing_ok=True)
