"""What an adapter promises, and finding the one for a model."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from treadle.errors import MissingDependencyError, UnsupportedModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

GROUP = "treadle.frameworks"


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What a fitted model takes and gives."""

    task: str
    """``binary`` (a prediction is the probability of the positive label) or ``regression``."""
    num_features: int
    """The columns of the matrix it was fitted on."""


class Adapter(Protocol):
    """A module that knows one framework.

    **Import the framework inside functions only**: finding an adapter must not load a framework. **Store nothing
    that runs code when it is read**: no pickle. ``to_onnx`` and ``predict`` must agree: every push compares them on
    real rows, NaN included.
    """

    PACKAGE: str
    """The distribution whose version is recorded, as ``scikit-learn``."""
    EXTRA: str
    """The extra of Treadle that installs it."""
    SUPPORTED: str
    """The models that work, in words, for messages."""

    def matches(self, model: object) -> bool:
        """Whether the model is of this framework; looks at the class's name, and imports nothing."""

    def signature(self, model: Any) -> ModelSignature:
        """The signature of a fitted model; raises UnsupportedModelError for one it cannot export."""

    def to_onnx(self, model: Any, signature: ModelSignature) -> onnx.ModelProto:
        """``features`` ``[N, F]`` float32 to ``prediction`` ``[N, 1]`` float32."""

    def save(self, model: Any, path: Path) -> None:
        """Write the model into an existing directory; the same model gives the same bytes."""

    def load(self, path: Path) -> Any:
        """Read what ``save`` wrote."""

    def predict(self, model: Any, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The model's own predictions ``[N]`` for ``[N, F]``."""


def adapter_for(model: object) -> Adapter:
    """The adapter that knows a fitted model.

    Raises:
        UnsupportedModelError: None does; the message names what is supported.
    """
    adapters = [cast("Adapter", entry.load()) for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)]
    for adapter in adapters:
        if adapter.matches(model):
            return adapter
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise UnsupportedModelError(
        f"No framework adapter knows a model of type {kind}.",
        hint=f"Supported: {'; '.join(adapter.SUPPORTED for adapter in adapters)}.",
    )


def adapter_named(name: str) -> Adapter:
    """The adapter registered under a name, as stored with a model.

    Raises:
        MissingDependencyError: It is not installed.
    """
    for entry in entry_points(group=GROUP, name=name):
        return cast("Adapter", entry.load())
    raise MissingDependencyError(
        f"No framework adapter is registered as {name!r}.", hint="Install the package that provides it."
    )


def name_of(adapter: Adapter) -> str:
    """The name an adapter is registered under."""
    return next(entry.name for entry in entry_points(group=GROUP) if entry.load() is adapter)


def installed_version(adapter: Adapter) -> str:
    """The version of an adapter's framework.

    Raises:
        MissingDependencyError: The framework is not installed; the hint says how.
    """
    try:
        return version(adapter.PACKAGE)
    except PackageNotFoundError as error:
        raise MissingDependencyError(
            f"This model needs {adapter.PACKAGE}, which is not installed.",
            hint=f"pip install 'treadle[{adapter.EXTRA}]'",
        ) from error
