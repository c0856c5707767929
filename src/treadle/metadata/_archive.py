"""A run with all its artifacts as one file, out of one store and into another.

The file is a plain tar: the manifest, then the artifacts' files. The same run gives the same bytes. **Nothing that an
archive says is believed**: an import verifies every digest before anything is published, and commits the lineage
last, in one transaction. What an imported run made is not used by the cache unless whoever imports it says so.
"""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from treadle.artifact import Artifact, canonical_json, digest_tree
from treadle.errors import ArchiveError, UsageError
from treadle.files import whole_file
from treadle.metadata._store import MetadataStore
from treadle.metadata._tar import read_content, read_end, read_header, write_end, write_member
from treadle.storage import ArtifactStore

if TYPE_CHECKING:
    from treadle.metadata._archive_format import Manifest

_MANIFEST = "treadle-run.json"
_MANIFEST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Transfer:
    """What went into or came out of an archive."""

    run: str
    artifacts: int
    """Different artifacts."""
    size: int
    """Bytes of their files."""
    new: bool = True
    """Whether the run was not in the store before."""


def export_run(metadata: MetadataStore, store: ArtifactStore, run_id: str, path: Path) -> Transfer:
    """Write a run that has ended, with everything its nodes read or made, to a new file.

    Raises:
        UsageError: When there is no such run, it has not ended, or the file is there already.
        ArtifactError: When an artifact is gone or damaged; nothing is written then.
    """
    from treadle.metadata._archive_format import FORMAT, Manifest

    if os.path.lexists(path):
        raise UsageError("The file is there already", where={"file": path}, hint="name another, or remove it")
    with store.in_use(), metadata.in_use():
        contents = metadata.contents(run_id)
        folders = {digest: store.open(digest, Artifact).path for digest in {one.digest for one in contents.artifacts}}
        manifest = Manifest(FORMAT, contents, {digest: _listing(folder) for digest, folder in folders.items()})
        members = manifest.members()
        text = canonical_json(_plain(manifest))
        with whole_file(path, mode=0o600) as staged, open(staged, "wb") as archive:
            write_member(archive, _MANIFEST, len(text), io.BytesIO(text))
            for name, digest, file, size in members:
                with open(folders[digest] / file, "rb") as content:
                    write_member(archive, name, size, content)
            write_end(archive)
    return Transfer(run_id, len(folders), sum(size for *_, size in members))


def import_run(
    metadata: MetadataStore, store: ArtifactStore, path: Path, *, trust: bool = False, max_bytes: int | None = None
) -> Transfer:
    """Bring a run and its artifacts into a store. Doing it again brings back artifacts that were collected since.

    Args:
        metadata: The lineage.
        store: The artifacts.
        path: The archive.
        trust: Let the cache use what the run's nodes made, as if they had run here.
        max_bytes: Refuse more than this; what is free on the disk when not given.

    Raises:
        ArchiveError: When the archive is damaged or hostile, or the store has another run of this id; the store is
            as it was then.
    """
    with store.in_use(), metadata.in_use(), open(path, "rb") as archive:
        try:
            return _import(metadata, store, archive, trust=trust, max_bytes=max_bytes)
        except ArchiveError as error:
            raise ArchiveError(error.what, where={"file": path, **error.where}, hint=error.hint) from error


def _import(
    metadata: MetadataStore, store: ArtifactStore, archive: IO[bytes], *, trust: bool, max_bytes: int | None
) -> Transfer:
    from treadle.metadata._archive_format import read_manifest

    name, size = read_header(archive)
    if name != _MANIFEST or size > _MANIFEST_BYTES:
        raise ArchiveError("Not an archive of a run", hint="treadle export RUN FILE writes one")
    text = io.BytesIO()
    read_content(archive, size, text)
    manifest = read_manifest(text.getvalue())
    is_new = metadata.accepts(manifest.contents)
    place = store.stage()
    try:
        total = sum(size for *_, size in manifest.members())
        _check_room(manifest, total, place, max_bytes)
        _unpack(archive, manifest, place)
        for digest in manifest.files:  # all of them are right before any is published
            if digest_tree(place / digest[7:]) != digest:
                raise ArchiveError("An artifact in the archive does not have its digest", where={"digest": digest})
        for digest in manifest.files:
            store.publish(place / digest[7:], Artifact)
        if is_new:
            metadata.add_contents(manifest.contents, trust=trust)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return Transfer(manifest.contents.run.id, len(manifest.files), total, is_new)


def _check_room(manifest: Manifest, total: int, place: Path, max_bytes: int | None) -> None:
    disk = os.statvfs(place)
    limit = disk.f_bavail * disk.f_frsize if max_bytes is None else max_bytes
    files = sum(len(files) for files in manifest.files.values())
    many = disk.f_files > 0 and files > disk.f_favail  # empty files take no bytes; some file systems count no files
    if total > limit or many:
        raise ArchiveError(
            "The archive holds more than there is room for",
            where={"bytes": total, "room": limit, "files": files, "files' room": disk.f_favail if many else None},
        )


def _unpack(archive: IO[bytes], manifest: Manifest, place: Path) -> None:
    try:
        for digest, files in manifest.files.items():
            (place / digest[7:]).mkdir()
            for file, size in files:
                if size is None:
                    (place / digest[7:] / file).mkdir(parents=True)
        for name, digest, file, size in manifest.members():
            if read_header(archive) != (name, size):
                raise ArchiveError("The archive's files are not those of its manifest", where={"expected": ascii(name)})
            target = place / digest[7:] / file
            target.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(target, flags, 0o600), "wb") as content:
                read_content(archive, size, content)
    except (FileExistsError, NotADirectoryError, UnicodeEncodeError) as error:
        raise ArchiveError(f"Files of the archive cannot lie beside each other: {error}") from error
    read_end(archive)


def _listing(folder: Path) -> list[tuple[str, int | None]]:
    """The files below a folder with their sizes, and its empty directories, in the order of their paths."""
    found: list[tuple[str, int | None]] = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        relative = os.path.relpath(place, folder)
        prefix = "" if relative == "." else relative + "/"
        found += [(prefix + name, os.lstat(os.path.join(place, name)).st_size) for name in names]
        if not folders and not names and prefix:
            found.append((relative, None))
    return sorted(found, key=lambda entry: entry[0])


def _raise(error: OSError) -> None:
    raise error  # by default a folder that cannot be read is passed over in silence


def _plain(manifest: Manifest) -> object:
    import msgspec

    return msgspec.to_builtins(manifest)
