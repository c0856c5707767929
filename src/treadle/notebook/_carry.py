"""Code of cells as a module: written, imported, and held against what the notebook holds."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import inspect
import linecache
import os
import re
import sys
import textwrap
import types
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from treadle.artifact import digest_bytes
from treadle.errors import NotebookError
from treadle.files import write_text
from treadle.notebook._history import History
from treadle.notebook._slice import Slice, needed_for
from treadle.notebook._statement import CellStatement
from treadle.pipeline import (
    Component,
    Describer,
    NotComparableError,
    Pipeline,
    import_fresh_sources,
    import_module_at,
    is_installed,
)

_OF_IPYTHON = re.compile(r"_*|_(i+|oh|dh|ih|\d+|i\d+)|In|Out")
_OURS = ("treadle.notebook", "IPython", "ipykernel")


class Carrier:
    """Writes the cells that some names need as a module of one name.

    Args:
        name: The module's name.
        folder: Where modules are written, each under the digest of its text.
        history: The cells.

    Raises:
        NotebookError: When the name is no module's, or one that is installed already.
    """

    def __init__(self, name: str, folder: Path, history: History) -> None:
        self.name = name
        self._folder = folder
        self._history = history
        if not name.isidentifier():
            raise NotebookError(f"{name!r} cannot name a module", hint="letters, digits and _: Session('explore')")
        found = None if _is_ours(sys.modules.get(name), folder) else importlib.util.find_spec(name)
        if name in sys.builtin_module_names or (found is not None and is_installed(found.origin or "")):
            raise NotebookError(f"There is an installed module {name!r}", hint="give the session another name")

    def names_of(self, value: object) -> list[str]:
        """The names that the notebook has for an object."""
        held = [name for name, other in self._history.namespace.items() if other is value]
        return [name for name in held if not _OF_IPYTHON.fullmatch(name)]

    def carry(self, roots: Collection[str]) -> types.ModuleType:
        """The module in which these names are what they are in the notebook.

        Raises:
            NotebookError: When something that is needed cannot be carried, or is not what its cell makes.
        """
        source = self.source(roots)
        digest = digest_bytes(source.encode()).removeprefix("sha256:")[:16]
        file = self._folder / digest / f"{self.name}.py"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, source)
        sys.modules.pop(self.name, None)
        linecache.checkcache(str(file))
        import_fresh_sources()
        try:
            module = import_module_at(self.name, file)
        except Exception as error:
            raise NotebookError(
                f"The cells cannot be executed anew: {type(error).__name__}: {error}",
                where={"file": file, "cell": self._cell_of(error, file)},
                hint="run the notebook again from its top",
            ) from error
        self._compare(module, self._slice(roots))
        return module

    def source(self, roots: Collection[str]) -> str:
        """The module's text.

        Raises:
            NotebookError: When something that is needed cannot be carried.
        """
        found = self._slice(roots)
        self._refuse_live(found)
        return _text(found.statements)

    def _slice(self, roots: Collection[str]) -> Slice:
        return needed_for(roots, self._history.statements(), self._live())

    def _live(self) -> set[str]:
        held = self._history.namespace.items()
        return {"get_ipython"} | {name for name, value in held if type(value).__module__.startswith(_OURS)}

    def _refuse_live(self, found: Slice) -> None:
        live = self._live()
        for statement in found.statements:
            if touched := statement.reads & live:
                made = ", ".join(sorted(statement.binds & found.names)) or "something"
                raise NotebookError(
                    f"{made} comes from {min(touched)!r}, which is only in the notebook",
                    where={"cell": statement.cell},
                    hint="call the component in the pipeline function, or give the value as a parameter",
                )
        made_nowhere = sorted(found.names & set(self._history.namespace) - found.bound - set(dir(builtins)))
        for name in made_nowhere:
            if not name.startswith("__"):
                raise NotebookError(f"No cell that was executed makes {name!r}", hint="make it in a cell")

    def _compare(self, module: types.ModuleType, found: Slice) -> None:
        """Refuse names that are not what executing their cells anew makes: they would not be so in the module."""
        cells = {name: statement.cell for statement in found.statements for name in statement.binds}
        for name in sorted(found.bound & set(self._history.namespace)):
            here, there = self._history.namespace[name], getattr(module, name, None)
            where = {"name": name, "cell": cells[name]}
            try:
                same = _described(here, "__main__") == _described(there, module.__name__)
            except NotComparableError as error:
                raise NotebookError(
                    f"{name!r} holds a live object ({error}), which no other process can have",
                    where=where,
                    hint="make it inside the function that uses it, or give what it was made from as a parameter",
                ) from None
            if not same:
                raise NotebookError(
                    f"{name!r} is not what its cell makes: something changed it, or the cell, since",
                    where=where,
                    hint=f"run cell {cells[name]} again, and those after it that use it",
                )

    def _cell_of(self, error: BaseException, file: Path) -> str | None:
        trace, line = error.__traceback__, None
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(file) else line
            trace = trace.tb_next
        if line is None:
            return None
        return file.read_text(encoding="utf-8").splitlines()[line - 1].strip()


def _text(statements: tuple[CellStatement, ...]) -> str:
    """The statements as a module, spaced as one writes them."""
    text = ""
    before: CellStatement | None = None
    seen: set[str] = set()
    bound = Counter(name for source in {each.source: each for each in statements}.values() for name in source.binds)
    for statement in sorted(statements, key=lambda each: _place(each, bound)):
        if statement.is_import and statement.source in seen:
            continue
        seen.add(statement.source)
        text += ("" if before is None else _space(before, statement)) + statement.source
        before = statement
    return text + "\n"


def _place(statement: CellStatement, bound: Counter[str]) -> int:
    """Imports go first, where nothing else binds what they bind; everything else stays in its order."""
    if statement.is_future:
        return 0
    return 1 if statement.is_import and all(bound[name] == 1 for name in statement.binds) else 2


def _space(before: CellStatement, after: CellStatement) -> str:
    if before.is_future:
        return "\n\n" + "\n" * after.is_definition
    if before.is_definition or after.is_definition:
        return "\n\n\n"
    return "\n" if before.is_import == after.is_import else "\n\n"


def _described(value: Any, module: str) -> Any:
    """What can be told of a value, in words that are equal in the notebook and in the module."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, Component | Pipeline):
        return type(value).__name__, _described(value.function, module)
    if isinstance(value, types.MethodType):
        return _described(value.__func__, module), _described(value.__self__, module)
    if isinstance(value, types.FunctionType):
        return _code(value), [_described(carried, module) for carried in _carried(value)]
    if isinstance(value, type):
        own = value.__module__ == module
        return [value.__qualname__, *sorted(map(str, _of_class(value, module)))] if own else value.__qualname__
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return str(getattr(value, "dtype", "")), Describer(None).describe(value.tolist())
    return Describer(None).describe(value).replace(f'"{module}:', '"')


def _of_class(kind: type, module: str) -> Iterator[Any]:
    for name, value in vars(kind).items():
        if isinstance(value, types.FunctionType) and value.__module__ == module:
            yield name, _code(value)


def _carried(function: types.FunctionType) -> Iterator[Any]:
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not yet bound
            continue


def _code(function: types.FunctionType) -> tuple[Any, ...]:
    """What a function does, by its syntax: the same source may give other bytecode in another module."""
    try:
        syntax = ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, SyntaxError, TypeError):  # part of a longer expression, or typed where nobody keeps it
        syntax = ""
    code = function.__code__
    return syntax, code.co_names, code.co_varnames


def _is_ours(module: types.ModuleType | None, folder: Path) -> bool:
    return module is not None and Path(getattr(module, "__file__", None) or os.sep).is_relative_to(folder)
