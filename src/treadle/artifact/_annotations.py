"""What a component's parameters are, said by annotation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Output(Generic[T]):
    """The annotation of an output parameter, and the object the function receives for it.

    ``Output[Examples]`` declares an output of type ``Examples`` named as the parameter. When the node runs, the
    function gets an ``Output`` whose ``path`` is an existing, empty directory to fill.

    Examples:
        Calling a component plainly, in a test:

        >>> import tempfile
        >>> out = Output(tempfile.mkdtemp())
        >>> out.properties["rows"] = 3
    """

    __slots__ = ("path", "properties")

    path: Path
    """The directory to fill. What is there when the function returns is the artifact."""

    properties: dict[str, Any]
    """JSON-able facts about the artifact, kept in the metadata store and shown in lineage."""

    def __init__(self, path: str | os.PathLike[str], properties: dict[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.properties = {} if properties is None else properties

    def __repr__(self) -> str:
        return f"Output({str(self.path)!r})"


class FileContent:
    """Marks a path parameter whose file content, not its name or time, counts in the fingerprint."""

    def __repr__(self) -> str:
        return "FileContent()"


# The function receives a pathlib.Path, and type checkers see one.
File: TypeAlias = Annotated[Path, FileContent()]
