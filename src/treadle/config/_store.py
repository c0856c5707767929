"""Where the parts of a store are kept, when not in its folder: ``store.toml`` in the folder, or the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path

from treadle.errors import UsageError

_FILE = "store.toml"
_COPIES = "copies"
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SETTINGS = {
    "metadata": ("TREADLE_METADATA", ("postgresql://", "postgres://")),
    "artifacts": ("TREADLE_ARTIFACTS", ("s3://",)),
}


def metadata_url(home: Path) -> str | None:
    """The database of a store's lineage, ``postgresql://…``; None when it is a file in the store's folder.

    ``TREADLE_METADATA``, or ``metadata = "…"`` in the folder's ``store.toml``.

    Raises:
        UsageError: When the setting is not such a URL, or the file cannot be read.
    """
    return _setting(home, "metadata")


def artifacts_url(home: Path) -> str | None:
    """Where a store's artifacts are kept, ``s3://bucket/prefix``; None when in the store's folder.

    ``TREADLE_ARTIFACTS``, or ``artifacts = "…"`` in the folder's ``store.toml``.

    Raises:
        UsageError: When the setting is not such a URL, or the file cannot be read.
    """
    return _setting(home, "artifacts")


def most_copied_bytes(home: Path) -> int:
    """How much a folder's copies of artifacts that are kept under a URL may take.

    ``TREADLE_COPIES``, or ``copies = "200 GB"`` in the folder's ``store.toml``; 50 GB when neither says so.

    Raises:
        UsageError: When the setting is no size, or the file cannot be read.
    """
    text, place = _said(home, "TREADLE_COPIES", _COPIES)
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Z]*)\s*", (text or "50 GB").upper())
    if found is None or found[2] not in _UNITS:
        raise UsageError("Not a size", where={"setting": place, "says": text}, hint='a number and a unit: "50 GB"')
    return int(float(found[1]) * _UNITS[found[2]])


def _said(home: Path, variable: str, name: str) -> tuple[str | None, str]:
    """What a setting says, and where it says so."""
    if text := os.environ.get(variable):
        return text, variable
    return _read(home / _FILE).get(name), str(home / _FILE)


def _setting(home: Path, name: str) -> str | None:
    variable, schemes = _SETTINGS[name]
    url, place = _said(home, variable, name)
    if url and not url.startswith(schemes):
        # a URL may hold a password: only how it begins is told
        beginning = url.partition("://")[0][:20] if "://" in url else ""
        raise UsageError(
            f"The store's {name} cannot be kept there",
            where={"setting": place, "begins with": beginning or None},
            hint=f"it begins with {schemes[0]}",
        )
    return url or None


def _read(file: Path) -> dict[str, str]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The store's settings cannot be read: {error}", where={"file": file}) from error
    import tomllib

    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The store's settings are not TOML: {error}", where={"file": file}) from None
    known = [*_SETTINGS, _COPIES]
    unknown = sorted(set(settings) - set(known))
    wrong = sorted(name for name, value in settings.items() if not isinstance(value, str))
    if unknown or wrong:
        raise UsageError(
            "The store's settings hold something they may not",
            where={"file": file, "unknown": ", ".join(unknown) or None, "not a text": ", ".join(wrong) or None},
            hint="there are: " + ", ".join(known),
        )
    return settings
