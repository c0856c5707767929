"""A folder of files as rows: images, or texts; the name of the folder a file lies in is its label.

images://photos        photos/cat/1.jpg -> path "cat/1.jpg", label "cat", bytes, format "jpeg"
texts://reviews        reviews/good/1.txt -> path, label, text
images+s3://bucket/photos        the same, of a folder that lies elsewhere
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from treadle.errors import CorruptFileError, DataFileNotFoundError, TextEncodingError
from treadle.ingest.sources._promise import Opened, Reading, Refused, shown
from treadle.ingest.sources._remote import fetch_folder

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
}
_IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
_TEXTS = {".txt", ".text", ".md", ".html", ".xml", ".json"}


class FolderFormat:
    """A folder whose files are images, or texts: ``images://FOLDER`` and ``texts://FOLDER``, or ``images+s3://BUCKET/FOLDER``."""

    SUFFIXES: tuple[str, ...] = ()

    def __init__(self, kind: str) -> None:
        self.SCHEMES = (kind,)
        self._images = kind == "images"
        self._suffixes = _IMAGES if self._images else _TEXTS

    def is_format(self, head: bytes) -> bool:  # noqa: ARG002
        """No file is a folder."""
        return False

    def fetch(self, url: str, folder: Path) -> Path:
        """The folder itself, or a copy of one that lies elsewhere."""
        scheme, _, rest = url.partition("://")
        _, elsewhere, store = scheme.partition("+")
        if elsewhere:
            fetch_folder(f"{store}://{rest}", folder)
            return folder
        place = Path(rest)
        # one slash of three is lost where a URL went through a Path
        rooted = Path("/") / place
        return rooted if not place.exists() and rooted.exists() else place

    def digest(self, path: Path) -> str:
        """A digest of the paths and bytes of all files."""
        total = hashlib.sha256()
        for file in _files(path, self._suffixes):
            name = file.relative_to(path).as_posix().encode()
            total.update(len(name).to_bytes(8, "big") + name + hashlib.sha256(file.read_bytes()).digest())
        return f"sha256:{total.hexdigest()}"

    def open_source(self, path: Path, reading: Reading) -> Opened:
        """The files of a folder, at any depth, in the order of their paths."""
        reading.only(path)
        return FolderSource(path, reading, images=self._images)


class FolderSource:
    """The files of one folder. Made by :meth:`FolderFormat.open_source`."""

    def __init__(self, place: Path, reading: Reading, *, images: bool) -> None:
        if not place.is_dir():
            raise DataFileNotFoundError("There is no such folder.", where={"file": place})
        self.path = place
        self.refused: list[Refused] = []
        self._images = images
        self._kept = []
        content = "bytes" if self._images else "text"
        for number, file in enumerate(_files(place, _IMAGES if self._images else _TEXTS), start=1):
            problem = self._problem(file)
            if problem is None:
                self._kept.append(file)
            elif reading.lenient:
                self.refused.append(Refused(number, problem, content, shown(file.relative_to(place))))
            elif problem == "not-utf8":
                raise TextEncodingError("The text is not UTF-8.", where={"file": file})
            else:
                raise CorruptFileError("The file is no image of a known format.", where={"file": file})
        if not self._kept and not self.refused:
            raise DataFileNotFoundError(
                f"The folder holds no {'image' if self._images else 'text'}.", where={"file": place}
            )
        fields: list[tuple[str, pa.DataType]] = [("path", pa.string()), ("label", pa.string())]
        fields += [("bytes", pa.binary()), ("format", pa.string())] if images else [("text", pa.string())]
        self.schema = pa.schema(fields)
        self.num_rows = len(self._kept)

    def batches(
        self,
        columns: list[str],
        batch_rows: int,
        *,
        dictionary: bool = False,  # noqa: ARG002
    ) -> Iterator[pa.RecordBatch]:
        """The files in order; few at a time, since one may be large."""
        step = min(batch_rows, 256)
        for start in range(0, len(self._kept), step):
            rows = [self._row(file) for file in self._kept[start : start + step]]
            yield pa.RecordBatch.from_pylist(rows, schema=self.schema).select(columns)

    def _row(self, file: Path) -> dict[str, object]:
        content = file.read_bytes()
        inside = file.relative_to(self.path)
        row = {"path": inside.as_posix(), "label": inside.parent.name or None}
        return row | ({"bytes": content, "format": _format(content)} if self._images else {"text": content.decode()})

    def _problem(self, file: Path) -> str | None:
        if self._images:
            with file.open("rb") as stream:
                return None if _format(stream.read(16)) else "malformed"
        try:
            file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            return "not-utf8"
        return None


def _files(place: Path, suffixes: set[str]) -> list[Path]:
    return sorted(
        (file for file in place.rglob("*") if file.suffix.lower() in suffixes and file.is_file()),
        key=lambda file: file.relative_to(place).as_posix(),
    )


def _format(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


IMAGES = FolderFormat("images")
TEXTS = FolderFormat("texts")
