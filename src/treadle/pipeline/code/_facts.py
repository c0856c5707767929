"""What one module's source says by itself: its statements, the names they bind, and what they refer to.

Facts depend on the source alone (and on the Python that parses it), so they can be kept by the source's digest.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from treadle.pipeline.code._binding import Reference, bound_names
from treadle.pipeline.code._references import ReferenceCollector
from treadle.pipeline.code._settings_in_source import drop_settings, may_have_settings
from treadle.pipeline.code._syntax import written

# Kept facts are found by this name and the source's digest; change it when facts change their form or meaning.
FACTS_VERSION = f"4-{sys.version_info[0]}.{sys.version_info[1]}"
_SPELLED_OUT = (
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.operator,
    ast.unaryop,
    ast.expr_context,
)


_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@dataclass(slots=True)
class Statement:
    """One statement at the top level of a module."""

    kind: str
    """``function``, ``class``, ``constant`` or ``statement`` (one that binds nothing)."""
    name: str
    """The names it binds, joined by commas; for an attribute of a class ``Class.attribute``."""
    digest: str
    """Of its syntax: comments, layout and docstrings do not count."""
    references: list[Reference]
    at_import: list[Reference]
    """Those of the references that are followed when the module is imported, not when a function is called."""
    calls: bool
    """Whether importing the module calls something here."""
    literal: bool
    """Whether it binds a name to a value that the source spells out."""
    mutable: bool
    """Whether it binds a name to something that may be changed in place."""
    mutates_unknown: bool
    """Whether calling it may change something that was made elsewhere, in a way that names do not show."""


@dataclass(slots=True)
class Facts:
    """What a module's source says."""

    statements: list[Statement] = field(default_factory=list)
    names: dict[str, list[int | Reference]] = field(default_factory=dict)
    """Global names and what binds them: an index of a statement, or an import."""
    typing_names: dict[str, Reference] = field(default_factory=dict)
    """Names that are imported under ``TYPE_CHECKING``."""
    stars: list[Reference] = field(default_factory=list)
    """Modules of which everything is imported."""
    loads: list[Reference] = field(default_factory=list)
    """Modules that are imported when this one is."""
    attributes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Plain attributes of plain classes, as statements of their own."""
    mutations: list[tuple[int, str, Reference]] = field(default_factory=list)
    """Statements that change something: index, when, and what. ``now``: when the module is imported; ``keep``: then
    too, but only an object of the project's own (``@app.step``); ``later``: when a function is called."""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "statements": [
                [getattr(statement, field.name) for field in fields(Statement)] for statement in self.statements
            ],
            "names": self.names,
            "typing_names": self.typing_names,
            "stars": self.stars,
            "loads": self.loads,
            "attributes": self.attributes,
            "mutations": self.mutations,
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> Facts:
        """What `to_json` gave."""
        return Facts(
            statements=[
                Statement(kind, name, digest, _tuples(references), _tuples(at_import), *flags)
                for kind, name, digest, references, at_import, *flags in value["statements"]
            ],
            names={
                name: [item if isinstance(item, int) else tuple(item) for item in bindings]
                for name, bindings in value["names"].items()
            },
            typing_names={name: tuple(target) for name, target in value["typing_names"].items()},
            stars=_tuples(value["stars"]),
            loads=_tuples(value["loads"]),
            attributes=value["attributes"],
            mutations=[(index, when, tuple(target)) for index, when, target in value["mutations"]],
        )


def _tuples(items: list[list[str]]) -> list[Reference]:
    return [tuple(item) for item in items]


def read_facts(source: bytes) -> Facts:
    """The facts of a module's source.

    Raises:
        SyntaxError: When it is not Python.
    """
    tree = ast.parse(source)
    if b"__doc__" not in source:
        _drop_docstrings(tree)
    if may_have_settings(source):
        drop_settings(tree)
    return _Reader(tree).facts


