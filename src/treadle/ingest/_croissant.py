"""Croissant 1.0 metadata (mlcommons.org/croissant): a version of examples as machines exchange data sets."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.artifact import digest_file
from treadle.ingest._about import About
from treadle.ingest._examples import read_examples
from treadle.schema import Schema

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "key": "cr:key",
    "recordSet": "cr:recordSet",
    "source": "cr:source",
}
_TYPES = {
    pa.int64(): "sc:Integer",
    pa.float64(): "sc:Float",
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.timestamp("us"): "sc:DateTime",
}


def croissant(
    path: str | os.PathLike[str], about: About, *, schema: Schema | None = None, digest: str = ""
) -> dict[str, Any]:
    """The metadata of an Examples directory, as JSON-LD; save it beside the directory's files.

    Args:
        path: The Examples directory; file names in the metadata are relative to it.
        about: What people know.
        schema: Descriptions of the columns.
        digest: The digest of the version, if it has one.
    """
    reader = read_examples(path)
    files, records = [], []
    for split in reader.splits:
        for file in reader.files(split):
            name = f"{split}/{file.name}"
            files.append(
                {
                    "@type": "cr:FileObject",
                    "@id": name,
                    "name": name,
                    "contentUrl": name,
                    "contentSize": f"{file.stat().st_size} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": digest_file(file).removeprefix("sha256:"),
                }
            )
            with_types = pq.read_schema(str(file))
            records.append(
                {
                    "@type": "cr:RecordSet",
                    "@id": split,
                    "name": split,
                    "key": {"@id": f"{split}/__row_id__"},
                    "field": [_field(split, name, column, schema) for column in with_types],
                }
            )
    said = {
        "url": about.url,
        "creator": about.creator and {"@type": "sc:Organization", "name": about.creator},
        "citeAs": about.citation,
        "license": [source.licence for source in about.sources if source.licence],
        "version": digest,
        "rai:dataCollection": [source.collection for source in about.sources if source.collection],
        "rai:dataUseCases": [source.purpose for source in about.sources if source.purpose],
        "rai:personalSensitiveInformation": [source.consent for source in about.sources if source.consent],
        "rai:dataLimitations": about.limits,
        "isBasedOn": [source.url for source in about.sources if source.url],
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.name,
        "description": about.description,
        **{name: value for name, value in said.items() if value},
        "distribution": files,
        "recordSet": records,
    }


def _field(split: str, file: str, column: pa.Field, schema: Schema | None) -> dict[str, Any]:
    feature = schema.features.get(column.name) if schema else None
    described = {"description": feature.description} if feature and feature.description else {}
    kind = _TYPES.get(column.type)
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column.name}",
        "name": column.name,
        **described,
        **({"dataType": kind} if kind else {}),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
