"""`@component`: a typed function that can be placed in a pipeline."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, overload

from treadle.errors import ComponentError
from treadle.pipeline._settings import read_settings
from treadle.pipeline._signature import Signature, place_of, read_signature
from treadle.pipeline._trace import current_trace


class Component:
    """A typed function. Called inside a pipeline function it places a node; called elsewhere it just runs.

    Inside a pipeline function a call accepts two more keywords: ``node="name"`` names the node (otherwise it has
    the component's name, then ``name_2``, ``name_3``, ...), and ``after=[node, ...]`` makes it wait for nodes
    whose outputs it does not take.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        cache: bool = True,
        resolve: Callable[..., Any] | None = None,
        retries: int = 0,
        timeout: float | None = None,
        resources: Mapping[str, float | str] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        if isinstance(function, type):
            function, resolve = _steps(function, resolve)
        if resolve is not None and not callable(resolve):
            raise ComponentError(
                f"resolve= takes a function, not {resolve!r}",
                where={"component": function.__qualname__, "file": place_of(function)},
            )
        self.function = function
        self.cache = cache
        self.resolve = resolve
        self.settings = read_settings(retries, timeout, resources, {"component": function.__qualname__})

    @functools.cached_property
    def signature(self) -> Signature:
        """Parameters and outputs, read from the annotations when first needed."""
        return read_signature(self.function)

    @property
    def name(self) -> str:
        """The function's name, which its nodes get."""
        return str(self.__name__)  # type: ignore[attr-defined]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Place a node when a pipeline is being compiled; otherwise call the function."""
        trace = current_trace()
        if trace is None:
            return self.function(*args, **kwargs)
        return trace.place(self, args, kwargs)

    def __repr__(self) -> str:
        return f"<component {self.__module__}:{self.__qualname__}>"  # type: ignore[attr-defined]


def _steps(kind: type, resolve: Callable[..., Any] | None) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """The run step and the resolve step of a class.

    Raises:
        ComponentError: When it has no run step, needs arguments to be made, or says twice how it resolves.
    """
    where = {"component": kind.__qualname__, "file": place_of(kind)}
    run = getattr(kind, "run", None)
    if not callable(run):
        raise ComponentError(
            "A class that is a component has a method run", where=where, hint="def run(self, ...) -> None"
        )
    if resolve is not None and hasattr(kind, "resolve"):
        raise ComponentError("It has a method resolve and resolve= as well", where=where)
    try:
        made = kind()
    except TypeError as error:
        raise ComponentError(
            f"It cannot be made without arguments: {error}", where=where, hint="parameters belong to run"
        ) from error
    return made.run, getattr(made, "resolve", resolve)


@overload
def component(function: Callable[..., Any], /) -> Component: ...
@overload
def component(
    *,
    cache: bool = True,
    resolve: Callable[..., Any] | None = None,
    retries: int = 0,
    timeout: float | None = None,
    resources: Mapping[str, float | str] | None = None,
) -> Callable[[Callable[..., Any]], Component]: ...
def component(
    function: Callable[..., Any] | None = None,
    /,
    *,
    cache: bool = True,
    resolve: Callable[..., Any] | None = None,
    retries: int = 0,
    timeout: float | None = None,
    resources: Mapping[str, float | str] | None = None,
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a typed function a component.

    Annotations say what each parameter is: an artifact type is an input (``X | None`` an optional one, ``list[X]``
    several), ``Output[X]`` an output, ``File`` a file whose content counts, ``Callable`` a function of the user's;
    everything else is a JSON value. A returned JSON value is an output named ``value``.

    A class with a method ``run``, and perhaps a method ``resolve``, is a component too: its two steps side by side. It
    is made once, without arguments, and holds no state between them, since they are called in different processes.

    Args:
        function: The function, when the decorator is used without arguments.
        cache: False makes the node run every time.
        resolve: Called before the node is decided upon, with those of the node's JSON values and files that
            its signature names. Its JSON result counts in the fingerprint and reaches the function as the keyword
            ``resolved``: the place to look at the world (list files, ask which version is the champion).
        retries: Further attempts after one that failed for a reason that may pass: an error whose type says
            ``transient = True``, a connection or timeout error, or the loss of the node's process.
        timeout: Seconds one attempt may take; then its process and everything that it started is killed.
        resources: What a node takes of the machine, so that not too many run at once: ``{"cpu": 2, "memory": "4GiB",
            "gpu": 1}``; one ``cpu`` when not said.

    Examples:
        >>> @component
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double(4)
        8
    """
    if function is not None:
        return Component(function)
    return lambda function: Component(
        function, cache=cache, resolve=resolve, retries=retries, timeout=timeout, resources=resources
    )