class _Reader:
    def __init__(self, tree: ast.Module) -> None:
        self.facts = Facts()
        self._constants = dict(_texts(tree))
        for statement in tree.body:
            self._read(statement)

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._read_import(node)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            self.facts.typing_names |= {
                name: target for name, target in bound_names(node.body).items() if target is not None
            }
            for statement in node.orelse:
                self._read(statement)
        elif isinstance(node, ast.If) and _is_main_guard(node.test):
            pass  # a pipeline's module is imported, never the main script of a node
        elif not _is_inert(node):
            self._read_statement(node)

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, target in bound_names([node]).items():
            assert target is not None
            self.facts.names.setdefault(name, []).append(target)
        collector = ReferenceCollector({})
        collector.visit(node)
        self.facts.loads += sorted(ref for ref in collector.references if ref[0] == "load")
        self.facts.stars += sorted(ref for ref in collector.references if ref[0] == "import")

    def _read_statement(self, node: ast.stmt) -> None:
        bound = bound_names([node])
        kind = "constant" if bound else "statement"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kind = "function"
        elif isinstance(node, ast.ClassDef):
            kind = "class"
        index = self._add(node, kind, ",".join(sorted(bound)))
        for name, target in bound.items():
            bindings = self.facts.names.setdefault(name, [])
            bindings.append(index)
            if target is not None:
                bindings.append(target)
        if isinstance(node, ast.ClassDef) and not (node.bases or node.keywords or node.decorator_list):
            self._add_attributes(node)

    def _add(self, node: ast.stmt, kind: str, name: str) -> int:
        index = len(self.facts.statements)
        everything = self._collect([node])
        evaluated = list(_evaluated_at_import(node))
        first = everything if evaluated == [node] else self._collect(evaluated)
        loads = [ref for ref in first.references if ref[0] == "load"]
        self.facts.loads += sorted(loads)
        self.facts.statements.append(
            Statement(
                kind=kind,
                name=name,
                digest=hashlib.sha256(written(node).encode("utf-8", errors="surrogatepass")).hexdigest()[:32],
                references=sorted(everything.references),
                at_import=sorted(first.references),
                calls=any(isinstance(inner, ast.Call) for part in evaluated for inner in ast.walk(part))
                or bool(getattr(node, "decorator_list", None) or getattr(node, "bases", None)),
                literal=kind == "constant" and _is_literal(node),
                mutable=kind == "constant" and not _is_immutable(getattr(node, "value", None)),
                mutates_unknown=everything.mutates_unknown,
            )
        )
        self._add_mutations(index, node, everything, first)
        return index

    def _add_mutations(
        self, index: int, node: ast.stmt, everything: ReferenceCollector, first: ReferenceCollector
    ) -> None:
        now, keep = set(first.mutated), set[Reference]()
        for part in _evaluated_at_import(node):
            if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
                now |= self._collect([part]).called | self._given(part.value)
        for decorator in getattr(node, "decorator_list", []):
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(decorator, ast.Call):
                now |= self._given(decorator)
            if isinstance(function, ast.Attribute):
                keep |= self._collect([function.value]).references
        for when, changed in (("now", now), ("keep", keep - now), ("later", everything.mutated - now - keep)):
            self.facts.mutations += [(index, when, ref) for ref in sorted(changed)]

    def _given(self, call: ast.Call) -> set[Reference]:
        """The names that a call is given: it may change them."""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        return {ref for ref in self._collect(arguments).references if ref[0] in ("name", "import")}

    def _add_attributes(self, node: ast.ClassDef) -> None:
        """Attributes that a function may use without using the class: values, set once, in a class without more."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in node.body:
            for name in bound_names([statement]):
                found.setdefault(name, []).append(statement)
        methods = {name for name, where in found.items() if any(_is_definition(item) for item in where)}
        if any(name.startswith("__") and name.endswith("__") for name in methods):
            return
        attributes = {}
        for name, where in found.items():
            values = isinstance(where[0], ast.Assign | ast.AnnAssign)
            collector = self._collect(list(where))
            local = {ref[1] for ref in collector.references if ref[0] == "name"} & set(found)
            if len(where) == 1 and values and not local:
                attributes[name] = self._add(where[0], "constant", f"{node.name}.{name}")
        self.facts.attributes[node.name] = attributes

    def _collect(self, nodes: list[Any]) -> ReferenceCollector:
        collector = ReferenceCollector(self._constants)
        for node in nodes:
            collector.visit(node)
        return collector


def _evaluated_at_import(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from node.decorator_list
        yield from (d for d in [*node.args.defaults, *node.args.kw_defaults] if d is not None)
    elif isinstance(node, ast.ClassDef):
        yield from node.decorator_list
        yield from node.bases
        yield from (keyword.value for keyword in node.keywords)
        for statement in node.body:
            yield from _evaluated_at_import(statement)
    elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield from _evaluated_at_import(child)
            elif isinstance(child, ast.ExceptHandler):
                for inner in child.body:
                    yield from _evaluated_at_import(inner)
            else:
                yield child
    else:
        yield node


def _drop_docstrings(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.Pass()]
    for block in _BLOCKS:  # definitions stand in blocks of statements, never inside expressions
        for inner in getattr(node, block, ()):
            _drop_docstrings(inner)


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.value


def _is_type_checking(test: ast.expr) -> bool:
    return (test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")) == "TYPE_CHECKING"


def _is_main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _is_inert(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_definition(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _is_literal(node: ast.stmt) -> bool:
    value = getattr(node, "value", None)
    return value is not None and all(isinstance(inner, _SPELLED_OUT) for inner in ast.walk(value))


def _is_immutable(value: ast.expr | None) -> bool:
    simple = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)
    return value is not None and all(isinstance(inner, simple) for inner in ast.walk(value))
