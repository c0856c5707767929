"""What a component's parameters are, read from its annotations."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from treadle.artifact import Artifact, Output, Value
from treadle.artifact import File as _File
from treadle.errors import ComponentError, UserCodeError

RESERVED = ("node", "after", "resolved")
_FILE_MARKER = typing.get_args(_File)[1]


class Kind(StrEnum):
    """How a parameter gets its value."""

    INPUT = "input"
    OUTPUT = "output"
    FILE = "file"
    FUNCTION = "function"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a component."""

    name: str
    kind: Kind
    annotation: Any
    """The annotation with ``| None`` and ``list[...]`` taken off where the kind has them."""
    many: bool = False
    """A list of inputs or files."""
    optional: bool = False
    """None is allowed."""
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is inspect.Parameter.empty and self.kind is not Kind.OUTPUT


@dataclass(frozen=True, slots=True)
class Signature:
    """A component's parameters and outputs."""

    parameters: dict[str, Parameter]
    outputs: dict[str, type[Artifact]]
    """Output parameters by name, and ``value`` when the function returns one."""
    takes_resolved: bool
    """Whether the function accepts the keyword ``resolved``."""
    returns: Any = Any
    """The annotation of the returned value; Any where there is none."""

    def check_returned(self, value: Any) -> None:
        """See that a returned value is what the annotation says, as the nodes that take it rely on.

        Raises:
            UserCodeError: It is something else.
        """
        if not fits(self.returns, value):
            raise UserCodeError(
                f"It returned a {type(value).__name__}, and says that it returns {describe(self.returns)}",
                hint="return what the annotation says, or write there what is returned",
            )


def read_signature(function: Callable[..., Any]) -> Signature:
    """The signature of a component's function.

    Raises:
        ComponentError: When an annotation cannot be read, or a parameter has a reserved name or a form that a node
            cannot fill (``*args``).
    """
    place = {"component": function.__qualname__, "file": place_of(function)}
    _check_kind(function, place)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:
        raise ComponentError(
            f"An annotation cannot be read: {error}",
            where=place,
            hint="import the name at the top of the module, not under TYPE_CHECKING",
        ) from error
    parameters = {}
    takes_resolved = False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD or name == "resolved":
            takes_resolved = True
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise ComponentError(
                f"Parameter {name!r} cannot be filled by name", where=place, hint="name every parameter"
            )
        if name in RESERVED:
            raise ComponentError(
                f"Parameter name {name!r} is reserved", where=place, hint=f"not one of {', '.join(RESERVED)}"
            )
        parameters[name] = _parameter(name, hints.get(name, Any), parameter.default)
    outputs = {name: parameter.annotation for name, parameter in parameters.items() if parameter.kind is Kind.OUTPUT}
    if hints.get("return", Any) is not type(None):
        if "value" in outputs:
            raise ComponentError(
                "An output is named 'value' and the function returns a value",
                where=place,
                hint="rename the output, or annotate the return as None",
            )
        outputs["value"] = Value
    return Signature(parameters, outputs, takes_resolved, hints.get("return", Any))


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    inner, optional = _without_none(annotation)
    element, many = _element_of_list(inner)
    if typing.get_origin(inner) is Output:
        return Parameter(name, Kind.OUTPUT, typing.get_args(inner)[0])
    if isinstance(element, type) and issubclass(element, Artifact):
        return Parameter(name, Kind.INPUT, element, many, optional, default)
    if _FILE_MARKER in typing.get_args(element)[1:]:
        return Parameter(name, Kind.FILE, element, many, optional, default)
    if collections.abc.Callable in (inner, typing.get_origin(inner)):
        return Parameter(name, Kind.FUNCTION, inner, False, optional, default)
    return Parameter(name, Kind.VALUE, inner, False, optional or annotation is Any, default)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, False
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    optional = len(members) < len(typing.get_args(annotation))
    return (members[0] if len(members) == 1 else typing.Union[tuple(members)]), optional  # noqa: UP007


def _element_of_list(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (list, collections.abc.Sequence):
        return typing.get_args(annotation)[0], True
    return annotation, False


def fits(annotation: Any, value: object) -> bool:
    """Whether a JSON value may be given for an annotation; what cannot be told is let through."""
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str):
        return isinstance(value, annotation)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(fits(member, value) for member in arguments)
    if annotation is type(None):
        return value is None
    if origin is typing.Literal:
        return value in arguments
    if annotation is list or origin in (list, collections.abc.Sequence):
        return isinstance(value, list | tuple) and all(fits(arguments[0], item) for item in value if arguments)
    if annotation is dict or origin in (dict, collections.abc.Mapping):
        return isinstance(value, dict) and all(
            fits(arguments[1], item) for item in value.values() if len(arguments) == 2
        )
    return True


def clashes(returned: Any, wanted: Any) -> bool:
    """Whether a value annotated one way can never be one annotated the other way; False where nobody can tell."""
    kinds = [typing.get_origin(annotation) or annotation for annotation in (returned, wanted)]
    kinds = [_JSON_KINDS.get(kind) if isinstance(kind, collections.abc.Hashable) else None for kind in kinds]
    return None not in kinds and kinds[0] != kinds[1] and kinds != [int, float]


_JSON_KINDS: dict[Any, type] = {kind: kind for kind in (bool, int, float, str, list, dict)} | {
    tuple: list,
    collections.abc.Sequence: list,
    collections.abc.Mapping: dict,
}


def describe(annotation: Any) -> str:
    """An annotation as a reader would write it."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def place_of(function: Any) -> str | None:
    """The file and line where a function or a class was written."""
    if isinstance(function, type):
        try:
            return f"{inspect.getsourcefile(function)}:{inspect.getsourcelines(function)[1]}"
        except (OSError, TypeError):  # made in a shell
            return None
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None


def _check_kind(function: Callable[..., Any], place: dict[str, Any]) -> None:
    inner = inspect.unwrap(function)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        raise ComponentError(
            "A component is no async function", where=place, hint="def, and asyncio.run(...) inside of it"
        )
    if inspect.isgeneratorfunction(inner):
        raise ComponentError("A component returns; this one yields", where=place, hint="return a list")
