"""Files that lie elsewhere, through fsspec: brought here whole, or not at all.

What counts is the bytes that came, never what the store says of them: an ETag is a digest of parts whose size the
uploader chose, or of nothing that can be computed here. It serves to see that an object changed while it was copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from treadle.config import expanded, masked, without_secrets
from treadle.errors import DataFileNotFoundError, DataSourceError, MissingDependencyError, TreadleError, UsageError

_EXTRAS = {"s3": "treadle[s3]", "s3a": "treadle[s3]"}
_GONE = (404, 410)
_STATE = ("size", "ETag", "etag", "generation", "LastModified", "last_modified", "mtime")


def fetch_file(url: str, path: Path) -> None:
    """Copy the file that a URL names.

    Raises:
        DataFileNotFoundError: There is no such file or bucket.
        DataSourceError: The store refuses, or the file changed while it was copied.
        MissingDependencyError: The package that speaks with this store is not installed.
    """
    with _told(url):
        system, inside = _system(url)
        before = system.info(inside)
        if before["type"] == "directory":
            raise DataFileNotFoundError(
                "This is a directory, not a data file.",
                where={"file": masked(url)},
                hint=f"Name the files: {masked(url)}/*",
            )
        system.get_file(inside, str(path))
        system.invalidate_cache()
        if _state(system.info(inside)) != _state(before) or before.get("size") not in (None, path.stat().st_size):
            raise DataSourceError(
                "The file changed while it was copied.",
                where={"file": masked(url)},
                hint="Wait until whoever writes it has ended; a new delivery is best a file of its own.",
            )


def fetch_folder(url: str, folder: Path) -> None:
    """Copy all files below a folder; errors as :func:`fetch_file`."""
    with _told(url):
        system, inside = _system(url)
        system.invalidate_cache()
        root = inside.rstrip("/") + "/"
        names = [str(name) for name in system.find(inside)]
        if not names:
            raise DataFileNotFoundError("The folder holds no file.", where={"file": masked(url)})
        for name in names:
            target = (folder / name.lstrip("/").removeprefix(root.lstrip("/"))).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise DataSourceError("A file's name leads out of its folder.", where={"file": name})
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(name, str(target))


def list_urls(pattern: str) -> list[str]:
    """The URLs of the files that a pattern with ``*`` names; errors as :func:`fetch_file`."""
    scheme, _, rest = pattern.partition("://")
    with _told(pattern):
        system, path = _system(pattern)
        system.invalidate_cache()  # a listing may be from before the newest delivery
        names = [str(found).removeprefix(f"{scheme}://") for found in system.glob(path)]
        if not names:
            # an expression that finds nothing looks the same to fsspec as a place that may not be seen
            system.ls(path.partition("*")[0].rpartition("/")[0] or path.partition("/")[0])
    return sorted(f"{scheme}://{name if rest.startswith('/') else name.lstrip('/')}" for name in names)


def _system(url: str) -> tuple[Any, str]:
    import fsspec

    system, inside = fsspec.core.url_to_fs(expanded(url))
    return system, str(inside)


def _state(info: dict[str, Any]) -> list[Any]:
    """What a store says of a file that another one in its place would not share."""
    return [info.get(name) for name in _STATE]


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What fsspec and its drivers raise, as one sentence."""
    where = {"file": masked(url)}
    scheme = url.partition(":")[0]
    try:
        yield
    except TreadleError:
        raise
    except ImportError as error:
        package = _EXTRAS.get(scheme, f"fsspec[{scheme}]")
        raise MissingDependencyError(
            f"Files at {scheme}:// need a package that is not installed: {error}.",
            where=where,
            hint=f"pip install '{package}'",
        ) from error
    except FileNotFoundError as error:
        cause = error.__cause__
        # of HTTP fsspec says so whatever went wrong
        silent = isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)
        if cause is not None and (silent or getattr(cause, "status", 404) not in _GONE):
            raise _refused(url, cause) from None
        # what is said may be the URL or a part of it: with secrets, and with any word
        what = "There is no such bucket." if "bucket does not exist" in str(error) else "There is no such file."
        raise DataFileNotFoundError(what, where=where) from None
    except ValueError as error:
        if "Protocol not known" in str(error):
            raise UsageError(f"Nothing is known that reads {scheme}:// URLs.", where=where) from error
        raise _refused(url, error) from None
    except Exception as error:  # each driver has errors of its own: botocore's are no OSError
        raise _refused(url, error) from None


def _refused(url: str, error: BaseException) -> DataSourceError:
    reason = without_secrets((str(error).splitlines() or [""])[0].rstrip("."), expanded(url)) or type(error).__name__
    denied = isinstance(error, PermissionError) or "redentials" in type(error).__name__
    return DataSourceError(
        f"The files cannot be read: {reason}.",
        where={"file": masked(url)},
        hint="Check the credentials, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may read."
        if denied
        else None,
    )
