"""What a call in a pipeline function gives to a component, as arguments of the IR, with the mistakes told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Value, canonical_json
from treadle.errors import PipelineError
from treadle.pipeline._handles import (
    ItemHandle,
    NodeHandle,
    OneOfHandle,
    OutputHandle,
    ParameterHandle,
    Promise,
    StatusHandle,
    name_of,
    only_output,
)
from treadle.pipeline._ir import (
    Argument,
    Constant,
    DictOf,
    FilePath,
    Function,
    Given,
    Item,
    ListOf,
    OneOf,
    RunStatus,
    Stored,
    Wire,
)
from treadle.pipeline._reference import reference_to
from treadle.pipeline._signature import Kind, Parameter, clashes, describe, fits


class ArgumentReader:
    """Reads the arguments of one call.

    Args:
        function: The pipeline function.
        trace: The compilation; handles of another are refused.
        loops: The loops whose bodies the call is in, the outermost first.
        where: Told with every mistake.
    """

    def __init__(
        self, function: Callable[..., Any], trace: object, loops: tuple[str, ...], where: Mapping[str, object]
    ) -> None:
        self._function = function
        self._trace = trace
        self._loops = loops
        self._where = dict(where)

    def read(self, parameter: Parameter, given: Any) -> Argument:
        """The argument for a parameter.

        Raises:
            PipelineError: When it does not fit.
        """
        where = self._where
        self._where = {**where, "parameter": parameter.name}
        try:
            return self._read(parameter, given)
        finally:
            self._where = where

    def source(self, given: Any) -> Argument:
        """What a loop goes through: a list, of values or of artifacts, known now or only in the run."""
        if isinstance(given, OneOfHandle):
            raise PipelineError(
                f"A loop through {given!s}",
                where=self._where,
                hint="go through what a component returns that is given it",
            )
        if isinstance(given, list | tuple) and any(isinstance(item, NodeHandle | OutputHandle) for item in given):
            handles = [self.handle(item) for item in given]
            return ListOf(tuple(self._alone(handle).leaf() for handle in handles))
        if isinstance(given, NodeHandle | OutputHandle):
            handle = self.handle(given)
            if not self._is_gathered(handle) and not handle.is_value:
                raise PipelineError(f"{handle!s} is one {handle.type.type_name}, not a list", where=self._where)
            if not self._is_gathered(handle) and clashes(handle.annotation, list):
                raise PipelineError(f"{handle!s} is {describe(handle.annotation)}, not a list", where=self._where)
            return handle.leaf()
        argument = self._template(given)
        if isinstance(argument, Constant) and not isinstance(argument.value, list):
            raise PipelineError(f"for_each goes through a list, not {given!r}", where=self._where)
        return argument

    def after(self, after: Any) -> list[str]:
        """The names of the nodes that a call waits for."""
        handles = [after] if isinstance(after, Promise | str) or not isinstance(after, Iterable) else after
        names = []
        for handle in handles:
            if isinstance(handle, OutputHandle):
                names.append(handle.node)
            elif isinstance(handle, NodeHandle):
                names.append(name_of(handle))
            else:
                raise PipelineError(f"after= takes nodes, not {handle!r}", where=self._where)
        return names

    def handle(self, given: NodeHandle | OutputHandle) -> OutputHandle:
        """The output that is meant, of this pipeline."""
        output = only_output(given) if isinstance(given, NodeHandle) else given
        if output.trace is not None and output.trace is not self._trace:
            raise PipelineError(
                f"{output!s} belongs to another compilation",
                where=self._where,
                hint="keep no handles outside the pipeline function; call the component in it",
            )
        return output

    def _read(self, parameter: Parameter, given: Any) -> Argument:
        if given is None and (parameter.optional or parameter.default is None):
            return Constant(None)
        if parameter.kind is Kind.INPUT:
            return self._input(parameter, given)
        if parameter.kind is Kind.FILE:
            if parameter.many and isinstance(given, list | tuple):
                return ListOf(tuple(self._file(item) for item in given))
            return ListOf((self._file(given),)) if parameter.many else self._file(given)
        if parameter.kind is Kind.FUNCTION:
            return Function(reference_to(given, self._function, self._where))
        return self._value(parameter, given)

    def _input(self, parameter: Parameter, given: Any) -> Argument:
        if parameter.many and isinstance(given, list | tuple):
            return ListOf(tuple(self._wire(parameter, item) for item in given))
        if parameter.many and isinstance(given, NodeHandle | OutputHandle | OneOfHandle) and self._is_gathered(given):
            return self._wire(parameter, given, gathered=True)
        wire = self._wire(parameter, given)
        return ListOf((wire,)) if parameter.many else wire

    def _wire(self, parameter: Parameter, given: Any, *, gathered: bool = False) -> Wire | OneOf | Item | Stored:
        if isinstance(given, OneOfHandle):
            options = [self._wire(parameter, option, gathered=gathered) for option in given.options]
            return OneOf(tuple(option for option in options if isinstance(option, Wire)))
        if isinstance(given, Artifact):
            self._fits(parameter, given.type_name, issubclass(type(given), parameter.annotation), "this artifact")
            return _stored(given)
        if isinstance(given, ItemHandle) and given.type is not None:
            self._fits(parameter, given.type.type_name, issubclass(given.type, parameter.annotation), str(given))
            return self._item(given)
        if not isinstance(given, NodeHandle | OutputHandle):
            shown = str(given) if isinstance(given, Promise) else repr(given)
            raise PipelineError(
                f"{parameter.name!r} takes an output of a node, not {shown}",
                where=self._where,
                hint=f"call it: {given.__name__}(...)"
                if hasattr(given, "signature")
                else f"an artifact of type {parameter.annotation.type_name}",
            )
        output = self.handle(given)
        self._fits(parameter, output.type.type_name, issubclass(output.type, parameter.annotation), str(output))
        if output.path:
            raise PipelineError(f"{parameter.name!r} takes the artifact, not a part of it", where=self._where)
        return output.leaf() if gathered else self._alone(output).leaf()

    def _fits(self, parameter: Parameter, found: str, fitting: bool, what: str) -> None:
        if not fitting:
            raise PipelineError(
                f"{parameter.name!r} takes {parameter.annotation.type_name}, and {what} is {found}", where=self._where
            )

    def _is_gathered(self, given: NodeHandle | OutputHandle | OneOfHandle) -> bool:
        """Whether it stands for one output a round, seen from outside the loop.

        Raises:
            PipelineError: When it is one of several outputs that are not in the same rounds.
        """
        loops = {output.loops for output in self._outputs(given)}
        inside = {around if self._loops[: len(around)] != around else () for around in loops}
        if len(inside) > 1:
            raise PipelineError(
                f"{given!s}: they are in different loops, so there is no telling which belong together",
                where=self._where,
                hint="take one of outputs that are in the same loop, or in none",
            )
        return inside != {()}

    def _outputs(self, given: NodeHandle | OutputHandle | OneOfHandle) -> list[OutputHandle]:
        """The outputs of which there will be one."""
        return [self.handle(each) for each in (given.options if isinstance(given, OneOfHandle) else (given,))]

    def _alone(self, output: OutputHandle) -> OutputHandle:
        if self._is_gathered(output):
            raise PipelineError(
                f"{output!s} is a list here, of one for each round of its loop",
                where=self._where,
                hint="give it, by itself, to a parameter annotated list[...]; or use it inside the loop",
            )
        return output

    def _file(self, given: Any) -> FilePath | Wire | OneOf | Item | RunStatus | Given:
        if isinstance(given, Promise):
            return self._value_leaf(given)
        if not isinstance(given, str | os.PathLike):
            raise PipelineError(f"A file is named by a path, not {given!r}", where=self._where)
        return FilePath(os.fspath(given) if isinstance(given, str) else str(Path(given)))

    def _value(self, parameter: Parameter, given: Any) -> Argument:
        argument = self._template(given)
        wanted = describe(parameter.annotation)
        if isinstance(argument, Constant) and not fits(parameter.annotation, given):
            raise PipelineError(f"{parameter.name!r} takes {wanted}, not {given!r}", where=self._where)
        if isinstance(given, ParameterHandle) and clashes(given.annotation, parameter.annotation):
            raise PipelineError(
                f"{parameter.name!r} takes {wanted}, and {given!s} is {describe(given.annotation)}", where=self._where
            )
        if isinstance(given, NodeHandle | OutputHandle | OneOfHandle):
            gathered = self._is_gathered(given)
            for output in self._outputs(given):
                returned = list if gathered else output.annotation
                if clashes(returned, parameter.annotation):
                    raise PipelineError(
                        f"{parameter.name!r} takes {wanted}, and {output!s} is {describe(returned)}", where=self._where
                    )
        return argument

    def _template(self, given: Any) -> Argument:
        """A JSON value, in which lists and dictionaries may hold outputs of other nodes."""
        if isinstance(given, Promise):
            return self._value_leaf(given)
        if isinstance(given, Value):
            return _stored(given)
        if isinstance(given, list | tuple):
            items = [self._template(item) for item in given]
            if not all(isinstance(item, Constant) for item in items):
                return ListOf(tuple(items))
            given = list(given)
        elif isinstance(given, dict):
            entries = {name: self._template(item) for name, item in given.items()}
            if not all(isinstance(item, Constant) for item in entries.values()):
                return DictOf(entries)
        try:
            canonical_json(given)
        except (TypeError, ValueError) as error:
            raise PipelineError(
                f"Not a JSON value: {error}",
                where=self._where,
                hint="annotate the parameter as File for a path, as Callable for a function",
            ) from error
        return Constant(given)

    def _item(self, given: ItemHandle) -> Item:
        if given.loop not in self._loops:
            raise PipelineError(f"{given!s} is used outside of that loop", where=self._where)
        return given.leaf()

    def _value_leaf(self, given: Promise) -> Wire | OneOf | Item | RunStatus | Given:
        if isinstance(given, OneOfHandle):
            self._is_gathered(given)  # all of them, or none
            options = [self._value_leaf(option) for option in given.options]
            return OneOf(tuple(option for option in options if isinstance(option, Wire)))
        if isinstance(given, StatusHandle | ParameterHandle):
            return given.leaf()
        if isinstance(given, ItemHandle):
            if given.type is not None and not issubclass(given.type, Value):
                raise PipelineError(f"{given!s} is {given.type.type_name}, not a value", where=self._where)
            return self._item(given)
        assert isinstance(given, NodeHandle | OutputHandle)
        output = self.handle(given)
        if not output.is_value:
            raise PipelineError(
                f"{output!s} is {output.type.type_name}, not a value",
                where=self._where,
                hint=f"annotate the parameter as {output.type.type_name} to receive the artifact",
            )
        return output.leaf()


def _stored(artifact: Artifact) -> Stored:
    return Stored(artifact.digest, artifact.type_name, dict(artifact.properties))
