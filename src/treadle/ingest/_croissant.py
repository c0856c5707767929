"""Croissant 1.0 metadata (mlcommons.org/croissant): a version of examples as machines exchange data sets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from treadle.artifact import digest_file
from treadle.ingest._about import About, SourceFacts
from treadle.ingest._examples import read_examples
from treadle.schema import Schema

# the whole context of the standard, so that readers who compare it need not guess
_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_REQUIRED = (
    "@context", "@type", "conformsTo", "name", "description", "license", "url", "creator", "datePublished",
    "distribution",
)  # fmt: skip
_OF_A_FILE = ("@type", "@id", "name", "contentUrl", "contentSize", "encodingFormat", "sha256")
_OF_RECORDS = ("@type", "@id", "name", "field")
_SPDX = re.compile(
    r"(CC-BY|CC0|PDDL|ODbL|ODC-By|MIT|Apache|BSD|GPL|LGPL|AGPL|MPL|CDLA|OGL|EUPL|DL-DE)(-[A-Za-z0-9.]+)*"
)
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
                    "field": [_field(split, name, column, schema) for column in with_types if _type_of(column)],
                }
            )
    said: dict[str, Any] = {
        "url": about.url,
        "datePublished": about.published,
        "creator": about.creator and {"@type": "sc:Organization", "name": about.creator},
        "citeAs": about.citation,
        "license": list({str(licence): licence for licence in map(_licence, about.sources) if licence}.values()),
        "version": digest,
        "rai:dataCollection": [source.collection for source in about.sources if source.collection],
        "rai:dataUseCases": [source.purpose for source in about.sources if source.purpose],
        "rai:personalSensitiveInformation": [source.consent for source in about.sources if source.consent],
        "rai:dataLimitations": about.limits,
        "isBasedOn": [_source(source) for source in about.sources],
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


def missing_properties(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What Croissant 1.0 requires of a data set, its files and its records, and the metadata do not say.

    Only the people behind the data know the rest: where it is published, since when, by whom, under which licence.
    """
    absent = [name for name in _REQUIRED if not metadata.get(name)]
    for kind, wanted in (("distribution", _OF_A_FILE), ("recordSet", _OF_RECORDS)):
        for part in metadata.get(kind, ()):
            absent += [f"{kind} {part.get('@id')}: {name}" for name in wanted if not part.get(name)]
    return tuple(absent)


def _licence(source: SourceFacts) -> str | dict[str, str] | None:
    """A licence as Croissant wants it: a URL, which SPDX has for every licence it knows, or a work with a name."""
    said = source.licence
    if said is None or said.startswith(("https://", "http://")):
        return said
    return (
        f"https://spdx.org/licenses/{said}.html"
        if _SPDX.fullmatch(said)
        else {"@type": "sc:CreativeWork", "name": said}
    )


def _source(source: SourceFacts) -> dict[str, Any]:
    """One source with everything that is said of it, so that no licence or consent is taken for that of another."""
    said = {
        "url": source.url,
        "license": _licence(source),
        "rai:dataCollection": source.collection,
        "rai:dataUseCases": source.purpose,
        "rai:personalSensitiveInformation": source.consent,
    }
    return {"@type": "sc:CreativeWork", "name": source.name, **{name: value for name, value in said.items() if value}}


def _type_of(column: pa.Field) -> str | None:
    """The vocabulary's word for the values of a column; it has none for bytes, which a record then cannot name."""
    return _TYPES.get(column.type.value_type if pa.types.is_list(column.type) else column.type)


def _field(split: str, file: str, column: pa.Field, schema: Schema | None) -> dict[str, Any]:
    feature = schema.features.get(column.name) if schema else None
    described = {"description": feature.description} if feature and feature.description else {}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column.name}",
        "name": column.name,
        **described,
        "dataType": _type_of(column),
        **({"repeated": True} if pa.types.is_list(column.type) else {}),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
