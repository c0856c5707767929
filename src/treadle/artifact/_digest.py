"""Digests of files and directories: content and names count; times, owners and modes do not.

A tree's digest is the SHA-256 of a listing, one line per regular file in the order of the UTF-8 bytes of its
path, and one per empty directory, each a canonical JSON array. The first line names the format, so that a later
format can never be taken for this one. Links, sockets and devices have no content of their own and are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from treadle.artifact._canonical import canonical_json
from treadle.errors import ArtifactContentError

_FORMAT = b'["treadle.tree/1"]\n'
_AT_ONCE = 65536
"""Bytes: smaller files are read into memory of their size, where `hashlib.file_digest` would fill 256 KiB first."""


def digest_bytes(data: bytes) -> str:
    """The digest of ``data`` as ``sha256:<64 hex digits>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: str | os.PathLike[str]) -> str:
    """The digest of a file's content as ``sha256:<64 hex digits>``; its name and times do not count."""
    with open(path, "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= _AT_ONCE:
            return digest_bytes(file.read())
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(path: str | os.PathLike[str]) -> str:
    """The digest of a directory: relative paths and contents, as ``sha256:<64 hex digits>``.

    Raises:
        ArtifactContentError: When the tree holds a link or anything else that is neither file nor directory.
        OSError: When something cannot be read.
    """
    return digest_bytes(tree_listing(path))


def tree_listing(path: str | os.PathLike[str]) -> bytes:
    """What a directory's digest is the digest of: its files with their sizes and digests, and its empty directories.

    Raises:
        ArtifactContentError: When the tree holds a link or anything else that is neither file nor directory.
        OSError: When something cannot be read.
    """
    return _FORMAT + b"".join(canonical_json(line) + b"\n" for _, line in sorted(_lines(os.fspath(path), "")))


def read_listing(listing: bytes) -> list[tuple[str, int | None, str]]:
    """Path, size and digest of the files in a listing; size None for an empty directory.

    Raises:
        ValueError: When it is none, or names a place that lies elsewhere.
    """
    if not listing.startswith(_FORMAT):
        raise ValueError("not a listing of a tree")
    found: list[tuple[str, int | None, str]] = []
    for line in listing.splitlines()[1:]:
        kind, path, *rest = json.loads(line)
        if any(part in ("", ".", "..") or "\0" in part for part in path.split("/")):
            raise ValueError(f"a listing names {path!a}")
        found.append((path, int(rest[0]), rest[1]) if kind == "file" else (path, None, ""))
    return found


def _lines(root: str, prefix: str) -> Iterator[tuple[bytes, list[object]]]:
    with os.scandir(os.path.join(root, prefix)) as scan:
        entries = list(scan)
    if not entries and prefix:
        yield os.fsencode(prefix), ["directory", prefix]
    for entry in entries:
        relative = f"{prefix}/{entry.name}" if prefix else entry.name
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _lines(root, relative)
        elif stat.S_ISREG(mode):
            size = entry.stat(follow_symlinks=False).st_size
            yield os.fsencode(relative), ["file", relative, size, digest_file(entry.path)]
        else:
            raise ArtifactContentError(
                "An artifact may hold files and directories only",
                where={"file": Path(root) / relative},
                hint="write a regular file in place of the link or device",
            )
