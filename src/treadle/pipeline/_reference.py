"""Functions by name: how a pipeline records them and how a process finds them again."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from treadle.artifact import canonical_json
from treadle.errors import PipelineError
from treadle.pipeline._importing import import_module_at
from treadle.pipeline._ir import FunctionReference


def reference_to(
    function: Any, pipeline_function: Callable[..., Any], where: Mapping[str, object] | None = None
) -> FunctionReference:
    """The name under which another process can import a function or component.

    A function made inside another function has no such name of its own; it is found by the module-level name that it
    is bound to, in the module that made it or in the pipeline's.

    Raises:
        PipelineError: When there is no such name.
    """
    if isinstance(function, functools.partial):
        return _partial(function, pipeline_function, where)
    if not callable(function):
        raise PipelineError(f"Not a function: {function!r}", where=where)
    qualified = getattr(function, "__qualname__", None)
    owner = str(getattr(function, "__module__", None))
    for module in dict.fromkeys([owner, pipeline_function.__module__]):
        namespace = vars(sys.modules[module]) if module in sys.modules else {}
        if module == owner and qualified and _look_up(namespace, qualified) is function:
            return FunctionReference(module_name(module), qualified)
        for name, value in namespace.items():
            if value is function:
                return FunctionReference(module_name(module), name)
    raise PipelineError(
        f"{function!r} cannot be imported by another process",
        where=where,
        hint="define it at the top level of a module, outside functions, and give it a name there",
    )


def find_function(reference: FunctionReference, files: Mapping[str, Path]) -> Any:
    """Import what a reference names: a function, a component, or a partial of one.

    Args:
        reference: What to find.
        files: The files of modules that are imported by their path, such as the pipeline's own.
    """
    main = sys.modules.get("__main__")
    if main is not None and reference.module == module_name("__main__"):
        module = main
    else:
        module = import_module_at(reference.module, files.get(reference.module))
    found = _look_up(vars(module), reference.name)
    if found is None:
        raise PipelineError(f"Module {reference.module!r} has no {reference.name!r}", where={"file": module.__file__})
    if reference.arguments or reference.keywords:
        found = functools.partial(found, *reference.arguments, **reference.keywords)
    return found


def _partial(
    function: functools.partial[Any],
    pipeline_function: Callable[..., Any],
    where: Mapping[str, object] | None,
) -> FunctionReference:
    inner = reference_to(function.func, pipeline_function, where)
    arguments = (*inner.arguments, *function.args)
    keywords = {**inner.keywords, **function.keywords}
    try:
        canonical_json([list(arguments), keywords])
    except (TypeError, ValueError) as error:
        raise PipelineError(f"A bound argument is not a JSON value: {error}", where=where) from error
    return FunctionReference(inner.module, inner.name, arguments, keywords)


def module_name(module: str) -> str:
    """The module's name for another process: a script that runs as ``__main__`` has its file's stem."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).stem if module == "__main__" and file else module


def module_file(function: Callable[..., Any]) -> Path | None:
    """The file that a function was written in; None for functions typed at a prompt."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    path = Path(code.co_filename).absolute() if code else None
    return path if path is not None and path.is_file() else None


def _look_up(namespace: Mapping[str, Any], qualified: str) -> Any:
    head, *rest = qualified.split(".")
    found = namespace.get(head)
    for name in rest:
        found = getattr(found, name, None)
    return found
