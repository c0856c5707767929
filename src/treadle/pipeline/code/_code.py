"""What code a function reaches, as named parts of a fingerprint.

Parts are named so that a reader of two fingerprints sees what changed: ``code pipeline.train``,
``constant helpers.RATE``, ``class model.Config``, ``closure of pipeline.train: rate``, ``package numpy``, ``python``.
Treadle's own reached source is one part for each of its modules.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.pipeline._component import Component
from treadle.pipeline._importing import is_treadle
from treadle.pipeline._ir import FunctionReference
from treadle.pipeline._pipeline import Pipeline
from treadle.pipeline._reference import find_function
from treadle.pipeline.code._modules import Modules, SourceMemory
from treadle.pipeline.code._reading import Readings, digest_text
from treadle.pipeline.code._values import Describer, NotComparableError

_LONG = 200


@dataclass(frozen=True, slots=True)
class Code:
    """The code that a function reaches."""

    parts: Mapping[str, str]
    """Names of what was reached, and digests, versions or values."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The source files that were read, and their digests."""
    always: str | None = None
    """Why the node must run every time, when it must."""
    imports: Sequence[tuple[str, str]] = ()
    """Installed modules that its process is going to import, and names taken from them."""


class CodeReader:
    """Reads the code that functions of one pipeline reach. Make one for each run: sources are read once.

    Args:
        pipeline: The pipeline; its module's source is where names begin.
        memory: Where what was read is kept between runs; nowhere when not given.
    """

    def __init__(self, pipeline: Pipeline, memory: SourceMemory | None = None) -> None:
        self._pipeline = pipeline
        self._folder = pipeline.folder
        self._files = {pipeline.module: pipeline.file} if pipeline.file else {}
        self._modules = Modules(self._files, memory)
        self._readings = Readings(self._modules, self._folder, memory)
        self._read: dict[str, Code] = {}

    def read(self, reference: FunctionReference) -> Code:
        """The code that a function reaches.

        Raises:
            UserCodeError: When a source that it reaches is not Python.
        """
        key = str(reference)
        if key not in self._read:
            self._read[key] = self._code(reference)
        return self._read[key]

    def imports(self, references: Iterable[FunctionReference]) -> list[tuple[str, str]]:
        """What a process for these functions is going to import: installed modules, and names taken from them.

        That is what the functions import themselves, and what others of the run import of packages that these reach
        too: a model is loaded with the framework it was trained with.
        """
        codes = [self.read(reference) for reference in references]
        packages = {part.removeprefix("package ") for code in codes for part in code.parts}
        others = {
            pair for code in self._read.values() for pair in code.imports if pair[0].partition(".")[0] in packages
        }
        return sorted(others.union(*(code.imports for code in codes)))

    @property
    def sources(self) -> Mapping[str, str]:
        """The source files that were read so far, and their digests."""
        return self._modules.sources

    def _code(self, reference: FunctionReference) -> Code:
        live = _Carried(None if self._folder is None else str(self._folder))
        live.look(find_function(reference, self._files))
        reading = self._readings.of(reference, live.names)
        parts = {**reading.parts, **live.parts, **self._values(reading.computed)}
        parts["python"] = self._modules.python_version()
        return Code(parts, self._modules.sources, live.always or reading.always, reading.imports)

    def _values(self, constants: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Values of constants that the source does not spell out, such as those read from the environment."""
        parts = {}
        for owner, name in constants:
            module = sys.modules.get(owner)
            file = getattr(module, "__file__", None) or ""
            if module is None or is_treadle(file) or file != self._modules.find(owner).file:
                continue
            value: Any = module
            for part in name.split("."):
                value = getattr(value, part, None)
            try:
                text = Describer(None if self._folder is None else str(self._folder)).describe(value)
            except (NotComparableError, RecursionError):
                continue
            parts[f"value {owner}.{name}"] = _short(text)
        return parts


class _Carried:
    """What functions carry that their source does not show: closures, defaults of inner functions, bound arguments."""

    def __init__(self, folder: str | None) -> None:
        self.parts: dict[str, str] = {}
        self.names: set[tuple[str, str]] = set()
        """Modules and names whose code counts too."""
        self.always: str | None = None
        self._folder = folder
        self._seen: set[int] = set()

    def look(self, value: Any) -> None:
        """Look into a function, or into whatever else can be called."""
        if isinstance(value, Component):
            value = value.function
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, types.FunctionType):
            for name, carried in _carried(value):
                self._describe(f"{value.__module__}.{value.__qualname__}: {name}", carried)
        else:
            self._describe(f"{getattr(value, '__module__', '')}.{type(value).__qualname__}", value)

    def _describe(self, place: str, value: Any) -> None:
        describer = Describer(self._folder)
        try:
            self.parts[f"closure of {place}"] = _short(describer.describe(value))
        except NotComparableError as error:
            self.always = f"the closure of {place} holds a value that cannot be compared ({error})"
        except RecursionError:
            self.always = f"the closure of {place} holds a value that is nested too deeply"
        for met in describer.met:
            if isinstance(met, types.ModuleType):
                self.names.add((met.__name__, ""))
            else:
                self.names.add((met.__module__, met.__qualname__.partition(".")[0]))  # type: ignore[attr-defined]
                if isinstance(met, types.FunctionType):
                    self.look(met)


def _carried(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet bound
            continue
    if "<locals>" in function.__qualname__ or function.__name__ == "<lambda>":
        yield from ((f"default {n}", value) for n, value in enumerate(function.__defaults__ or ()))
        yield from (function.__kwdefaults__ or {}).items()


def _short(text: str) -> str:
    return text if len(text) <= _LONG else digest_text(text)
