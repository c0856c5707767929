"""A notebook's session: components and pipelines are run from cells, and taken out as a module."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, overload

from treadle import config
from treadle.errors import NodeFailedError, NotebookError, TreadleError, UsageError
from treadle.files import write_text
from treadle.notebook._carry import Carrier
from treadle.notebook._history import History, current_history
from treadle.notebook._outcome import NodeOutcome, RunOutcome
from treadle.notebook._progress import Progress, notebook_display
from treadle.pipeline import Component, Pipeline, current_node
from treadle.runner import NodeResult, Plan, RunResult, plan, run

_MARK = "Taken out of a notebook by `treadle.notebook.Session.export`."


class Session:
    """Runs what the cells of a notebook define, as `treadle run` runs what a file defines.

    Nodes run in processes of their own, are recorded with their lineage, and are reused when nothing changed: what a
    component needs of the cells (functions, classes, constants, imports) is written as a module, and counts in the
    fingerprint as a module's code does.

    Args:
        name: The name of that module. A pipeline exported to ``NAME.py`` reuses what the notebook has made.
        home: The store's folder; `treadle.config.home` when not given.
        workers: How many nodes of one core may run at once; the number of cores when not given.
        limits: How much of a resource running nodes may take together.
        history: The cells that were executed; those of this notebook when not given.

    Raises:
        UsageError: Outside of a notebook, when no history is given.
        NotebookError: When the name is no module's, or an installed module's.
    """

    def __init__(
        self,
        name: str = "notebook",
        *,
        home: Path | str | None = None,
        workers: int | None = None,
        limits: Mapping[str, float] | None = None,
        history: History | None = None,
    ) -> None:
        self.name = name
        self.home = Path(home).absolute() if home is not None else config.home()
        self._workers = workers
        self._limits = limits
        self._history = history or current_history()
        self._carrier = Carrier(name, self.home / "notebooks", self._history)
        if current_node() is not None:
            raise UsageError("A node runs no notebook")

    @overload
    def run(self, what: Pipeline, /, *args: Any, **kwargs: Any) -> RunOutcome: ...
    @overload
    def run(self, what: Component, /, *args: Any, **kwargs: Any) -> NodeOutcome: ...
    def run(self, what: Component | Pipeline, /, *args: Any, **kwargs: Any) -> NodeOutcome | RunOutcome:
        """Run one component, or a pipeline.

        Args:
            what: A component or a pipeline; of a cell, or imported.
            args: Arguments of the component, by position.
            kwargs: Its arguments by name: JSON values, files, functions, and artifacts or outcomes of this store;
                or the parameters of the pipeline.

        Raises:
            NodeFailedError: A node has failed; its traceback is printed.
            NotebookError: Something in the cells cannot be carried to another process.
            PipelineError: An argument does not fit.
        """
        pipeline, parameters = self._compiled(what, args, kwargs)
        progress = Progress(notebook_display())
        try:
            result = run(
                pipeline,
                parameters,
                home=self.home,
                on_event=progress.hear,
                workers=self._workers,
                limits=self._limits,
            )
        except TreadleError as error:
            raise _without_place(error, what) from error.__cause__
        finally:
            progress.finish()
        _raise_failure(result)
        if isinstance(what, Pipeline):
            return RunOutcome(result)
        (node,) = result.nodes.values()
        return NodeOutcome(node)

    def plan(self, what: Component | Pipeline, /, *args: Any, **kwargs: Any) -> Plan:
        """What `run` would do, and why; nothing runs."""
        pipeline, parameters = self._compiled(what, args, kwargs)
        try:
            return plan(pipeline, parameters, home=self.home)
        except TreadleError as error:
            raise _without_place(error, what) from error.__cause__

    def source(self, *names: str) -> str:
        """What of the cells some names need, as a module's text.

        Raises:
            NotebookError: When something cannot be carried.
        """
        missing = [name for name in names if name not in self._history.namespace]
        if missing:
            raise NotebookError(f"The notebook has no {missing[0]!r}", hint="run the cell that makes it")
        return self._carrier.source(names)

    def export(
        self, file: Path | str, pipeline: Pipeline | None = None, *, also: tuple[str, ...] = (), overwrite: bool = False
    ) -> Path:
        """Write a pipeline of the notebook, and what it needs, as a module: ``treadle run FILE.py``.

        Args:
            file: The Python file.
            pipeline: The pipeline; the only one of the notebook when not given.
            also: Other names to take along, such as that of a retraining policy.
            overwrite: Whether to write over a file that `export` has not written.

        Returns:
            The file.

        Raises:
            NotebookError: When there is no pipeline, or several; or something cannot be carried.
            UsageError: When the file is somebody else's.
        """
        file = Path(file).absolute()
        if file.suffix != ".py" or not file.stem.isidentifier():
            raise UsageError("A pipeline file has a name that can be imported", where={"file": file}, hint="explore.py")
        if file.exists() and not overwrite and _MARK not in file.read_text(encoding="utf-8")[:400]:
            raise UsageError("There is a file that no export wrote", where={"file": file}, hint="overwrite=True")
        roots = [self._name_of_pipeline(pipeline), *also]
        self._carrier.carry(roots)  # it is imported, and held against the notebook
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, f'"""{_MARK}"""\n\n{self.source(*roots)}')
        return file

    def _compiled(
        self, what: Component | Pipeline, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Pipeline, dict[str, Any]]:
        if not isinstance(what, Component | Pipeline):
            raise UsageError(f"Not a component or a pipeline: {what!r}", hint="decorate it with @treadle.component")
        twins = _Twins(self._carrier)
        twins.find([what, args, kwargs])
        twins.carry()
        if isinstance(what, Pipeline):
            if args:
                raise UsageError(
                    "The parameters of a pipeline are given by name", hint="session.run(taxi, first='2018-01')"
                )
            pipeline = twins.of(what)
            pipeline.folder = Path.cwd() if twins.module is not None else pipeline.folder
            return pipeline, kwargs
        component, given, named = twins.of(what), twins.of(args), twins.of(kwargs)
        return _Single(self.name, lambda: component(*given, **named), twins.module), {}

    def _name_of_pipeline(self, pipeline: Pipeline | None) -> str:
        held = self._history.namespace.items()
        own = {name: value for name, value in held if isinstance(value, Pipeline) and not name.startswith("_")}
        found = [name for name, value in own.items() if pipeline in (None, value)]
        if pipeline is None:
            found = [name for name in found if own[name].function.__module__ == "__main__"]
        if len({id(own[name]) for name in found}) != 1:
            raise NotebookError(
                f"The notebook has {'several pipelines' if found else 'no such pipeline'}",
                hint=f"say which: session.export('file.py', {found[0]})"
                if found
                else "define one with @treadle.pipeline",
            )
        return found[0]

    def __repr__(self) -> str:
        return f"<Session {self.name!r} in {self.home}>"


class _Twins:
    """What stands in the carried module for things of the notebook."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._names: dict[int, str] = {}
        self.module: Any = None

    def find(self, value: Any) -> None:
        """Look for things of the notebook in a value."""
        if isinstance(value, list | tuple):
            for item in value:
                self.find(item)
        elif isinstance(value, dict):
            self.find(list(value.values()))
        elif isinstance(value, functools.partial):
            self.find([value.func, value.args, value.keywords])
        elif callable(value) and getattr(value, "__module__", None) == "__main__":
            names = self._carrier.names_of(value)
            if not names:
                name = getattr(value, "__qualname__", repr(value))
                raise NotebookError(
                    f"{name} has no name in the notebook, so no other process can find it",
                    hint="define it in a cell with def; a lambda is found by the name that it is bound to there",
                )
            self._names[id(value)] = names[0]

    def carry(self) -> None:
        """Write and import the module, if anything of the notebook was found."""
        if self._names:
            self.module = self._carrier.carry(sorted(set(self._names.values())))

    def of(self, value: Any) -> Any:
        """The same value with the module's things in place of the notebook's, and artifacts in place of outcomes."""
        if id(value) in self._names:
            return getattr(self.module, self._names[id(value)])
        if isinstance(value, NodeOutcome):
            return value.only()
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, dict):
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, functools.partial):
            return functools.partial(self.of(value.func), *self.of(value.args), **self.of(value.keywords))
        return value


