"""Iceberg tables in a real SQLite catalogue: snapshots, columns that were renamed and added, rows that were deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from iceberg_deletes import delete_rows, delete_values

from treadle.components import ingest
from treadle.errors import DataSourceError, MissingDependencyError, UsageError
from treadle.ingest import build_examples, digest_source, list_spans, read_table
from treadle.pipeline import pipeline
from treadle.runner import run
from treadle.schema import Feature, Schema


def test_iceberg_tables_need_pyiceberg() -> None:
    with pytest.raises(UsageError, match="names no table"):
        read_table("iceberg://lake")
    try:
        import pyiceberg  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError) as caught:
            read_table("iceberg://lake/rides.trips")
        assert "treadle[iceberg]" in str(caught.value.hint)


@dataclass
class Lake:
    table: Any
    url: str
    snapshots: list[int]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """Three snapshots: rows, rows after columns were renamed and added, rows after one was deleted."""
    pytest.importorskip("pyiceberg", reason="pyiceberg is not installed: pip install 'treadle[iceberg]'")
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'treadle[sql]'")
    from pyiceberg.catalog import load_catalog
    from pyiceberg.types import StringType

    settings = {"uri": f"sqlite:///{tmp_path}/catalogue.db", "warehouse": f"file://{tmp_path}/warehouse"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PYICEBERG_CATALOG__LAKE__{name.upper()}", value)
    catalog = load_catalog("lake", **settings)
    catalog.create_namespace("rides")
    rows = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "fare": [1.0, 0.0, None], "kind": ["a", "", None]})
    table = catalog.create_table("rides.trips", schema=rows.schema)
    table.append(rows)
    snapshots = [table.current_snapshot().snapshot_id]
    with table.update_schema() as change:
        change.rename_column("fare", "price")
        change.add_column("zone", StringType())
        change.move_first("zone")
    table.append(pa.table({"zone": ["x"], "id": pa.array([4], pa.int64()), "price": [4.0], "kind": ["d"]}))
    snapshots.append(table.current_snapshot().snapshot_id)
    table.delete("id = 2")
    snapshots.append(table.current_snapshot().snapshot_id)
    yield Lake(table, "iceberg://lake/rides.trips", snapshots)
    catalog.engine.dispose()


def rows_of(url: str) -> list[dict[str, Any]]:
    return sorted(read_table(url).to_pylist(), key=lambda row: row["id"])


@pytest.mark.engines
def test_snapshots_are_read_with_the_columns_they_had(lake: Lake) -> None:
    first, second, third = (f"{lake.url}?snapshot={number}" for number in lake.snapshots)
    assert rows_of(first) == [
        {"id": 1, "fare": 1.0, "kind": "a"},
        {"id": 2, "fare": 0.0, "kind": ""},
        {"id": 3, "fare": None, "kind": None},
    ]
    assert rows_of(second) == [
        {"zone": None, "id": 1, "price": 1.0, "kind": "a"},
        {"zone": None, "id": 2, "price": 0.0, "kind": ""},
        {"zone": None, "id": 3, "price": None, "kind": None},
        {"zone": "x", "id": 4, "price": 4.0, "kind": "d"},
    ]
    assert [row["id"] for row in rows_of(third)] == [1, 3, 4]
    assert rows_of(lake.url) == rows_of(third)
    assert digest_source(second) == digest_source(second) != digest_source(third)


@pytest.mark.engines
def test_rows_deleted_when_they_are_read_are_left_out(lake: Lake, tmp_path: Path) -> None:
    lake.table.append(pa.table({"zone": ["y"] * 5, "id": range(10, 15), "price": [1.0] * 5, "kind": ["e"] * 5}))
    before = lake.table.current_snapshot().snapshot_id
    files = {len(pq.read_table(task.file.file_path)): task.file.file_path for task in lake.table.scan().plan_files()}
    delete_rows(lake.table, tmp_path / "first.parquet", [(files[5], 0), (files[5], 3)])
    assert [row["id"] for row in rows_of(lake.url)] == [1, 3, 4, 11, 12, 14]
    delete_rows(lake.table, tmp_path / "second.parquet", [(files[5], 4), (files[1], 0)])
    assert [row["id"] for row in rows_of(lake.url)] == [1, 3, 11, 12]
    assert [row["id"] for row in rows_of(f"{lake.url}?snapshot={before}")] == [1, 3, 4, 10, 11, 12, 13, 14]
    assert build_examples([lake.url], schema=SCHEMA, out_path=tmp_path / "examples").splits == {"train": 4}


@pytest.mark.engines
def test_rows_deleted_by_their_values_are_refused_not_read(lake: Lake, tmp_path: Path) -> None:
    delete_values(lake.table, tmp_path / "values.parquet", "id", [3])
    with pytest.raises(DataSourceError, match="equality deletes") as caught:
        read_table(lake.url)
    assert "rewrite_data_files" in str(caught.value.hint)


@pytest.mark.engines
def test_branches_and_tags(lake: Lake) -> None:
    lake.table.manage_snapshots().create_tag(lake.snapshots[0], "audited").commit()
    assert len(rows_of(f"{lake.url}?ref=audited")) == 3
    assert len(rows_of(f"{lake.url}?ref=main")) == 3
    with pytest.raises(DataSourceError, match="no branch or tag 'gone'") as caught:
        read_table(f"{lake.url}?ref=gone")
    assert caught.value.hint == "There are audited, main."


@pytest.mark.engines
def test_what_is_not_there(lake: Lake) -> None:
    with pytest.raises(DataSourceError, match="no snapshot 17"):
        read_table(f"{lake.url}?snapshot=17")
    with pytest.raises(DataSourceError, match="no snapshot newest"):
        read_table(f"{lake.url}?snapshot=newest")
    with pytest.raises(DataSourceError, match="rides.gone"):
        read_table("iceberg://lake/rides.gone")
    with pytest.raises(DataSourceError) as caught:
        read_table("iceberg://pond/rides.trips")
    assert "PYICEBERG_CATALOG" in str(caught.value.hint)


@pytest.mark.engines
def test_a_table_nobody_wrote_to(lake: Lake) -> None:
    lake.table.catalog.create_table("rides.empty", schema=pa.schema([("id", pa.int64())]))
    with pytest.raises(DataSourceError, match="nobody wrote"):
        read_table("iceberg://lake/rides.empty")


SCHEMA = Schema({"id": Feature(name="id", type="int"), "price": Feature(name="price", type="float")})


@pytest.mark.engines
def test_the_snapshot_is_in_the_manifest(lake: Lake, tmp_path: Path) -> None:
    found = list_spans(lake.url)
    assert [span.version for span in found] == [lake.snapshots[2]]
    manifest = build_examples(found, schema=SCHEMA, out_path=tmp_path / "examples")
    assert [source.version for source in manifest.sources] == [lake.snapshots[2]]
    assert manifest.splits == {"train": 3}
    assert manifest.columns_left_out == ("kind", "zone")


@pipeline
def from_the_lake(url: str, schema: str) -> None:
    ingest(pattern=url, schema=schema)


@pytest.mark.engines
def test_a_new_snapshot_runs_the_step_again_and_an_old_one_is_reused(lake: Lake, tmp_path: Path) -> None:
    SCHEMA.save(tmp_path / "schema.toml")
    home = tmp_path / "home"

    def ingested(url: str) -> Any:
        result = run(from_the_lake, {"url": url, "schema": str(tmp_path / "schema.toml")}, home=home)
        assert result.state == "succeeded", [node.error for node in result.nodes.values()]
        return result.nodes["ingest"]

    once, again = ingested(lake.url), ingested(lake.url)
    assert (once.state, again.state) == ("ran", "cached")
    assert once.outputs["examples"].properties["versions"] == {"": lake.snapshots[2]}
    lake.table.append(pa.table({"zone": ["y"], "id": pa.array([5], pa.int64()), "price": [5.0], "kind": ["e"]}))
    newer = ingested(lake.url)
    assert newer.state == "ran"
    assert newer.outputs["examples"].properties["rows"] == 4
    assert newer.outputs["examples"].properties["versions"] == {"": lake.table.current_snapshot().snapshot_id}
