"""A node's arguments, once the nodes before it have outputs: for its fingerprint, its lineage and its process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, Value, canonical_json, digest_bytes, digest_file
from treadle.errors import PipelineError
from treadle.metadata import ArtifactRecord
from treadle.pipeline import Argument, Constant, DictOf, FilePath, Function, ListOf, Stored, Wire
from treadle.runner._flow import read_value
from treadle.storage import ArtifactStore

Outputs = Mapping[str, Mapping[str, ArtifactRecord]]
"""What nodes have made: by node, by output."""
_LONG = 200
"""Bytes: what is longer counts by its digest."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of another node's value: the value counts, the artifact stays an input."""

    record: ArtifactRecord
    value: Any


def bind(argument: Argument, outputs: Outputs, store: ArtifactStore) -> Any:
    """An argument with wires replaced by artifact records, and files by their paths and digests."""
    if isinstance(argument, Wire):
        record = outputs[argument.node][argument.output]
        return _Part(record, read_value(store, record, argument.path)) if argument.path else record
    if isinstance(argument, Stored):
        store.find(argument.digest, Artifact)  # it is told now that it is not there, or not whole
        return ArtifactRecord(argument.digest, argument.type_name, argument.properties)
    if isinstance(argument, ListOf):
        return [bind(item, outputs, store) for item in argument.items]
    if isinstance(argument, DictOf):
        return {name: bind(item, outputs, store) for name, item in argument.items.items()}
    return argument


def artifacts(bound: Any) -> list[ArtifactRecord]:
    """The artifacts in a bound argument."""
    if isinstance(bound, _Part):
        return [bound.record]
    if isinstance(bound, ArtifactRecord):
        return [bound]
    if isinstance(bound, list):
        return [record for item in bound for record in artifacts(item)]
    if isinstance(bound, dict):
        return [record for item in bound.values() for record in artifacts(item)]
    return []


def request(bound: Any) -> dict[str, Any]:
    """A bound argument as the node's process reads it."""
    if isinstance(bound, ArtifactRecord):
        return {"artifact": {"digest": bound.digest, "properties": dict(bound.properties)}}
    if isinstance(bound, list):
        return {"list": [request(item) for item in bound]}
    if isinstance(bound, dict):
        return {"dict": {name: request(item) for name, item in bound.items()}}
    if isinstance(bound, FilePath):
        return {"file": os.path.abspath(bound.path)}
    if isinstance(bound, _Part):
        return {"value": bound.value}
    told: dict[str, Any] = bound.to_json()
    return told


def plain_values(arguments: Mapping[str, Any], store: ArtifactStore) -> dict[str, Any]:
    """The bound arguments that are values or files, for who has no process: values as they are, files as paths."""
    return {name: _plain(bound, store) for name, bound in arguments.items() if _is_plain(bound)}


def _is_plain(bound: Any) -> bool:
    if isinstance(bound, ArtifactRecord):
        return bound.type_name == Value.type_name
    if isinstance(bound, list):
        return all(_is_plain(item) for item in bound)
    if isinstance(bound, dict):
        return all(_is_plain(item) for item in bound.values())
    return isinstance(bound, Constant | FilePath | _Part)


def _plain(bound: Any, store: ArtifactStore) -> Any:
    if isinstance(bound, ArtifactRecord):
        return read_value(store, bound, ())
    if isinstance(bound, list):
        return [_plain(item, store) for item in bound]
    if isinstance(bound, dict):
        return {name: _plain(item, store) for name, item in bound.items()}
    return Path(bound.path) if isinstance(bound, FilePath) else bound.value


def fingerprint_parts(name: str, bound: Any) -> dict[str, str]:
    """The parts of one argument. What is known at once keeps its text, so that `why` can show it."""
    if isinstance(bound, Constant | _Part):
        return {f"parameter {name}": short(canonical_json(bound.value))}
    if isinstance(bound, FilePath):
        return {f"file {name}": _file_digest(name, bound.path)}
    if isinstance(bound, Function):
        return {f"function {name}": short(canonical_json(bound.reference.to_json()))}
    if isinstance(bound, ArtifactRecord):
        return {f"input {name}": _record_digest(bound)}
    entries = enumerate(bound) if isinstance(bound, list) else sorted(bound.items())
    parts = {f"shape {name}": f"{type(bound).__name__} of {len(bound)}"}
    for key, item in entries:
        parts |= fingerprint_parts(f"{name}[{key}]", item)
    return parts


def _record_digest(record: ArtifactRecord) -> str:
    if not record.properties:
        return record.digest
    return digest_bytes(canonical_json([record.digest, dict(record.properties)]))


def short(text: bytes) -> str:
    """JSON as a part of a fingerprint: itself, so that `why` can show it, or the digest of a long one."""
    return text.decode("utf-8", errors="surrogatepass") if len(text) <= _LONG else digest_bytes(text)


def _file_digest(name: str, path: str) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        raise PipelineError(
            f"{name!r} names a file that cannot be read: {error.strerror}",
            where={"parameter": name, "file": os.path.abspath(path)},
            hint="paths are relative to the working directory",
        ) from error
