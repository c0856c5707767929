"""The schemas of OpenLineage, as they are published: fetched once, kept under ``build/``, known by their digests."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from treadle.files import write_bytes

SITE = "https://openlineage.io/spec"
KEPT = Path(__file__).parents[2] / "build" / "openlineage"
SHA256 = {
    "2-0-2/OpenLineage.json": "69f68bee00b9beac88a87059c0102410e7bb05f3f43c46d02a0409831eceb0d2",
    "facets/1-2-0/ParentRunFacet.json": "efdd06ef87537849f1ec7984cc2e36cbdcea40083635c20fd9af1934ba601d57",
    "facets/1-0-1/ErrorMessageRunFacet.json": "b11b4ee8b0f99f6846264f87cad48390255c7ef142ce623216660c7097be0ea6",
    "facets/1-0-1/DatasetVersionDatasetFacet.json": "91f57b67bc6d639bb6d600e26b827dac551e3520a233d1785d65870da263dc34",
}


def documents() -> dict[str, Any]:
    """Every schema by its address; skips the test where they are not kept and the site cannot be reached."""
    return {f"{SITE}/{path}": json.loads(_document(path)) for path in SHA256}


def _document(path: str) -> bytes:
    file = KEPT / path
    if not file.is_file():
        try:
            with urllib.request.urlopen(f"{SITE}/{path}", timeout=10) as answer:
                data = answer.read()
        except OSError as error:
            pytest.skip(f"events are not held against the published schemas: {SITE} cannot be reached ({error})")
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, data)
    data = file.read_bytes()
    assert hashlib.sha256(data).hexdigest() == SHA256[path], f"{file} is not what was published; remove it"
    return data
