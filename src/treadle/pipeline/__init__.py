"""Authoring and compiling: `@component`, `@pipeline`, the IR and fingerprints. Reads source, writes nothing."""

import sys
from types import ModuleType
from typing import Any

from treadle.pipeline._code import Code, CodeReader
from treadle.pipeline._component import Component, component
from treadle.pipeline._facts import FACTS_VERSION, Facts
from treadle.pipeline._importing import import_fresh_sources, import_module_at, is_installed, is_treadle
from treadle.pipeline._ir import (
    Argument,
    Constant,
    DictOf,
    FilePath,
    Function,
    FunctionReference,
    ListOf,
    NodeIR,
    PipelineIR,
    Wire,
    leaves,
)
from treadle.pipeline._load import load_pipeline, parse_settings
from treadle.pipeline._modules import FactsMemory
from treadle.pipeline._pipeline import Pipeline, pipeline
from treadle.pipeline._reference import find_function
from treadle.pipeline._settings import NodeSettings, read_settings
from treadle.pipeline._signature import Kind, Parameter, Signature
from treadle.pipeline._skip import Skip

__all__ = [
    "FACTS_VERSION",
    "Argument",
    "Code",
    "CodeReader",
    "Component",
    "Constant",
    "DictOf",
    "Facts",
    "FactsMemory",
    "FilePath",
    "Function",
    "FunctionReference",
    "Kind",
    "ListOf",
    "NodeIR",
    "NodeSettings",
    "Parameter",
    "Pipeline",
    "PipelineIR",
    "Signature",
    "Skip",
    "Wire",
    "component",
    "find_function",
    "import_fresh_sources",
    "import_module_at",
    "is_installed",
    "is_treadle",
    "leaves",
    "load_pipeline",
    "parse_settings",
    "pipeline",
    "read_settings",
]


class _Room(ModuleType):
    """The room has the name of its decorator, so `treadle.pipeline` is both: a module that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return pipeline(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
