"""What code a function reaches, as named parts of a fingerprint.

Parts are named so that a reader of two fingerprints sees what changed: ``code pipeline.train``,
``constant helpers.RATE``, ``class model.Config``, ``closure of pipeline.train: rate``, ``package numpy``, ``python``.
Treadle's own reached source is one part for each of its modules.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.pipeline._component import Component
from treadle.pipeline._importing import is_treadle
from treadle.pipeline._ir import FunctionReference
from treadle.pipeline._pipeline import Pipeline
from treadle.pipeline._reference import find_function
from treadle.pipeline.code._modules import FactsMemory, Modules
from treadle.pipeline.code._reach import Reach, Reached, Target
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


class CodeReader:
    """Reads the code that functions of one pipeline reach. Make one for each run: sources are read once.

    Args:
        pipeline: The pipeline; its module's source is where names begin.
        memory: Where facts about sources are kept between runs; nowhere when not given.
    """

    def __init__(self, pipeline: Pipeline, memory: FactsMemory | None = None) -> None:
        self._pipeline = pipeline
        self._folder = pipeline.folder
        self._files = {pipeline.module: pipeline.file} if pipeline.file else {}
        self._modules = Modules(self._files, memory)
        self._reach = Reach(self._modules, self._folder)
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

    def _code(self, reference: FunctionReference) -> Code:
        live = _Carried(None if self._folder is None else str(self._folder))
        live.look(find_function(reference, self._files))
        roots = set(self._reach.resolve(reference.module, ("name", *reference.name.split("."))))
        for module, name in live.names:
            roots |= self._reach.resolve(reference.module, ("import", "0", module, *filter(None, name.split("."))))
        reached = self._reach.follow(roots, reference.module)
        parts = {**self._statements(reached), **live.parts, **self._values(reached)}
        parts |= {f"package {name}": version for name, version in reached.packages.items()}
        parts |= {f"module {name}": "not installed" for name in reached.missing}
        parts["python"] = self._modules.python_version()
        always = live.always
        if reached.extensions:
            always = f"the compiled module {min(reached.extensions)!r} has no version"
        return Code(parts, self._modules.sources, always)

    def _statements(self, reached: Reached) -> dict[str, str]:
        grouped: dict[str, list[str]] = {}
        for module, index in sorted(reached.statements):
            statement = self._reach.statement((module, index))
            if module.partition(".")[0] == "treadle":
                name = f"source {module}"
            elif statement.kind == "statement":
                name = f"statements of {module}"
            else:
                label = "code" if statement.kind == "function" else statement.kind
                name = f"{label} {module}.{statement.name}"
            grouped.setdefault(name, []).append(self._statement((module, index)))
        return {name: _digest("\n".join(digests)) for name, digests in grouped.items()}

    @functools.cache  # noqa: B019 - a reader lives as long as its run
    def _statement(self, target: Target) -> str:
        """A statement's syntax and what its names lead to, so that two imports cannot change places unseen."""
        leads = [
            f"{' '.join(reference)}: {sorted(map(self._label, self._reach.resolve(target[0], reference)))}"
            for reference in self._reach.references(target)
            if reference[0] in ("name", "import")
        ]
        return _digest("\n".join([self._reach.statement(target).digest, *leads]))

    def _label(self, target: Target) -> str:
        return target[0] if target[1] < 0 else f"{target[0]}.{self._reach.statement(target).name}"

    def _values(self, reached: Reached) -> dict[str, str]:
        """Values of constants that the source does not spell out, such as those read from the environment."""
        parts = {}
        for target in reached.statements:
            statement = self._reach.statement(target)
            module = sys.modules.get(target[0])
            file = getattr(module, "__file__", None) or ""
            if statement.kind != "constant" or statement.literal or module is None or is_treadle(file):
                continue
            if file != self._modules.find(target[0]).file:
                continue
            for name in statement.name.split(","):
                value: Any = module
                for part in name.split("."):
                    value = getattr(value, part, None)
                try:
                    text = Describer(None if self._folder is None else str(self._folder)).describe(value)
                except (NotComparableError, RecursionError):
                    continue
                parts[f"value {target[0]}.{name}"] = _short(text)
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
    return text if len(text) <= _LONG else _digest(text)


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]
