"""Where the parts of a store are kept, when not in its folder: ``store.toml`` in the folder, or the environment."""

from __future__ import annotations

import os
from pathlib import Path

from treadle.errors import UsageError

_FILE = "store.toml"
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


def _setting(home: Path, name: str) -> str | None:
    variable, schemes = _SETTINGS[name]
    url, place = os.environ.get(variable), variable
    if not url:
        url, place = _read(home / _FILE).get(name), str(home / _FILE)
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
    unknown = sorted(set(settings) - set(_SETTINGS))
    wrong = sorted(name for name, value in settings.items() if not isinstance(value, str))
    if unknown or wrong:
        raise UsageError(
            "The store's settings hold something they may not",
            where={"file": file, "unknown": ", ".join(unknown) or None, "not a text": ", ".join(wrong) or None},
            hint="there are: " + ", ".join(_SETTINGS),
        )
    return settings
