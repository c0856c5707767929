"""Which upstream model a column comes from, as the data themselves say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pyarrow as pa

PRODUCED_BY = b"treadle.produced_by"
"""The key of a field's metadata, in Arrow and Parquet, under which the model's name stands."""


def lineage_of(schema: pa.Schema) -> dict[str, str]:
    """Column -> the model that computed it; of the columns that say so.

    Examples:
        >>> lineage_of(pa.schema([pa.field("score", pa.float64(), metadata={"treadle.produced_by": "fraud:3"})]))
        {'score': 'fraud:3'}
    """
    found = {field.name: (field.metadata or {}).get(PRODUCED_BY) for field in schema}
    return {name: model.decode("utf-8", "replace") for name, model in found.items() if model is not None}


def lineage_of_files(files: Iterable[str | os.PathLike[str]]) -> dict[str, str]:
    """What Parquet files say of the models behind their columns; of files that disagree, all names."""
    import pyarrow.parquet as pq

    models: dict[str, dict[str, None]] = {}
    for file in files:
        if os.fspath(file).lower().endswith((".parquet", ".pq")) and os.path.isfile(file):
            for name, model in lineage_of(pq.read_schema(file)).items():
                models.setdefault(name, {})[model] = None
    return {name: " and ".join(named) for name, named in models.items()}


def mark_lineage(table: pa.Table, produced_by: Mapping[str, str]) -> pa.Table:
    """The table with its columns marked by the models that computed them; what is marked already stays.

    Args:
        table: Rows with columns of upstream models.
        produced_by: Column -> model, as ``fraud@sha256:…`` or ``fraud:3``.
    """
    fields = []
    for field in table.schema:
        if field.name in produced_by:
            mark = {PRODUCED_BY: produced_by[field.name].encode()}
            field = field.with_metadata({**(field.metadata or {}), **mark})  # noqa: PLW2901
        fields.append(field)
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))
