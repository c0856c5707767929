"""Which names a piece of source binds in its own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from treadle.pipeline.code._syntax import Visitor

# ruff: noqa: N802, N815 - the visitor calls methods by the names of syntax nodes

Reference: TypeAlias = tuple[str, ...]
"""What a name refers to; see `treadle.pipeline.code._references`."""

Scope: TypeAlias = dict[str, Reference | None]
"""Bound names; for an imported name what it refers to, otherwise None."""

Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class _Binder(Visitor):
    """Finds the names that statements bind in their own scope, without entering inner scopes."""

    def __init__(self) -> None:
        self.names: Scope = {}
        self._elsewhere: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.names.setdefault(node.id, None)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self._elsewhere |= set(node.names)

    visit_Nonlocal = visit_Global

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.names[alias.asname or top] = ("import", "0", alias.name if alias.asname else top)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                target = ("import", str(node.level), node.module or "", alias.name)
                self.names[alias.asname or alias.name] = target

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.names[node.name] = None

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.names.setdefault(node.name, None)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.names.setdefault(node.name, None)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.names.setdefault(node.rest, None)
        self.generic_visit(node)

    def _visit_comprehension(self, node: Comprehension) -> None:
        for inner in ast.walk(node):  # only `:=` reaches out of a comprehension
            if isinstance(inner, ast.NamedExpr):
                self.names.setdefault(inner.target.id, None)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def bound(self) -> Scope:
        return {name: target for name, target in self.names.items() if name not in self._elsewhere}


def bound_names(nodes: Iterable[ast.AST]) -> Scope:
    """The names that nodes bind in their own scope; for an imported name, what it refers to."""
    binder = _Binder()
    for node in nodes:
        binder.visit(node)
    return binder.bound()


_FRESH = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "Counter", "OrderedDict", "deque"})
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def fresh_names(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that statements bind to containers made on the spot, and to nothing else."""
    fresh: set[str] = set()
    other: set[str] = set()
    for node in _own_statements(nodes):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    (fresh if _makes_container(node.value) else other).add(target.id)
                else:
                    other |= set(bound_names([target]))
        elif not isinstance(node, ast.AugAssign):
            other |= {
                name
                for child in ast.iter_child_nodes(node)
                if not isinstance(child, ast.stmt)
                for name in bound_names([child])
            }
    return fresh - other


def _own_statements(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    for node in nodes:
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            yield from _own_statements(ast.iter_child_nodes(node))


def _makes_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return (value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")) in _FRESH
    return isinstance(value, _DISPLAYS)
