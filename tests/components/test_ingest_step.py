"""The step ``ingest``: which spans it reads is found when the run gets there, and the examples say which they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.components import ingest
from treadle.errors import UsageError
from treadle.ingest import read_examples
from treadle.pipeline import Pipeline, component, pipeline
from treadle.runner import NodeResult, plan, run
from treadle.schema import Feature, Schema


@pipeline
def rolling(
    pattern: str,
    schema: str,
    first: str | None = None,
    last: str | None = None,
    window: int | None = None,
    skip: int = 0,
    complete: bool = False,
) -> None:
    ingest(
        pattern=pattern, schema=schema, first=first, last=last, window=window, skip=skip, complete=complete,
        splits={"train": 1.0},
    )  # fmt: skip


class Delivery:
    """A folder that files arrive in, and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Schema({"month": Feature(name="month", type="int")}).save(folder / "schema.toml")

    def arrives(self, month: str, *values: int, version: int = 1) -> None:
        pq.write_table(pa.table({"month": list(values)}), self.folder / f"rides_{month}_v{version}.parquet")

    def ingested(self, **options: Any) -> NodeResult:
        pattern = f"{self.folder}/rides_{{YYYY}}-{{MM}}_v{{VERSION}}.parquet"
        parameters = {"pattern": pattern, "schema": str(self.folder / "schema.toml"), **options}
        return run(rolling, parameters, home=self.folder / "home").nodes["ingest"]


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    made = Delivery(tmp_path)
    for month in (1, 2, 3):
        made.arrives(f"2018-{month:02d}", month)
    return made


def months(node: NodeResult) -> list[int]:
    assert node.state in ("ran", "cached"), node.error
    return read_examples(node.outputs["examples"].path).table("train", ["month"]).column(0).to_pylist()


def test_a_window_rolls_and_late_versions_are_picked_up(delivery: Delivery) -> None:
    node = delivery.ingested(window=2)
    assert months(node) == [2, 3]
    assert delivery.ingested(window=2).state == "cached"
    delivery.arrives("2018-04", 4)
    node = delivery.ingested(window=2)
    assert months(node) == [3, 4]
    assert node.outputs["examples"].properties["spans"] == ["2018-03", "2018-04"]
    delivery.arrives("2018-03", 33, version=2)
    node = delivery.ingested(window=2)
    assert (node.state, months(node)) == ("ran", [33, 4])
    manifest = read_examples(node.outputs["examples"].path).manifest
    assert [(source.span, source.version) for source in manifest.sources] == [("2018-03", 2), ("2018-04", 1)]
    assert node.outputs["examples"].properties["versions"] == {"2018-03": 2, "2018-04": 1}
    delivery.arrives("2018-01", 11, version=2)  # outside of the window: no reason to run
    assert delivery.ingested(window=2).state == "cached"


def test_a_static_range_stays_whatever_arrives(delivery: Delivery) -> None:
    assert months(delivery.ingested(first="2018-01", last="2018-02")) == [1, 2]
    delivery.arrives("2018-04", 4)
    assert delivery.ingested(first="2018-01", last="2018-02").state == "cached"
    assert months(delivery.ingested(first="2018", last="2018", skip=1)) == [1, 2, 3]


def test_a_gap_stops_a_run_that_asks_for_all(delivery: Delivery) -> None:
    delivery.arrives("2018-05", 5)
    assert months(delivery.ingested(window=2)) == [3, 5]
    node = delivery.ingested(window=2, complete=True)
    assert node.state == "failed"
    assert "2018-04" in str(node.error)


SECRET = "sqlite://ada:hunter2@/x?table=t"


@pipeline
def written_out(schema: str) -> None:
    ingest(pattern=SECRET, schema=schema)


@component(cache=False)
def address() -> str:
    return SECRET


@pipeline
def computed(schema: str) -> None:
    ingest(pattern=address().value, schema=schema)


def bytes_of_store(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("known", [rolling, written_out])
def test_a_password_never_reaches_the_store(delivery: Delivery, known: Pipeline) -> None:
    given = {"schema": str(delivery.folder / "schema.toml")} | ({"pattern": SECRET} if known is rolling else {})
    home = delivery.folder / "home"
    for does in (run, plan):
        with pytest.raises(UsageError, match="holds a password") as caught:
            does(known, given, home=home)
        assert "hunter2" not in str(caught.value)
    assert b"hunter2" not in bytes_of_store(home)


def test_a_password_that_a_step_made_is_not_used(delivery: Delivery) -> None:
    result = run(computed, {"schema": str(delivery.folder / "schema.toml")}, home=delivery.folder / "home")
    assert result.state == "failed"
    assert "holds a password" in str(result.nodes["ingest"].error)
    assert "hunter2" not in str(result.nodes["ingest"].error)
