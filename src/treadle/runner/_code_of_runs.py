"""Which readings of code the runs of a store still need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from treadle.metadata import MetadataStore
from treadle.runner._layout import Layout
from treadle.runner._memory import CodeMemory, Unneeded


def prune_code(
    metadata: MetadataStore, runs: Iterable[str], *, before: float, delete: bool, home: Path | None = None
) -> Unneeded:
    """What is kept of read code that none of these runs would ask for again, were it resumed or run once more.

    Nothing is lost by it but time: what is not there is read from its source. Only for who is alone with the store.

    Args:
        metadata: The lineage.
        runs: The ids of the runs that stay.
        before: What was written later, in seconds since 1970, stays.
        delete: Whether to remove it; otherwise it is only counted.
        home: The store's folder; `treadle.config.home` when not given.
    """
    found = (metadata.run(run) for run in runs)
    functions = {function for record in found if record is not None for function in _functions(record.ir)}
    return CodeMemory(Layout(home).code).prune(functions, before=before, delete=delete)


def _functions(value: Any) -> Iterator[str]:
    """Every function that a compiled pipeline names, as a component or as an argument, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("module"), str) and isinstance(value.get("name"), str):
            yield f"{value['module']}:{value['name']}"
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _functions(item)
