"""A project in a folder, as tests of the runner write, edit and run it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treadle.pipeline import load_pipeline
from treadle.runner import Event, RunResult, run

HEAD = """
from __future__ import annotations
from collections.abc import Callable
from pathlib import Path
from treadle import Examples, File, Output, component, pipeline
from treadle.artifact import Artifact, Model
"""


class Project:
    """A folder with a pipeline file and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / ".treadle"
        self.events: list[Event] = []

    def write(self, text: str, name: str = "pipeline.py") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((HEAD if name == "pipeline.py" else "") + textwrap.dedent(text))
        return path

    def edit(self, old: str, new: str, name: str = "pipeline.py") -> None:
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))

    def run(self, parameters: Mapping[str, Any] | None = None, *, name: str = "", **options: Any) -> RunResult:
        self.events = []
        target = f"pipeline.py:{name}" if name else "pipeline.py"
        pipeline = load_pipeline(self.folder / target)
        return run(pipeline, parameters, home=self.home, on_event=self.events.append, **options)

    def states(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> dict[str, str]:
        return {name: node.state for name, node in self.run(parameters, **options).nodes.items()}

    def staging(self) -> list[str]:
        return os.listdir(self.home / "staging") if (self.home / "staging").exists() else []
