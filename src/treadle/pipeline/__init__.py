"""Authoring and compiling: `@component`, `@pipeline`, the IR and fingerprints. Reads source, writes nothing.

A way through: `_component` and `_signature` (what a component is), `_pipeline`, `_trace`, `_flow`, `_handles` and
`_arguments` (what a call in a pipeline function becomes), `_ir`, `_condition`, `_expand`, `_check` and `_secrets` (the
compiled pipeline and what it must not hold), `_reference`, `_load` and `_importing` (functions and files by name),
`code` (what counts in a fingerprint).
"""

import sys
from types import ModuleType
from typing import Any

from treadle.pipeline._component import Component, component
from treadle.pipeline._condition import Condition, conjuncts
from treadle.pipeline._context import NodeContext, current_node, set_current_node
from treadle.pipeline._expand import expand, fill, items_of, known_items, loops, picked
from treadle.pipeline._flow import at_exit, for_each, one_of, when
from treadle.pipeline._importing import (
    compile_early,
    import_fresh_sources,
    import_module_at,
    is_installed,
    is_users,
)
from treadle.pipeline._ir import (
    Argument,
    Constant,
    DictOf,
    Each,
    FilePath,
    Function,
    FunctionReference,
    Given,
    Item,
    ListOf,
    NodeIR,
    OneOf,
    PipelineIR,
    RunStatus,
    Stored,
    Wire,
    leaves,
)
from treadle.pipeline._load import load_pipeline, parse_settings
from treadle.pipeline._pipeline import Pipeline, pipeline
from treadle.pipeline._reference import find_function
from treadle.pipeline._settings import NodeSettings, read_settings
from treadle.pipeline._signature import Kind, Parameter, Signature
from treadle.pipeline._skip import Skip, Wait
from treadle.pipeline.code import (
    FACTS_VERSION,
    Code,
    CodeReader,
    Describer,
    Facts,
    KeptReading,
    NotComparableError,
    SourceMemory,
    kept_reading,
    read_facts,
)

__all__ = [
    "FACTS_VERSION",
    "Argument",
    "Code",
    "CodeReader",
    "Component",
    "Condition",
    "Constant",
    "Describer",
    "DictOf",
    "Each",
    "Facts",
    "FilePath",
    "Function",
    "FunctionReference",
    "Given",
    "Item",
    "KeptReading",
    "Kind",
    "ListOf",
    "NodeContext",
    "NodeIR",
    "NodeSettings",
    "NotComparableError",
    "OneOf",
    "Parameter",
    "Pipeline",
    "PipelineIR",
    "RunStatus",
    "Signature",
    "Skip",
    "SourceMemory",
    "Stored",
    "Wait",
    "Wire",
    "at_exit",
    "compile_early",
    "component",
    "conjuncts",
    "current_node",
    "expand",
    "fill",
    "find_function",
    "for_each",
    "import_fresh_sources",
    "import_module_at",
    "is_installed",
    "is_users",
    "items_of",
    "kept_reading",
    "known_items",
    "leaves",
    "load_pipeline",
    "loops",
    "one_of",
    "parse_settings",
    "picked",
    "pipeline",
    "read_facts",
    "read_settings",
    "set_current_node",
    "when",
]


class _Room(ModuleType):
    """The room has the name of its decorator, so `treadle.pipeline` is both: a module that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return pipeline(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
