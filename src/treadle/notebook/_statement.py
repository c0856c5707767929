"""The statements of cells: which names each binds, reads and changes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from treadle.pipeline import read_facts

_CHANGING = frozenset(
    {"append", "add", "clear", "discard", "extend", "insert", "pop", "remove", "reverse", "setdefault"}
)
_CHANGING |= {"sort", "update", "register"}
_TRANSPARENT_MAGICS = frozenset({"time", "capture"})
_CERTAIN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True, slots=True)
class CellStatement:
    """One statement at the top level of a cell that was executed."""

    cell: int
    """The execution count of its cell."""
    source: str
    binds: frozenset[str]
    """Global names it binds."""
    certain: bool
    """Whether it binds them whatever happens, and without looking at what they were."""
    reads: frozenset[str]
    """Global names that it looks up when it is executed, annotations included."""
    refers: frozenset[str]
    """Global names that functions in it look up when they are called."""
    changes: frozenset[str]
    """Global names whose objects it changes in place."""
    changes_when_called: frozenset[str]
    """Global names whose objects its functions change when they are called."""
    is_import: bool = False
    is_future: bool = False
    is_definition: bool = False

    @property
    def looked_up_later(self) -> frozenset[str]:
        """Global names that are looked up after it was executed: by its functions, and for annotations."""
        return self.refers | self.reads if self.is_definition else self.refers


def read_cell(cell: int, source: str, *, until: int | None = None) -> list[CellStatement]:
    """The statements of one cell; none when it is no Python.

    Args:
        cell: The execution count.
        source: The cell as Python, with magics turned into calls.
        until: Only statements that end before this line: those that have been executed.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    if (inner := _inside_magic(tree)) is not None:
        return read_cell(cell, inner)
    lines = source.splitlines()
    found, last = [], 0
    for node in tree.body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        end = node.end_lineno or node.lineno
        if until is not None and end >= until:
            break
        shared = first <= last or any(other.lineno == end for other in tree.body if other is not node)
        text = ast.unparse(node) if shared else "\n".join(lines[_with_comments(lines, first, last) - 1 : end])
        found.append(_read(cell, text.rstrip().rstrip(";"), node))
        last = end
    return found


def _with_comments(lines: list[str], first: int, last: int) -> int:
    """The first of the comment lines that stand right above a statement."""
    while first - 1 > last and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return first


def _inside_magic(tree: ast.Module) -> str | None:
    """The body of a cell that begins with a magic like ``%%time``, which executes it as it is."""
    call = tree.body[0].value if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "run_cell_magic":
        return None
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return str(texts[2]) if len(texts) == 3 and texts[0] in _TRANSPARENT_MAGICS else None


def _read(cell: int, source: str, node: ast.stmt) -> CellStatement:
    facts = read_facts(ast.unparse(node).encode("utf-8", errors="surrogatepass"))
    names = {name for name in facts.names if name != "*"}
    statement = facts.statements[0] if facts.statements else None
    reads = {ref[1] for ref in (statement.at_import if statement else ()) if ref[0] == "name"}
    refers = {ref[1] for ref in (statement.references if statement else ()) if ref[0] == "name"}
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        names, reads = names | {node.target.id}, reads | {node.target.id}
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    if not is_definition and not any(isinstance(inner, ast.FunctionDef | ast.Lambda) for inner in ast.walk(node)):
        refers = set()
    later = {ref[1] for _, when, ref in facts.mutations if when == "later" and ref[0] == "name"}
    is_import = isinstance(node, ast.Import | ast.ImportFrom)
    return CellStatement(
        cell=cell,
        source=source,
        binds=frozenset() if isinstance(node, ast.Delete) else frozenset(names),
        certain=isinstance(node, _CERTAIN),
        reads=frozenset(reads | set(_in_annotations(node))),
        refers=frozenset(refers),
        changes=frozenset(_changed(node)),
        changes_when_called=frozenset(later),
        is_import=is_import,
        is_future=isinstance(node, ast.ImportFrom) and node.module == "__future__",
        is_definition=is_definition,
    )


def _in_annotations(node: ast.AST) -> Iterator[str]:
    """Names in annotations: a component is read by them."""
    for inner in ast.walk(node):
        annotations = [getattr(inner, "annotation", None), getattr(inner, "returns", None)]
        for annotation in annotations:
            if isinstance(annotation, ast.expr):
                yield from _names(annotation)


def _names(expression: ast.expr) -> Iterator[str]:
    for inner in ast.walk(expression):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            try:
                yield from _names(ast.parse(inner.value, mode="eval").body)
            except SyntaxError:
                continue


def _changed(node: ast.stmt) -> Iterator[str]:
    """Names whose objects a statement changes in place when it is executed."""
    for inner in _executed(node):
        if isinstance(inner, ast.Subscript | ast.Attribute) and not isinstance(inner.ctx, ast.Load):
            yield from _root(inner)
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _CHANGING:
            yield from _root(inner.func)


def _executed(node: ast.AST) -> Iterable[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _executed(child)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
