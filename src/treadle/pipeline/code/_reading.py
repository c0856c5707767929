"""What sources say of one function, kept between runs.

Following names through hundreds of sources takes tenths of a second; looking whether each of them still lies where it
did, with the same bytes, takes hundredths. So a reading is kept with everything that was looked at, and believed when
all of that is found again as it was.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from treadle.artifact import canonical_json, digest_bytes
from treadle.pipeline._ir import FunctionReference
from treadle.pipeline.code._facts import FACTS_VERSION
from treadle.pipeline.code._modules import Modules, SourceMemory
from treadle.pipeline.code._reach import Reach, Reached, Target


@dataclass(frozen=True, slots=True)
class Reading:
    """What sources say of one function."""

    parts: Mapping[str, str]
    """Parts of its fingerprint: statements, packages, and modules that are not there."""
    computed: list[tuple[str, str]]
    """Modules and names of constants whose values the source does not spell out."""
    imports: list[tuple[str, str]]
    """Installed modules that the function's process is going to import, and names taken from them."""
    always: str | None
    """Why the node must run every time, when it must."""


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What a kept reading is of, for who decides whether it is still needed."""

    function: str
    """``module:name``, as a compiled pipeline names it."""
    folder: str | None
    """The project's folder."""
    sources: frozenset[str]
    """The digests of the sources that were looked at: reading the function anew asks for their facts."""


def kept_reading(kept: Any) -> KeptReading | None:
    """What a JSON value is that `SourceMemory` keeps; None when it is no reading of this version."""
    try:
        function, folder = kept["function"], kept["folder"]
        digests = {found[2] for found in kept["seen"]["modules"].values()}
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    if not isinstance(function, str) or not isinstance(folder, str | None):
        return None
    return KeptReading(function, folder, frozenset(digest for digest in digests if isinstance(digest, str)))


class Readings:
    """The readings of one run; each source is read once.

    Args:
        modules: Finds and reads modules.
        folder: The project's folder.
        memory: Where readings are kept between runs; nowhere when not given.
    """

    def __init__(self, modules: Modules, folder: Path | None, memory: SourceMemory | None) -> None:
        self._modules = modules
        self._folder = folder
        self._memory = memory
        self._reach = Reach(modules, folder)

    def of(self, function: FunctionReference, carried: Iterable[tuple[str, str]]) -> Reading:
        """The reading of a function and of what it carries: modules and names whose code counts too."""
        key = digest_bytes(canonical_json([function.module, function.name, str(self._folder)]))
        asked = digest_bytes(canonical_json([sorted(carried), FACTS_VERSION, _own_code()]))
        reading = self._recall(key, asked)
        if reading is None:
            reading = self._read(function, carried)
            if self._memory is not None:
                folder = None if self._folder is None else str(self._folder)
                found = {"function": str(function), "folder": folder, "seen": self._modules.seen()}
                self._memory.keep(key, {"asked": asked, **found, **asdict(reading)})
        return reading

    def _recall(self, key: str, asked: str) -> Reading | None:
        kept = None if self._memory is None else self._memory.recall(key)
        try:
            if kept is None or kept["asked"] != asked or not self._modules.finds_again(kept["seen"]):
                return None
            computed, imports = ([(module, name) for module, name in kept[pairs]] for pairs in ("computed", "imports"))
            return Reading(dict(kept["parts"]), computed, imports, kept["always"])
        except (ValueError, KeyError, TypeError, AttributeError):  # another has written it: it is read again
            return None

    def _read(self, function: FunctionReference, carried: Iterable[tuple[str, str]]) -> Reading:
        roots = set(self._reach.resolve(function.module, ("name", *function.name.split("."))))
        for module, name in carried:
            roots |= self._reach.resolve(function.module, ("import", "0", module, *filter(None, name.split("."))))
        reached = self._reach.follow(roots, function.module)
        parts = self._statements(reached)
        parts |= {f"package {name}": version for name, version in reached.packages.items()}
        parts |= {f"module {name}": "not installed" for name in reached.missing}
        always = f"the compiled module {min(reached.extensions)!r} has no version" if reached.extensions else None
        return Reading(parts, self._computed(reached), self._imports(function), always)

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
        return {name: digest_text("\n".join(digests)) for name, digests in grouped.items()}

    @functools.cache  # noqa: B019 - it lives as long as its run
    def _statement(self, target: Target) -> str:
        """A statement's syntax and what its names lead to, so that two imports cannot change places unseen."""
        leads = [
            f"{' '.join(reference)}: {sorted(map(self._label, self._reach.resolve(target[0], reference)))}"
            for reference in self._reach.references(target)
            if reference[0] in ("name", "import")
        ]
        return digest_text("\n".join([self._reach.statement(target).digest, *leads]))

    def _label(self, target: Target) -> str:
        return target[0] if target[1] < 0 else f"{target[0]}.{self._reach.statement(target).name}"

    def _imports(self, function: FunctionReference) -> list[tuple[str, str]]:
        """What the function imports itself, and what its module does, which of Treadle's own is light."""
        module = self._modules.find(function.module)
        assert module.facts is not None
        loads = [] if module.top == "treadle" else list(module.facts.loads)
        for binding in module.facts.names.get(function.name.partition(".")[0], ()):
            if isinstance(binding, int):
                loads += [ref for ref in module.facts.statements[binding].references if ref[0] == "load"]
        named = {(name, attribute.strip("*")) for _, level, name, attribute in loads if level == "0"}
        return sorted(pair for pair in named if self._takes_time(pair[0]))

    def _takes_time(self, module: str) -> bool:
        return module.startswith("treadle.") or self._modules.find(module.partition(".")[0]).kind == "package"

    def _computed(self, reached: Reached) -> list[tuple[str, str]]:
        found = []
        for target in sorted(reached.statements):
            statement = self._reach.statement(target)
            if statement.kind == "constant" and not statement.literal and not target[0].startswith("treadle."):
                found += [(target[0], name) for name in statement.name.split(",")]
        return found


@functools.cache
def _own_code() -> list[str]:
    """The code that reads: what another version of it kept is not believed."""
    return [digest_bytes(source.read_bytes()) for source in sorted(Path(__file__).parent.glob("*.py"))]


def digest_text(text: str) -> str:
    """``sha256:<hex>``, cut to 32 digits: parts are many."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]
