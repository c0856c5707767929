"""Running a pipeline: what is asked for, before the driver goes to work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treadle import config
from treadle.pipeline import CodeReader, Pipeline
from treadle.runner._attempts import Listener
from treadle.runner._decide import Decider
from treadle.runner._driver import Driver
from treadle.runner._earlier import Earlier, backend_of, base_of, done_in, find_run, parameters_of, selection_of
from treadle.runner._layout import Layout
from treadle.runner._lock import recover
from treadle.runner._memory import CodeMemory
from treadle.runner._results import RunResult
from treadle.runner._select import Selection, choose
from treadle.runner.backends import Backend, backend_named


def run(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None = None,
    *,
    home: Path | None = None,
    on_event: Listener | None = None,
    workers: int | None = None,
    limits: Mapping[str, float] | None = None,
    selection: Selection | None = None,
    base: str | None = None,
    resume: str | None = None,
    reuse: bool = True,
    backend: str | Backend | None = None,
) -> RunResult:
    """Run a pipeline: each node in a process of its own, and only those that something changed for.

    A node that fails does not stop nodes that do not wait for it; those that do are skipped. What has succeeded is
    in the store, so the next run goes on from there. May be called from any thread of any process.

    Args:
        pipeline: The pipeline.
        parameters: Values of its run-time parameters.
        home: The store's folder; `treadle.config.home` when not given.
        on_event: Called, in the calling thread, as things happen.
        workers: How many nodes of one core may run at once; the number of cores when not given.
        limits: How much of a resource running nodes may take together, by its name; the machine's when not given.
        selection: The part of the pipeline to run. What lies before it is used as it is in the store; a node there
            for which something changed fails, unless ``base`` is given.
        base: A run (an id, or ``last``) whose results are taken for the nodes before the selection, whatever changed.
        resume: A run (an id, or ``last``: the newest of this pipeline) to go on with: its parameters and selection
            are used where none are given, and nodes that run every time are not run again for what it has done.
        reuse: False runs every selected node, whatever is in the store.
        backend: Where the nodes run: ``local``, ``ray``, or a `treadle.runner.backends.Backend`. When not given: where
            those of the run did that is resumed, else on this machine.

    Returns:
        How each node ended. A failed node is told in its result, not raised.

    Raises:
        PipelineError: When the pipeline does not compile with these parameters; nothing has been recorded then.
        UsageError: When a run that is named is not there.
    """
    layout = Layout(home)
    store = layout.open_artifacts()
    if resume is None:
        pipeline.compile(parameters)  # misuse is told before anything is made on disk
    with (
        config.using_home(layout.home),  # resolve steps look at the store too, and must see this one
        store.in_use(),  # nothing is collected under a run's feet, on this host
        layout.open_metadata() as metadata,
        metadata.in_use(),  # and on others
    ):
        recover(layout.staging, metadata)
        store.claim(metadata.identity)
        earlier = Earlier()
        if resume is not None:
            record = find_run(metadata, resume, pipeline=pipeline.name)
            parameters = {**parameters_of(record), **(parameters or {})}
            selection = selection or selection_of(record)
            base = base or base_of(record)
            backend = backend or backend_of(record)
            earlier = Earlier(resumed=done_in(metadata, record.id))
        ir = pipeline.compile(parameters)
        selection = selection or Selection()
        part = choose(ir.nodes, selection)
        if base is not None:
            base = find_run(metadata, base, pipeline=pipeline.name).id
            earlier = Earlier(earlier.resumed, done_in(metadata, base), base)
        decider = Decider(
            pipeline, metadata, store, CodeReader(pipeline, CodeMemory(layout.code)), earlier=earlier, reuse=reuse
        )
        where = backend_named(backend or "local") if backend is None or isinstance(backend, str) else backend
        with where.launcher() as launcher:
            driver = Driver(
                ir,
                part,
                layout=layout,
                decider=decider,
                launcher=launcher,
                tell=on_event or (lambda _: None),
                limits={**where.limits(workers or config.num_threads()), **(limits or {})},
                asked={
                    "file": None if pipeline.file is None else str(pipeline.file),
                    "backend": where.name,
                    **({"selection": selection.to_json(), "base": base} if selection or base else {}),
                },
            )
            return driver.run()
