"""Importing the user's modules: always from the source as it is now, never from a cached bytecode file.

A bytecode file is trusted when the source's size and its time in whole seconds agree, so an edit of one character
within a second would run the old code under the new code's fingerprint. Installed packages and Treadle itself are
imported as usual.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import site
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import treadle
from treadle.errors import PipelineFileError

_TREADLE = os.path.dirname(os.path.abspath(treadle.__file__)) + os.sep


@functools.cache
def installed_folders() -> tuple[str, ...]:
    """Where the standard library and installed distributions live, each ending in a separator."""
    # what `sysconfig.get_paths` says, without the three milliseconds that it takes to read how Python was built
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [(sys.base_prefix, "lib"), (sys.base_exec_prefix, sys.platlibdir), (sys.exec_prefix, sys.platlibdir)]
    folders = {os.path.join(prefix, library, version) for prefix, library in places}
    folders |= {os.path.dirname(os.__file__), os.path.dirname(os.path.realpath(os.__file__))}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(sorted(os.path.abspath(folder) + os.sep for folder in folders))


def is_installed(path: str) -> bool:
    """Whether a file belongs to the standard library or to an installed (not editable) distribution."""
    return path.startswith(installed_folders()) or "site-packages" in path or "dist-packages" in path


def is_treadle(path: str) -> bool:
    """Whether a file is Treadle's own."""
    return path.startswith(_TREADLE)


def is_users(path: str) -> bool:
    """Whether a file is the user's own: neither Treadle's nor installed."""
    return not (is_treadle(path) or is_installed(path))


_compiled: dict[str, tuple[bytes, CodeType]] = {}
"""By path: a source that was compiled early, and its code."""


class _FreshLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        known = _compiled.get(path)
        if known is not None and known[0] == source:  # nothing less than its bytes tells that it is the same
            return known[1]
        code: CodeType = self.source_to_code(source, path)
        return code


def compile_early(path: str) -> None:
    """Compile one of the user's sources for those that import it later: this process and those that it forks.

    Raises:
        OSError: It cannot be read.
        SyntaxError: It is not Python.
        ValueError: It is not even text.
    """
    loader = _FreshLoader("", path)
    source = loader.get_data(path)
    if path not in _compiled or _compiled[path][0] != source:
        _compiled[path] = source, loader.source_to_code(source, path)


class _FreshFinder:
    """Stands in for `PathFinder` and swaps the loader of the user's own modules."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        spec = PathFinder.find_spec(name, path, target)
        return None if spec is None else _fresh(spec)

    @staticmethod
    def invalidate_caches() -> None:
        PathFinder.invalidate_caches()


def _fresh(spec: ModuleSpec) -> ModuleSpec:
    origin = os.path.abspath(spec.origin) if spec.origin else ""
    if type(spec.loader) is SourceFileLoader and is_users(origin):
        spec.loader = _FreshLoader(spec.name, spec.loader.path)
        spec.cached = None
    return spec


def import_fresh_sources() -> None:
    """From now on, import the user's modules from source. Idempotent."""
    if _FreshFinder not in sys.meta_path:
        place = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
        sys.meta_path.insert(place, _FreshFinder)


def import_module_at(name: str, file: Path | None) -> ModuleType:
    """Import a module by its name, from a file when one is given and the name does not lead there.

    Raises:
        PipelineFileError: When the name already means another module.
    """
    if file is None:
        return importlib.import_module(name)
    if name in sys.modules:
        loaded = getattr(sys.modules[name], "__file__", None)
        if loaded is None or not os.path.samefile(loaded, file):
            raise PipelineFileError(
                f"A file named {file.name} hides the module {name!r}",
                where={"file": file},
                hint="give the file another name",
            )
        return sys.modules[name]
    found = None if "." in name else _FreshFinder.find_spec(name)
    if "." in name or (
        found and found.origin and os.path.exists(found.origin) and os.path.samefile(found.origin, file)
    ):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_loader(name, _FreshLoader(name, str(file)), origin=str(file))
    if spec is None:
        raise PipelineFileError("Not a Python file", where={"file": file})
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
