"""Settings of a node as its source spells them: how often and where it is run is not what it makes.

``@component(retries=3)`` is read as ``@component()``, so that changing a setting runs nothing again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

SETTINGS = ("retries", "timeout", "resources")
_ROOMS = ("treadle", "treadle.pipeline")


def may_have_settings(source: bytes) -> bool:
    """Whether a source has the words of a setting at all; most have not, and need no closer look."""
    return b"component" in source and any(setting.encode() in source for setting in SETTINGS)


def drop_settings(tree: ast.Module) -> None:
    """Take the settings off the decorators that are known to be Treadle's own."""
    names = set(_names_of_component(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in names:
                    decorator.keywords = [keyword for keyword in decorator.keywords if not _is_setting(keyword)]


def _names_of_component(tree: ast.Module) -> Iterator[str]:
    """What `component` is called in a module; nothing when the name is bound to something else as well."""
    bound: dict[str, set[str | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                target = alias.name if alias.asname or "." not in alias.name else None
                spelled = f"{name}.component" if target in _ROOMS else None
                bound.setdefault(name, set()).add(spelled)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                own = node.level == 0 and node.module in _ROOMS and alias.name == "component"
                bound.setdefault(name, set()).add(name if own else None)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.setdefault(node.id, set()).add(None)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.setdefault(node.name, set()).add(None)
        elif isinstance(node, ast.arg):
            bound.setdefault(node.arg, set()).add(None)
    for spellings in bound.values():
        if len(spellings) == 1 and (spelled := next(iter(spellings))) is not None:
            yield spelled


def _is_setting(keyword: ast.keyword) -> bool:
    """Whether it is a setting that is spelled out or named; one that calls something may have effects of its own."""
    return keyword.arg in SETTINGS and not any(
        isinstance(node, ast.Call | ast.NamedExpr | ast.Await | ast.Yield) for node in ast.walk(keyword.value)
    )
