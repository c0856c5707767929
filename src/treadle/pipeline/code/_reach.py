"""From a name to everything that can take part when it runs: statements, packages, and what is not there.

A name is followed to what binds it. A name that cannot be followed widens: to its class, to its module, to all
first-party code. See docs/adr/0006.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from treadle.pipeline.code._binding import Reference
from treadle.pipeline.code._facts import Statement
from treadle.pipeline.code._modules import Module, Modules

# A target is a statement ("module", index), or a named thing: ("package numpy", -1), ("module helpers", -1), ...
Target: TypeAlias = tuple[str, int]

# Authoring and running: what they do to a node is in the IR and in `component`, not in their source. Where a node has
# its work done does not change its result, so engines, and the libraries behind them, count no more than threads do.
_NOT_FOLLOWED = ("treadle.pipeline", "treadle.runner", "treadle.cli", "treadle.testing", "treadle.engine")
_BUILTINS = frozenset({*dir(builtins), "__file__", "__name__", "__doc__", "__spec__", "__path__", "__package__"})


@dataclass(slots=True)
class Reached:
    """What a function reaches."""

    statements: set[Target] = field(default_factory=set)
    packages: dict[str, str] = field(default_factory=dict)
    """Top-level module names and versions."""
    missing: set[str] = field(default_factory=set)
    """Modules that are named but not installed: installing one changes what runs."""
    extensions: set[str] = field(default_factory=set)
    """Compiled modules without a version: nothing tells when they change."""


class Reach:
    """Follows names through the modules of one run.

    Args:
        modules: Finds and reads modules.
        folder: The project's folder: what "all first-party code" means beyond what is imported.
    """

    def __init__(self, modules: Modules, folder: Path | None) -> None:
        self._modules = modules
        self._folder = folder
        self._edges: dict[tuple[Target, bool], frozenset[Target]] = {}
        self._resolved: dict[tuple[str, Reference], frozenset[Target]] = {}
        self._resolving: set[tuple[str, Reference]] = set()
        self._calls: dict[Target, frozenset[Target]] = {}
        self._loads: dict[str, frozenset[str]] = {}

    def of(self, module: str, name: str) -> Reached:
        """What a global name of a module reaches."""
        return self.follow(self.resolve(module, ("name", *name.split("."))), module)

    def follow(self, roots: Iterable[Target], module: str) -> Reached:
        """What some targets reach, when their process has imported a module."""
        reached = self._closure(roots)
        loaded = self._loaded(module, reached)
        while True:
            more = self._mutations(reached, loaded) - reached
            if not more:
                return self._sort(reached)
            reached |= self._closure(more)
            loaded = self._loaded(module, reached)

    def resolve(self, module: str, reference: Reference) -> frozenset[Target]:
        """What a reference in a module leads to."""
        key = (module, reference)
        if key in self._resolved:
            return self._resolved[key]
        if key in self._resolving:
            return frozenset()
        self._resolving.add(key)
        try:
            found = frozenset(self._resolve(self._modules.find(module), reference))
        finally:
            self._resolving.discard(key)
        self._resolved[key] = found
        return found

    def edges(self, target: Target, *, at_import: bool = False) -> frozenset[Target]:
        """What a target leads to directly."""
        key = (target, at_import)
        if key not in self._edges:
            name, index = target
            if index >= 0:
                references = self.references(target, at_import=at_import)
                self._edges[key] = frozenset().union(*(self.resolve(name, ref) for ref in references))
            elif name.startswith("module "):
                self._edges[key] = self._inside(name.removeprefix("module "))
            else:
                self._edges[key] = frozenset()
        return self._edges[key]

    def references(self, target: Target, *, at_import: bool = False) -> list[Reference]:
        """The references of a statement."""
        statement = self.statement(target)
        return statement.at_import if at_import else statement.references

    def statement(self, target: Target) -> Statement:
        """The statement that a target names."""
        facts = self._modules.find(target[0]).facts
        assert facts is not None
        return facts.statements[target[1]]

    def _resolve(self, module: Module, reference: Reference) -> Iterator[Target]:
        kind = reference[0]
        if kind == "name":
            yield from self._name(module, reference[1], reference[2:])
        elif kind == "import":
            name = module.absolute(int(reference[1]), reference[2])
            yield from self._attribute(name, reference[3:])
        elif kind == "entry points":
            for entry in self._modules.entry_points(reference[1]):
                yield from self.resolve(module.name, entry)
        elif kind == "module":
            yield f"module {module.name}", -1
        elif kind == "everything":
            yield from self._everything(module)

    def _name(self, module: Module, root: str, rest: Reference) -> Iterator[Target]:
        facts = module.facts
        assert facts is not None
        if root in facts.names:
            for binding in facts.names[root]:
                if isinstance(binding, int):
                    attribute = facts.attributes.get(root, {}).get(rest[0]) if rest else None
                    yield module.name, binding if attribute is None else attribute
                else:
                    yield from self.resolve(module.name, (*binding, *rest))
        elif (found := self._star(module, root, rest)) is not None:
            yield from found
        elif root not in _BUILTINS:
            yield f"module {module.name}", -1

    def _star(self, module: Module, root: str, rest: Reference) -> frozenset[Target] | None:
        assert module.facts is not None
        outside: set[Target] = set()
        for _, level, name in module.facts.stars:
            source = self._modules.find(module.absolute(int(level), name))
            if source.kind == "source" and source.facts is not None:
                if root in source.facts.names or self._star(source, root, rest) is not None:
                    return self.resolve(source.name, ("name", root, *rest))
            elif root not in _BUILTINS:
                outside |= set(self._outside(source))
        return frozenset(outside) or None

    def _attribute(self, name: str, rest: Reference) -> Iterator[Target]:
        """What ``module.attribute...`` leads to, for an absolute module name."""
        if name.startswith(_NOT_FOLLOWED) and _within(name, _NOT_FOLLOWED):
            return
        module = self._modules.find(name)
        if module.kind != "source":
            yield from self._outside(module)
            return
        assert module.facts is not None
        if module.version is not None:
            yield f"package {module.top}", -1
        if not rest:
            yield f"module {name}", -1
        elif rest[0] in module.facts.names:
            yield from self.resolve(name, ("name", *rest))
        elif self._modules.find(f"{name}.{rest[0]}").kind != "missing":
            yield from self._attribute(f"{name}.{rest[0]}", rest[1:])
        elif (found := self._star(module, rest[0], rest[1:])) is not None:
            yield from found
        elif "__getattr__" in module.facts.names and rest[0] in module.facts.typing_names:
            # A lazy module says under TYPE_CHECKING where its names come from.
            if module.top != "treadle":
                yield from self.resolve(name, ("name", "__getattr__"))
            yield from self.resolve(name, (*module.facts.typing_names[rest[0]], *rest[1:]))
        elif not (rest[0].startswith("__") and rest[0].endswith("__")):
            yield f"module {name}", -1

    def _outside(self, module: Module) -> Iterator[Target]:
        yield f"{module.kind} {module.name if module.kind in ('missing', 'extension') else module.top}", -1

    def _inside(self, name: str) -> frozenset[Target]:
        """Everything in a module."""
        facts = self._modules.find(name).facts
        if facts is None:
            return frozenset()
        found = {(name, index) for index in range(len(facts.statements))}
        for bound in facts.names:
            found |= self.resolve(name, ("name", bound))
        later = facts.typing_names.values() if "__getattr__" in facts.names else ()
        for reference in (*facts.stars, *later):
            found |= self.resolve(name, reference)
        return frozenset(found)

    def _everything(self, module: Module) -> Iterator[Target]:
        """All first-party code; for Treadle's own source, all of the room."""
        names = set(self._import_closure(module.name))
        if module.top == "treadle":
            room = ".".join(module.name.split(".")[:2])
            folder = Path(self._modules.find(room).file or "").parent
            names = {f"{room}.{name}" for name in self._modules.all_sources(folder) if name != "__init__"} | {room}
        elif self._folder is not None:
            names |= set(self._modules.all_sources(self._folder))
        for name in sorted(names):
            if name.partition(".")[0] != "treadle" or module.top == "treadle":
                yield f"module {name}", -1

    def _closure(self, roots: Iterable[Target], *, at_import: bool = False) -> set[Target]:
        """Everything that targets lead to. With ``at_import`` the roots are imported, not called."""
        roots = set(roots)
        seen = set(roots)
        pending = [(root, at_import) for root in roots]
        while pending:
            target, first = pending.pop()
            for found in self.edges(target, at_import=first):
                if found not in seen:
                    seen.add(found)
                    pending.append((found, False))
        return seen

    def _mutations(self, reached: set[Target], loaded: set[str]) -> set[Target]:
        """Statements that change something reached: when imported, or by calling a function that does."""
        found: set[Target] = set()
        mutators: set[Target] = set()
        for name in loaded:
            facts = self._modules.find(name).facts
            for index, when, reference in facts.mutations if facts else ():
                changed = self._changed(name, reference) & reached
                if changed and (when != "keep" or any(target[1] >= 0 for target in changed)):
                    (mutators if when == "later" else found).add((name, index))
        mutable = {target for target in reached if target[1] >= 0 and self.statement(target).mutable}
        return found | self._callers(mutators, mutable, reached, loaded) if mutators or mutable else found

    def _callers(
        self, mutators: set[Target], mutable: set[Target], reached: set[Target], loaded: set[str]
    ) -> set[Target]:
        """Statements that call a mutator when their module is imported: registrations, mostly.

        A mutator changes what was reached by its name; or it changes something that it got from somewhere, and
        something mutable that was reached is within its own reach.
        """
        found = set()
        for name in loaded:
            facts = self._modules.find(name).facts
            for index, statement in enumerate(facts.statements if facts else ()):
                target = (name, index)
                if statement.calls and target not in reached:
                    called = self._called(target)
                    if called & mutators or (called & mutable and any(map(self._mutates_unknown, called))):
                        found.add(target)
        return found

    def _called(self, target: Target) -> frozenset[Target]:
        """What importing a statement's module may call because of it."""
        if target not in self._calls:
            self._calls[target] = frozenset(self._closure([target], at_import=True) - {target})
        return self._calls[target]

    def _mutates_unknown(self, target: Target) -> bool:
        return target[1] >= 0 and self.statement(target).mutates_unknown

    def _changed(self, module: str, reference: Reference) -> frozenset[Target]:
        """The targets that a statement changes: what a reference leads to, and the attributes of a class."""
        if reference[0] == "name":
            facts = self._modules.find(module).facts
            if facts is None or reference[1] not in facts.names:
                return frozenset()
        found = set(self.resolve(module, reference))
        for name, index in list(found):
            facts = self._modules.find(name).facts if index >= 0 else None
            if facts is not None and facts.statements[index].kind == "class":
                found |= {(name, inner) for inner in facts.attributes.get(facts.statements[index].name, {}).values()}
        return frozenset(found)

    def _loaded(self, module: str, reached: set[Target]) -> set[str]:
        """The first-party modules that a process has imported: from the root, and for what was reached."""
        loaded = set(self._import_closure(module))
        for name, index in reached:
            if index >= 0 and name not in loaded:
                loaded |= self._import_closure(name)
        return loaded

    def _import_closure(self, module: str) -> frozenset[str]:
        if module not in self._loads:
            seen: set[str] = set()
            pending = [module]
            while pending:
                name = pending.pop()
                found = self._modules.find(name)
                if name in seen or found.facts is None or _within(name, _NOT_FOLLOWED):
                    continue
                seen.add(name)
                if "." in name:
                    pending.append(name.rpartition(".")[0])
                for load in found.facts.loads:
                    pending += self._load(found, load)
            self._loads[module] = frozenset(seen)
        return self._loads[module]

    def _load(self, module: Module, load: Reference) -> list[str]:
        """The modules that one import statement loads."""
        _, level, name, attribute = load
        target = module.absolute(int(level), name)
        inside = self._modules.find(target)
        if attribute in ("", "*") or not inside.is_package or inside.facts is None or attribute in inside.facts.names:
            return [target]
        return [target, f"{target}.{attribute}"]

    def _sort(self, reached: set[Target]) -> Reached:
        result = Reached()
        for name, index in reached:
            if index >= 0:
                result.statements.add((name, index))
                continue
            kind, _, module = name.partition(" ")
            if kind == "package":
                result.packages[module] = self._modules.find(module).version or ""
            elif kind == "missing":
                result.missing.add(module)
            elif kind == "extension":
                result.extensions.add(module)
        return result


def _within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)
