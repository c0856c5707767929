"""Backends by name: Treadle's own, and those of other packages through the entry point ``treadle.backends``."""

from __future__ import annotations

from treadle.errors import UsageError
from treadle.runner.backends._contract import Backend
from treadle.runner.backends._local import LocalBackend

_OWN = ("local", "ray")


def backend_named(name: str) -> Backend:
    """The backend of a name.

    Raises:
        UsageError: When there is none.
        MissingDependencyError: When its library is not installed.
    """
    if name == LocalBackend.name:
        return LocalBackend()
    if name == "ray":
        from treadle.runner.backends._ray import RayBackend

        return RayBackend()
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group="treadle.backends")}
    if name not in found:
        hint = "treadle compile --backend kubeflow" if name in ("kubeflow", "vertex") else None
        raise UsageError(
            f"There is no backend {name!r} that runs pipelines",
            where={"backend": name},
            hint=hint or f"there are {', '.join([*_OWN, *sorted(found)])}",
        )
    made: Backend = found[name].load()()
    return made