class _Single(Pipeline):
    """A pipeline of one node, whose module is that of the cells."""

    def __init__(self, name: str, place: Callable[[], object], module: Any) -> None:
        def one() -> None:
            place()

        super().__init__(one, name=name)
        self._module = module
        self.folder = Path.cwd()

    @property
    def file(self) -> Path | None:
        return None if self._module is None else Path(self._module.__file__)

    @property
    def module(self) -> str:
        return self.name if self._module is None else str(self._module.__name__)


def _without_place(error: TreadleError, what: Component | Pipeline) -> TreadleError:
    """For a component the line of the pipeline function is one of ours, which helps nobody."""
    if isinstance(what, Component):
        for name in ("line", "file", "pipeline"):
            error.where.pop(name, None)
    return error


def _raise_failure(result: RunResult) -> None:
    failed: list[NodeResult] = [node for node in result.nodes.values() if node.error is not None]
    for node in failed:
        if node.error is not None and node.error.traceback:
            sys.stderr.write(node.error.traceback.rstrip() + "\n")
    if not failed:
        return
    first = failed[0].error
    assert first is not None
    others = f" ({len(failed) - 1} other nodes failed too)" if len(failed) > 1 else ""
    raise NodeFailedError(f"{first.what}{others}", where={**first.where, "error": first.code}, hint=first.hint)
