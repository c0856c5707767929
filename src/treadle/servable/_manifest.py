"""The manifest: what is in a servable's directory, and whether it is still what was built."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from treadle.errors import ServableError

FORMAT = "treadle.servable/1"
MANIFEST = "manifest.json"
MODEL = "model.onnx"
SCHEMA = "schema.toml"
BASELINE = "baseline.json"
WARMUP = "warmup.json"
PARITY = "parity.json"

_FIELDS = {"format", "task", "inputs", "feature_names", "output", "parity", "versions", "files"}
_REQUIRED_FILES = {MODEL, SCHEMA, WARMUP, PARITY}


def canonical(value: object) -> bytes:
    """Canonical JSON: the same value gives the same bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def read_manifest(path: Path) -> tuple[dict[str, Any], bytes]:
    """The manifest of the servable at ``path``, and its bytes.

    Raises:
        ServableError: There is none, or it is not one of a format this version knows.
    """
    file = path / MANIFEST
    try:
        data = file.read_bytes()
    except OSError as error:
        hint = "Give the directory that holds manifest.json." if path.is_dir() else "Look at the path."
        raise ServableError("There is no servable here.", where={"file": str(file)}, hint=hint) from error
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _broken(file, "is not JSON") from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(found, str) or not found.startswith("treadle.servable/"):
        raise _broken(file, "is not the manifest of a servable")
    if found != FORMAT:
        raise ServableError(
            f"The servable is of format {found!r}; this version of Treadle reads {FORMAT!r}.",
            where={"file": str(file)},
            hint="Serve it with the version of Treadle that built it, or build it again.",
        )
    if not manifest.keys() >= _FIELDS or not isinstance(manifest["files"], dict):
        raise _broken(file, f"lacks {', '.join(sorted(_FIELDS - manifest.keys())) or 'its list of files'}")
    if not manifest["files"].keys() >= _REQUIRED_FILES:
        raise _broken(file, f"does not list {', '.join(sorted(_REQUIRED_FILES - manifest['files'].keys()))}")
    outside = [name for name in manifest["files"] if Path(name).name != name]
    if outside:
        raise _broken(file, f"names a file outside its directory: {outside[0]!r}")
    return manifest, data


def read_file(path: Path, name: str, manifest: dict[str, Any], *, verify: bool) -> bytes:
    """The bytes of a file that the manifest lists, checked against it.

    Raises:
        ServableError: It is not there, or is not what was built.
    """
    file = path / name
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ServableError(
            f"The servable lacks {name}, which its manifest lists.",
            where={"file": str(file)},
            hint="Push it again; a partly copied directory cannot be served.",
        ) from error
    listed = manifest["files"].get(name, {})
    if verify and (listed.get("size") != len(data) or listed.get("sha256") != hashlib.sha256(data).hexdigest()):
        raise ServableError(
            f"{name} is not what was built: its sha256 differs from the manifest's.",
            where={"file": str(file)},
            hint="The file was changed or damaged after it was built; push the servable again.",
        )
    return data


def servable_digest(path: str | os.PathLike[str]) -> str:
    """The digest of a servable whose files are all as its manifest says; nothing that predicts is loaded.

    Raises:
        ServableError: A file is missing or was changed, or the format is not known.
    """
    root = Path(path)
    manifest, data = read_manifest(root)
    for name in sorted(manifest["files"]):
        read_file(root, name, manifest, verify=True)
    return digest_of(data)


def digest_of(data: bytes) -> str:
    """A servable's digest: the sha256 of its manifest's bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _broken(file: Path, reason: str) -> ServableError:
    return ServableError(f"{MANIFEST} {reason}.", where={"file": str(file)}, hint="Push the servable again.")
