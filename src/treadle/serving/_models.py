"""The models of a server: which versions are loaded, and how one takes the place of another.

A new champion is loaded, checked and warmed while the old one answers; then one reference is switched. Requests
that began on the old version finish on it, and it is released with the last of them. A version that cannot be
loaded never takes traffic: the old one stays, the reason is kept, and loading is tried again later.

Loading happens on one thread (the loader's), so that two loads never race; the event loop only reads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from treadle.errors import ModelFolderError, ModelNotFoundError, ModelUnavailableError, TreadleError
from treadle.serving._layout import CHAMPION, ModelFolder, find_models
from treadle.serving._version import ServedVersion

_logger = logging.getLogger("treadle.serving")

Load = Callable[[ModelFolder, int], ServedVersion]

_PINNED = 3  # versions beside the champion that stay loaded: those used last
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why a version is not served."""

    reason: str
    identity: object
    retry_at: float
    delay: float


class Model:
    """One model: the champion that answers, and versions that were asked for by number."""

    def __init__(self, folder: ModelFolder, load: Load) -> None:
        self.folder = folder
        self.current: ServedVersion | None = None
        """Answers requests without a version. The loader replaces it in one step."""
        self.failures: dict[int, LoadFailure] = {}
        """Versions that could not be loaded, by number."""
        self.alias_problem: TreadleError | None = None
        """Why the alias cannot be followed."""
        self.num_loads = 0
        self.num_failed_loads = 0
        self._load = load
        self._pinned: dict[int, ServedVersion] = {}
        self._uses: dict[int, int] = {}
        self._clock = 0

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.name

    def loaded(self, number: int) -> ServedVersion | None:
        """A version, if it is loaded."""
        version = self.peek(number)
        if version is not None:
            self._clock += 1
            self._uses[number] = self._clock
        return version

    def peek(self, number: int) -> ServedVersion | None:
        """As :meth:`loaded`, without counting as a use."""
        current = self.current
        return current if current is not None and current.number == number else self._pinned.get(number)

    def loaded_numbers(self) -> set[int]:
        """The versions that can answer at once."""
        current = self.current
        return {*tuple(self._pinned), *([current.number] if current is not None else [])}

    def follow(self) -> None:
        """Make what the alias names the champion. Called by the loader; never raises."""
        self._release_replaced()
        try:
            number = self.folder.champion()
        except (ModelFolderError, OSError) as error:
            self._note_alias_problem(error)
            return
        self.alias_problem = None
        current = self.current
        if number is None:
            return
        identity = self.folder.identity(number)
        if current is not None and current.number == number and identity in (None, current.identity):
            return  # also where its folder was removed: what is loaded goes on answering
        version = self._pinned.pop(number, None) or self._try_load(number)
        if version is not None:
            self.current = version
            _logger.info("model %s: version %d is the champion", self.name, number)

    def load_pinned(self, number: int) -> ServedVersion:
        """A version asked for by number. Called by the loader.

        Raises:
            ModelNotFoundError: There is no such version on disk.
            ModelUnavailableError: It is there and cannot be loaded.
        """
        version = self.loaded(number)
        if version is not None:
            return version
        if number not in self.folder.versions() or self.folder.identity(number) is None:
            raise ModelNotFoundError(
                f"There is no version {number} of model {self.name!r} here.",
                where={"model": self.name, "version": number},
                hint=f"There are {', '.join(map(str, self.folder.versions()[:10]))}.",
            )
        version = self._try_load(number)
        if version is None:
            raise ModelUnavailableError(
                f"Version {number} of model {self.name!r} cannot be loaded.",
                where={"model": self.name, "version": number},
                hint="The model's status has the reason.",
            )
        self._pinned[number] = version
        self._uses[number] = self._clock = self._clock + 1
        while len(self._pinned) > _PINNED:
            del self._pinned[min(self._pinned, key=self._uses.__getitem__)]
        return version

    def _release_replaced(self) -> None:
        for number, version in list(self._pinned.items()):
            if self.folder.identity(number) != version.identity:
                del self._pinned[number]
        for number, failure in list(self.failures.items()):
            if failure.identity is not None and self.folder.identity(number) is None:
                del self.failures[number]

    def _try_load(self, number: int) -> ServedVersion | None:
        """The version, or ``None`` with the reason in ``failures``; a failed one waits before it is tried again."""
        identity = self.folder.identity(number)
        before = self.failures.get(number)
        if before is not None and before.identity == identity and time.monotonic() < before.retry_at:
            return None
        try:
            version = self._load(self.folder, number)
        except Exception as error:  # a bad model may raise anything; it must not take the server with it
            again = before is not None and before.identity == identity
            delay = min(before.delay * 2, _LAST_RETRY) if again and before is not None else _FIRST_RETRY
            reason = error.what if isinstance(error, TreadleError) else f"{type(error).__name__}: {error}"
            self.failures[number] = LoadFailure(reason, identity, time.monotonic() + delay, delay)
            self.num_failed_loads += 1
            if not again:
                _logger.error("model %s: version %d is not taken into service: %s", self.name, number, error)
            return None
        self.failures.pop(number, None)
        self.num_loads += 1
        return version

    def _note_alias_problem(self, error: ModelFolderError | OSError) -> None:
        if not isinstance(error, ModelFolderError):
            error = ModelFolderError(
                f"The alias {CHAMPION!r} of model {self.name!r} cannot be read: {error.strerror}.",
                where={"file": self.folder.path / CHAMPION},
            )
        if self.alias_problem is None or self.alias_problem.what != error.what:
            _logger.error("model %s: %s", self.name, error)
        self.alias_problem = error


