"""Values that a function carries (closures, defaults, bound arguments) as text that is equal when they are.

What cannot be written down this way makes the node run every time; see docs/adr/0006.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import functools
import json
import logging
import os
import re
import sys
import types
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any


class NotComparableError(TypeError):
    """A value of this kind cannot be compared between processes."""


class Describer:
    """Writes values down, and keeps the functions, classes and modules it meets on the way.

    Args:
        folder: The project's folder; paths below it are written relative to it.
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._open: list[int] = []
        self.met: list[object] = []
        """Functions, classes and modules inside the values: their code counts too."""

    def describe(self, value: object) -> str:
        """The text of a value.

        Raises:
            NotComparableError: When it has none.
        """
        return json.dumps(self._write(value), ensure_ascii=True, separators=(",", ":"))

    def _write(self, value: object) -> Any:
        if value is None or isinstance(value, bool) or (type(value) is int):
            return value
        if type(value) is str:
            return value if self._folder is None else value.replace(self._folder, "<project>")
        if isinstance(value, enum.Enum):
            self.met.append(type(value))
            return ["enum", _name(type(value)), value.name]
        if isinstance(value, _PLAIN):
            return [type(value).__name__, repr(value)]
        if isinstance(value, os.PathLike):
            return ["path", self._write(os.fspath(value))]
        if isinstance(value, types.BuiltinFunctionType) and not isinstance(value.__self__, types.ModuleType | None):
            return ["method", value.__name__, self._write(value.__self__)]
        if isinstance(value, _NAMED):
            self.met.append(value)
            return ["name", _name(value)]
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(wrapped, types.FunctionType):  # a component, functools.cache, ...
            self.met.append(wrapped)
            return ["wrapped", _name(type(value)), _name(wrapped)]
        if isinstance(value, logging.Logger):
            return ["logger", value.name]
        if isinstance(value, re.Pattern):
            return ["pattern", str(value.pattern), value.flags]
        if id(value) in self._open:
            return ["cycle", self._open.index(id(value))]
        self._open.append(id(value))
        try:
            return self._write_compound(value)
        finally:
            self._open.pop()

    def _write_compound(self, value: object) -> Any:
        if isinstance(value, functools.partial):
            return ["partial", self._write(value.func), self._all(value.args), self._write(value.keywords)]
        if isinstance(value, types.MethodType):
            return ["method", self._write(value.__func__), self._write(value.__self__)]
        if isinstance(value, list | tuple):
            return [type(value).__name__, *self._all(value)]
        if isinstance(value, set | frozenset):
            return ["set", *sorted(map(json.dumps, self._all(value)))]
        if isinstance(value, dict):
            self.met.append(type(value))
            return ["dict", *([self._write(key), self._write(item)] for key, item in value.items())]
        if is_dataclass(value) and not isinstance(value, type):
            self.met.append(type(value))
            contents = {field.name: getattr(value, field.name) for field in fields(value)}
            return ["dataclass", _name(type(value)), self._write(contents)]
        if type(value).__module__ != "builtins" and type(value).__reduce_ex__ is object.__reduce_ex__:
            return self._write_instance(value)
        raise NotComparableError(f"{type(value).__module__}.{type(value).__qualname__}")

    def _write_instance(self, value: object) -> Any:
        """An object of a class written in Python, by its attributes."""
        state = getattr(value, "__dict__", None)
        if state is None or not all(map(_is_plain_class, type(value).__mro__[:-1])):
            raise NotComparableError(f"{type(value).__module__}.{type(value).__qualname__}")
        self.met.append(type(value))
        return ["object", _name(type(value)), self._write(state)]

    def _all(self, values: Iterable[object]) -> list[Any]:
        return [self._write(value) for value in values]


_PLAIN = (
    float,
    complex,
    bytes,
    bytearray,
    range,
    slice,
    int,
    str,
    type(Ellipsis),
    decimal.Decimal,
    fractions.Fraction,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
)
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def _name(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return value.__name__
    return f"{value.__module__}:{value.__qualname__}"


def _is_plain_class(kind: type) -> bool:
    """Whether a class is written in Python and keeps its state in ``__dict__`` alone."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return bool(file) and str(file).endswith(".py") and not vars(kind).get("__slots__")
