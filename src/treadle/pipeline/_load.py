"""Finding a pipeline in a file, and reading parameter values from the command line."""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from treadle.config import masked
from treadle.errors import PipelineError, PipelineFileError, TreadleError, UserCodeError
from treadle.pipeline._importing import import_fresh_sources, import_module_at, is_users
from treadle.pipeline._pipeline import Pipeline
from treadle.pipeline._signature import describe, fits


def load_pipeline(target: str | os.PathLike[str]) -> Pipeline:
    """The pipeline in ``FILE.py``, or the one named in ``FILE.py:NAME``.

    The file's folder goes first on the import path, and the file is imported under its stem. Modules that an earlier
    call imported from a pipeline's folder are forgotten first, so the sources are read as they are now.

    Raises:
        PipelineFileError: When the file is missing, holds no pipeline, or several and none is named.
        UserCodeError: When importing the file raises.
    """
    path, _, name = os.fspath(target).partition(".py:")
    file = Path(path + ".py" if name else path).absolute()
    if not file.is_file():
        raise PipelineFileError(
            f"There is no pipeline file {file.name}" if not file.is_dir() else f"{file.name} is a folder",
            where={"file": file},
            hint="treadle run FILE.py, or FILE.py:NAME",
        )
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise PipelineFileError(
            "A pipeline file is a Python file with a name that can be imported",
            where={"file": file},
            hint="letters, digits and _, ending in .py",
        )
    module = _import(file)
    found = {key: value for key, value in vars(module).items() if isinstance(value, Pipeline)}
    own = {key: value for key, value in found.items() if value.file == file} or found
    return _choose(own, name, file)


def _import(file: Path) -> Any:
    folder = str(file.parent)
    _forget(folder)
    import_fresh_sources()
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return import_module_at(file.stem, file)
    except TreadleError:
        raise
    except SyntaxError as error:
        raise UserCodeError(f"SyntaxError: {error.msg}", where={"file": f"{error.filename}:{error.lineno}"}) from error
    except Exception as error:
        raise UserCodeError(
            f"Importing the pipeline file raised {type(error).__name__}: {error}",
            where={"file": _from_the_file_on(error, file)},
            hint="the file is no part of a package: import what lies beside it by its name, without the dot"
            if "relative import with no known parent" in str(error)
            else None,
        ) from error


def _from_the_file_on(error: BaseException, file: Path) -> str:
    """The line of the file that an error came from; what is before it in the traceback, the importing, is taken off."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(file):
        trace = trace.tb_next
    if trace is None:
        return str(file)
    error.__traceback__ = trace
    return f"{file}:{trace.tb_lineno}"


_folders: set[str] = set()


def _forget(folder: str) -> None:
    _folders.add(folder)
    # a copy is made in one piece; a list of its items is not, and a thread or a finalizer that imports would break it
    for name, module in sys.modules.copy().items():
        path = getattr(module, "__file__", None)
        if path and name != "__main__" and is_users(path):
            path = os.path.abspath(path)
            if any(path.startswith(known + os.sep) for known in _folders):
                del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if entry not in _folders]


def _choose(found: dict[str, Pipeline], name: str, file: Path) -> Pipeline:
    if name:
        for key, value in found.items():
            if name in (key, value.name):
                return value
    elif len(set(found.values())) == 1:
        return next(iter(found.values()))
    names = ", ".join(f"{file.name}:{key}" for key in found)
    if not found:
        raise PipelineFileError(
            "The file holds no pipeline",
            where={"file": file},
            hint="decorate a function that calls components with @treadle.pipeline",
        )
    raise PipelineFileError(
        f"The file holds no pipeline named {name!r}" if name else f"The file holds {len(found)} pipelines",
        where={"file": file},
        hint=f"say which: {names}",
    )


def parse_settings(pipeline: Pipeline, settings: Iterable[str]) -> dict[str, Any]:
    """Parameter values from ``name=value`` texts: JSON where it is JSON and fits the annotation, else a string.

    Raises:
        PipelineError: When a text has no ``=``, names no parameter, or its value does not fit.
    """
    annotations = pipeline.parameter_types()
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        where = {"pipeline": pipeline.name, "setting": masked(setting)}
        if not equals or not name:
            raise PipelineError("A setting is name=value", where=where, hint="--set threshold=0.5")
        if name not in annotations:
            raise PipelineError(
                f"The pipeline has no parameter {name!r}",
                where=where,
                hint=f"it has {', '.join(annotations) or 'none'}",
            )
        values[name] = _value(text, annotations[name], where)
    return values


def _value(text: str, annotation: Any, where: dict[str, Any]) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        value = text
    if fits(annotation, value) and not (value is not text and _is_text(annotation)):
        return value
    if fits(annotation, text):
        return text
    raise PipelineError(f"{masked(text)!r} is not {describe(annotation)}", where=where)


def _is_text(annotation: Any) -> bool:
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if union else (annotation,)
    return str in members and not any(kind in members for kind in (int, float, bool, dict, list))


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
