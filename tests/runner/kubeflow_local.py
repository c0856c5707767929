"""Compiling for Kubeflow and running what came out with kfp's own local runner, each task a process."""

from __future__ import annotations

import builtins
import contextlib
import io
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treadle.errors import UnsupportedByBackendError
from treadle.pipeline import load_pipeline
from treadle.runner.backends.kubeflow import compile_pipeline


def compiled(target: str, parameters: Mapping[str, Any], left_open: Sequence[str], folder: Path) -> str:
    """The YAML of the pipeline in ``FILE.py:NAME``."""
    file, _, name = target.rpartition(":")
    return compile_pipeline(
        load_pipeline(target),
        parameters,
        image="registry.example/python-project:1",
        target=f"{os.path.relpath(file, folder)}:{name}",
        left_open=left_open,
        environment={"TREADLE_HOME": ".treadle"},
    ).text


def run_compiled(text: str, arguments: Mapping[str, Any], folder: Path) -> str:
    """Run it in a folder; what was printed."""
    from kfp import components, local

    printed = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "outputs"), raise_on_error=False)
        logging.disable(logging.CRITICAL)
        own = builtins.print  # kfp replaces it, and with tasks side by side does not always put it back
        try:
            components.load_component_from_text(text)(**arguments)
        finally:
            builtins.print = own
            logging.disable(logging.NOTSET)
    return printed.getvalue()


def execute(target: str, parameters: Mapping[str, Any], run_time: Sequence[str], folder: Path) -> str | None:
    """As `BackendContract` wants it."""
    try:
        text = compiled(target, parameters, run_time, folder)
    except UnsupportedByBackendError as error:
        return str(error.where["feature"])
    print(run_compiled(text, {name: parameters[name] for name in run_time}, folder))
    return None
