from __future__ import annotations

import importlib
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from treadle.errors import MissingDependencyError, StatisticsError, UsageError
from treadle.statistics import generate

VALUES: dict[str, list[Any]] = {"n": [1, 2, 2], "x": [0.5, 1.5, -2.0], "s": ["a", None, "b"], "b": [True, False, True]}
TABLE = pa.table(VALUES)


def needed(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed: make test-engines")


def expected() -> bytes:
    return generate(TABLE).to_bytes()


@pytest.mark.parametrize(
    "source",
    [
        TABLE,
        TABLE.to_batches()[0],
        TABLE.to_batches(1),
        TABLE.to_reader(),
        iter([TABLE.slice(0, 1), TABLE.slice(1)]),
        (batch for batch in TABLE.to_batches(2)),
    ],
)
def test_arrow_in_every_shape(source: Any) -> None:
    assert generate(source).to_bytes() == expected()


def test_a_duckdb_relation() -> None:
    with duckdb.connect() as connection:
        connection.register("rides", TABLE)
        assert generate(connection.sql("select * from rides")).to_bytes() == expected()


def test_large_batches_are_cut_so_that_every_way_gives_the_same_bytes() -> None:
    column = pa.array([1 / (number + 1) for number in range(200_000)])
    table = pa.table({"x": column})
    assert table.column(0).num_chunks == 1
    assert generate(table).to_bytes() == generate(table.to_reader()).to_bytes() == generate(iter([table])).to_bytes()


class Foreign:
    """A frame of a library that nobody here has heard of."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_any_library_with_the_stream_interface() -> None:
    assert generate(Foreign(TABLE)).to_bytes() == expected()
    nothing = generate(Foreign(TABLE.slice(0, 0)))
    assert (nothing.num_rows, list(nothing.features)) == (0, list(VALUES))


@pytest.mark.parametrize("source", ["rides.parquet", 3, {"a": [1]}, [1, 2], object()])
def test_what_is_no_frame_is_said_so(source: Any) -> None:
    with pytest.raises((UsageError, MissingDependencyError)) as error:
        generate(source)
    assert type(source).__name__ in str(error.value)


def test_without_narwhals_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importlib.import_module("sys").modules, "narwhals", None)
    with pytest.raises(MissingDependencyError) as error:
        generate(object())  # type: ignore[arg-type]
    assert error.value.hint == "pip install 'treadle[frames]'"


@pytest.mark.engines
def test_polars_eager_and_lazy() -> None:
    polars = needed("polars")
    needed("narwhals")
    frame = polars.DataFrame(VALUES)
    assert generate(frame).to_bytes() == expected()
    assert generate(frame.lazy().filter(True)).to_bytes() == expected()
    categories = generate(frame.with_columns(polars.col("s").cast(polars.Categorical)))
    assert categories.to_bytes() == expected()


@pytest.mark.engines
def test_pandas() -> None:
    pandas = needed("pandas")
    assert generate(pandas.DataFrame(VALUES)).to_bytes() == expected()
    indexed = pandas.DataFrame(VALUES, index=["u", "v", "w"])
    assert list(generate(indexed).features) == list(VALUES)
    with pytest.raises(StatisticsError, match="cannot be read as Arrow"):
        generate(pandas.DataFrame({"mixed": [1, "x", object()]}))


@pytest.mark.engines
def test_narwhals() -> None:
    narwhals = needed("narwhals")
    assert generate(narwhals.from_native(TABLE)).to_bytes() == expected()
    assert generate(narwhals.from_native(TABLE).lazy()).to_bytes() == expected()
