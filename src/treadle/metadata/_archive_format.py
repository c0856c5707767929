"""What an archive of a run says about itself, and what it may say.

An archive may come from anybody, so nothing in it is believed: names that become paths or are shown on a terminal are
plain, a fingerprint is the digest of its parts, and files lie below their artifact.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

import msgspec

from treadle.artifact import canonical_json, digest_bytes
from treadle.errors import ArchiveError

FORMAT = "treadle.run/1"
_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_DEEPEST = 100
_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class ArtifactEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An artifact, as lineage names it."""

    digest: str
    type: str
    properties: dict[str, Any]


class ExecutionEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An attempt at a node. Inputs and outputs are numbers of artifacts in the list of the manifest."""

    node: str
    component: str
    state: str
    fingerprint: str | None
    reads: dict[str, str | None]
    reusable: bool
    reason: str
    error: dict[str, Any] | None
    started_at: _Number
    finished_at: _Number | None
    inputs: list[tuple[str, _Number, _Number]]
    outputs: list[tuple[str, _Number, _Number]]


class RunEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A run that has ended."""

    id: str
    pipeline: str
    state: str
    ir: dict[str, Any]
    created_at: _Number
    finished_at: _Number


class Contents(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A run as lineage knows it."""

    run: RunEntry
    executions: list[ExecutionEntry]
    fingerprints: dict[str, dict[str, str]]
    artifacts: list[ArtifactEntry]


class Manifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The first file of an archive. Of every digest, its files with their sizes; ``None`` for an empty directory."""

    format: str
    contents: Contents
    files: dict[str, list[tuple[str, _Number | None]]]

    def members(self) -> list[tuple[str, str, str, int]]:
        """The files that follow, in order: name in the archive, digest, path below the artifact, size."""
        return [
            (member_name(digest, number, path), digest, path, size)
            for digest, files in sorted(self.files.items())
            for number, (path, size) in enumerate(files)
            if size is not None
        ]


def member_name(digest: str, number: int, path: str) -> str:
    """A name that any reader of tar files understands without extensions; it is for people, the order counts."""
    name = f"artifacts/{digest[7:19]}/{path}"
    return name if len(name) <= 100 and name.isascii() else f"artifacts/{digest[7:19]}/file-{number}"


def read_manifest(data: bytes) -> Manifest:
    """The manifest of an archive, with everything in it checked that can be without its files.

    Raises:
        ArchiveError: When it is not one, or says something it may not.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ArchiveError(f"The archive's manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ArchiveError(
            "The archive has a format this version does not know", where={"format": repr(manifest.format[:40])}
        )
    _check_contents(manifest.contents)
    if set(manifest.files) != {artifact.digest for artifact in manifest.contents.artifacts}:
        raise ArchiveError("The archive's files and its artifacts disagree")
    for digest, files in manifest.files.items():
        _check_files(digest, files)
    return manifest


def _check_contents(contents: Contents) -> None:
    if not _RUN.fullmatch(contents.run.id):
        _refuse("a run's id", contents.run.id)
    _check_depth(
        [contents.run.ir, *(one.error for one in contents.executions), *(a.properties for a in contents.artifacts)]
    )
    shown = [contents.run.pipeline, contents.run.state]
    for execution in contents.executions:
        shown += [
            execution.node,
            execution.component,
            execution.state,
            *(slot for slot, _, _ in execution.inputs + execution.outputs),
        ]
        if "/" in execution.node or execution.node.startswith("."):
            _refuse("a node's name", execution.node)
        if any(number not in range(len(contents.artifacts)) for _, _, number in execution.inputs + execution.outputs):
            raise ArchiveError(
                "A node of the archive names an artifact that is not there", where={"node": execution.node}
            )
        if execution.fingerprint is not None and execution.fingerprint not in contents.fingerprints:
            raise ArchiveError("A fingerprint of the archive has no parts", where={"node": execution.node})
        if not all(character.isprintable() or character in "\n\t" for character in execution.reason):
            _refuse("a reason", execution.reason)
    for artifact in contents.artifacts:
        shown.append(artifact.type)
        if not _DIGEST.fullmatch(artifact.digest):
            _refuse("a digest", artifact.digest)
    for text in shown:
        if not text or len(text) > 300 or not text.isprintable():
            _refuse("a name", text)
    for digest, parts in contents.fingerprints.items():
        if digest_bytes(canonical_json(parts)) != digest:
            _refuse("a fingerprint", digest)


def _check_depth(value: Any) -> None:
    """Who reads JSON by recursion later must not fall over what is stored."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    if level:
        raise ArchiveError("The archive's manifest is nested too deeply", where={"levels": _DEEPEST})


def _check_files(digest: str, files: list[tuple[str, int | None]]) -> None:
    if [path for path, _ in files] != sorted({path for path, _ in files}):
        raise ArchiveError("Files of an artifact are twice in the archive, or out of order", where={"digest": digest})
    for path, _ in files:
        parts = path.split("/")
        bad = any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts)
        if bad or "\0" in path or len(path) > 2000 or len(parts) > 50:
            _refuse("a file of an artifact", path)


def _refuse(what: str, text: str) -> None:
    raise ArchiveError(f"The archive names {what} that cannot be one", where={"name": ascii(text[:80])})