class Models:
    """All models of the served folder.

    Args:
        folder: The folder, in a layout of :func:`find_models`.
        load: Loads one version.
        name: The model's name, where the folder holds one model.

    Raises:
        ModelFolderError: The folder holds no servable.
    """

    def __init__(self, folder: Path, load: Load, *, name: str | None = None) -> None:
        self.folder = folder
        self._name = name
        self._load = load
        self.by_name = {key: Model(found, load) for key, found in find_models(folder, name=name).items()}

    def load_champions(self) -> None:
        """Load every champion, before the first request.

        Raises:
            ModelFolderError: An alias file does not hold a version number.
            ModelUnavailableError: A champion cannot be loaded.
        """
        self.follow()
        for model in self.by_name.values():
            if model.alias_problem is not None:
                raise model.alias_problem
            for number, failure in model.failures.items():
                raise ModelUnavailableError(
                    f"Version {number} of model {model.name!r} cannot be served: {failure.reason}",
                    where={"folder": model.folder.path_of(number)},
                    hint="Push it again, or point the alias at another version.",
                )

    def follow(self) -> None:
        """Look at the folder again: new models, moved aliases, versions that went. Called by the loader."""
        try:
            found = find_models(self.folder, name=self._name)
        except (ModelFolderError, OSError):
            found = {}  # moved away for a moment, or for good: what is loaded goes on answering
        for name, folder in found.items():
            if name not in self.by_name:
                self.by_name = {**self.by_name, name: Model(folder, self._load)}
        for model in self.by_name.values():
            model.follow()

    def get(self, name: str) -> Model:
        """A model by name.

        Raises:
            ModelNotFoundError: There is none.
        """
        model = self.by_name.get(name)
        if model is None:
            known = ", ".join(self.by_name)
            raise ModelNotFoundError(
                f"There is no model {name[:80]!r} here.", where={"model": name[:80]}, hint=f"Served here: {known}."
            )
        return model

    @property
    def ready(self) -> bool:
        """Whether every model whose alias names a version can answer, and there is one at all."""
        models = self.by_name.values()
        waits = any(m.current is None and (m.failures or m.alias_problem is not None) for m in models)
        return not waits and any(m.current is not None for m in models)
