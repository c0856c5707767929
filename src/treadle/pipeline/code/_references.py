"""Which names of its module, and which modules, a piece of source refers to.

A reference is a tuple of strings that begins with its kind:

* ``("name", root, attribute, ...)``: a global name of the module and the attributes taken from it;
* ``("import", level, module, attribute, ...)``: a module imported inside the source, and attributes taken from it;
* ``("load", level, module, name)``: a module that the source imports, whether or not it uses it;
* ``("entry points", group)``: whatever is installed under an entry point group;
* ``("module",)``: anything in this module; ``("everything",)``: anything at all. What cannot be told is these.

Annotations of functions are not followed: they do not change what a function does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from treadle.pipeline.code._binding import Comprehension, Reference, Scope, bound_names, fresh_names
from treadle.pipeline.code._syntax import Visitor

# ruff: noqa: N802, N815 - the visitor calls methods by the names of syntax nodes

MUTATING = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "move_to_end", "pop"}
    | {"popitem", "popleft", "push", "put", "register", "remove", "reverse", "rotate", "setdefault", "sort"}
    | {"update", "__setitem__", "__delitem__"}
)
_NAMESPACES = frozenset({"globals", "locals", "vars", "eval", "exec"})
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class ReferenceCollector(Visitor):
    """Collects the references of the nodes it visits.

    Args:
        constants: Global names that are bound to a text, for entry point groups.
    """

    def __init__(self, constants: Mapping[str, str]) -> None:
        self.references: set[Reference] = set()
        self.mutated: set[Reference] = set()
        """Of what is assigned to, deleted from, or changed by a method known to change its object."""
        self.called: set[Reference] = set()
        """Of what any method is called on."""
        self.mutates_unknown = False
        """Whether something is changed that a local name holds and that was not made here."""
        self._constants = constants
        self._scopes: list[Scope] = []
        self._classes: list[bool] = []
        self._fresh: list[set[str]] = []

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._refer(node.id, [])
        elif self._scopes and not self._is_local(node.id):
            self.mutated.add(("name", node.id))  # declared global

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = _chain(node)
        if chain is None:
            self.generic_visit(node)
            return
        if not isinstance(node.ctx, ast.Load):
            self._mutate(chain[0], chain[1][:-1])
            self._mutate(*chain)
        self._refer(*chain)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load) and (chain := _chain(node.value)):
            self._mutate(*chain)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if isinstance(node.func, ast.Attribute) and (chain := _chain(node.func.value)):
            if (reference := self._resolve(*chain)) is not None:
                self.called.add(reference)
            if name in MUTATING:
                self._mutate(*chain)
        if name in _NAMESPACES and isinstance(node.func, ast.Name) and not self._is_local(name):
            self.references.add(("module",))
        elif name in ("setattr", "delattr") and node.args and (chain := _chain(node.args[0])):
            self._mutate(*chain)
        elif name in ("import_module", "__import__"):
            self._import_dynamically(node)
        elif name == "entry_points":
            self._entry_points(node)
        elif name == "getattr" and len(node.args) >= 2 and (chain := _chain(node.args[0])):
            attribute = node.args[1]
            if isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
                self.visit(node.func)
                self._refer(chain[0], [*chain[1], attribute.value])
                for argument in node.args[2:]:
                    self.visit(argument)
                return
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.references.add(("load", "0", alias.name, ""))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.references.add(("load", str(node.level), node.module or "", alias.name))
            if alias.name == "*":
                self.references.add(("import", str(node.level), node.module or ""))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_definition_time(node)
        self._enter(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_definition_time(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Visit what is evaluated when a function is defined: decorators and defaults."""
        for decorator in getattr(node, "decorator_list", []):
            self.visit(decorator)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_definition_time(node)
        self._enter(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(expression)
        self._scopes.append(bound_names(node.body))
        self._classes.append(True)
        for statement in node.body:
            self.visit(statement)
        self._leave()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)
        if self._classes and self._classes[-1]:
            self.visit(node.annotation)  # dataclasses and the like read it

    def _visit_comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)
        scope: Scope = {}
        for generator in node.generators:
            scope |= bound_names([generator.target])
        self._scopes.append(scope)
        self._classes.append(False)
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            self.visit(generator.target)
            for condition in generator.ifs:
                self.visit(condition)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(part)
        self._leave()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _enter(self, node: _FUNCTIONS, body: Iterable[ast.AST]) -> None:
        arguments = node.args
        names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        names += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        self._scopes.append(bound_names(body) | {argument.arg: None for argument in names})
        self._classes.append(False)
        self._fresh.append(fresh_names(body) - {argument.arg for argument in names})
        for statement in body:
            self.visit(statement)
        self._fresh.pop()
        self._leave()

    def _leave(self) -> None:
        self._scopes.pop()
        self._classes.pop()

    def _find(self, name: str) -> tuple[bool, Reference | None]:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope and (depth == 0 or not self._classes[-1 - depth]):
                return True, scope[name]
        return False, None

    def _is_local(self, name: str) -> bool:
        return self._find(name)[0]

    def _resolve(self, root: str, attributes: list[str]) -> Reference | None:
        local, imported = self._find(root)
        if local:
            return None if imported is None else (*imported, *attributes)
        return ("name", root, *attributes)

    def _is_fresh(self, name: str) -> bool:
        return any(name in scope for scope in self._fresh)

    def _refer(self, root: str, attributes: list[str]) -> None:
        if (reference := self._resolve(root, attributes)) is not None:
            self.references.add(reference)

    def _mutate(self, root: str, attributes: list[str]) -> None:
        if (reference := self._resolve(root, attributes)) is not None:
            self.mutated.add(reference)
        elif not self._is_fresh(root):
            self.mutates_unknown = True

    def _import_dynamically(self, node: ast.Call) -> None:
        name = node.args[0] if node.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and not name.value.startswith("."):
            self.references |= {("load", "0", name.value, ""), ("import", "0", name.value)}
        else:
            self.references.add(("everything",))

    def _entry_points(self, node: ast.Call) -> None:
        group = next((keyword.value for keyword in node.keywords if keyword.arg == "group"), None)
        if isinstance(group, ast.Constant) and isinstance(group.value, str):
            self.references.add(("entry points", group.value))
        elif isinstance(group, ast.Name) and group.id in self._constants:
            self.references.add(("entry points", self._constants[group.id]))
        else:
            self.references.add(("everything",))


def _chain(node: ast.AST) -> tuple[str, list[str]] | None:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    return (node.id, attributes) if isinstance(node, ast.Name) else None
