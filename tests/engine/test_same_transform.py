"""Analysis and bulk transformation over every engine; parts are made small, so that there are several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle import transform as tt
from treadle.engine import Engine, LocalEngine
from treadle.errors import InputValueError
from treadle.ingest import ExamplesReader, build_examples, read_examples
from treadle.schema import Schema
from treadle.transform import analyze, analyze_parts, write_parts

ENGINES = [
    pytest.param("here", id="threads"),
    pytest.param("spark", marks=pytest.mark.engines),
    pytest.param("ray", marks=pytest.mark.engines),
]
SCHEMA = Schema.loads("""
[features.fare]
type = "float"
[features.count]
type = "int"
[features.city]
type = "string"
[features.tip]
type = "float"
not_in = ["SERVING"]
""")
ROWS = 20_000


def preprocess(x: tt.Columns) -> dict[str, object]:
    return {
        "label": x["tip"] > 0.2 * x["fare"],
        "fare": tt.scale_to_z_score(tt.log1p(x["fare"])),
        "again": tt.scale_by_min_max(tt.scale_to_z_score(x["fare"])),
        "bucket": tt.bucketize(x["fare"], 10),
        "city": tt.one_hot(tt.vocabulary(x["city"], top_k=3, num_oov_buckets=1)),
        "per_city": tt.scale_to_z_score_per_key(x["count"], x["city"]),
        "target": tt.target_encode(x["city"], x["tip"]),
    }


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return LocalEngine(3) if request.param == "here" else request.getfixturevalue(request.param)


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExamplesReader:
    monkeypatch.setattr("treadle.ingest._split_writer.GROUP_ROWS", 2048)
    monkeypatch.setattr("treadle.ingest._partition.PART_ROWS", 8192)
    random = np.random.default_rng(3)
    table = pa.table(
        {
            "fare": pa.array(random.lognormal(2, size=ROWS), mask=random.random(ROWS) < 0.05),
            "count": pa.array(random.integers(0, 9, ROWS)),
            "city": pa.array(random.choice(["Ulm", "Bonn", "Kiel", "Gera", None, "é\u0000"], ROWS)),
            "tip": pa.array(random.random(ROWS)),
        }
    )
    pq.write_table(table, tmp_path / "rides.parquet")
    build_examples(
        [tmp_path / "rides.parquet"], schema=SCHEMA, out_path=tmp_path / "ex", splits={"train": 9, "eval": 1}
    )
    return read_examples(tmp_path / "ex")


def saved(graph: tt.TransformGraph, folder: Path) -> bytes:
    folder.mkdir()
    graph.save(folder)
    return (folder / "graph.json").read_bytes()


def test_graphs_and_files_are_the_same_bytes(engine: Engine, examples: ExamplesReader, tmp_path: Path) -> None:
    parts = examples.parts("train")
    assert [part.num_rows for part in parts][:2] == [8192, 8192]
    graph = analyze_parts(preprocess, SCHEMA, parts, engine, label="label")
    expected = analyze_parts(preprocess, SCHEMA, parts, LocalEngine(1), label="label")
    assert saved(graph, tmp_path / "graph") == saved(expected, tmp_path / "expected")
    alone = analyze(preprocess, SCHEMA, lambda columns: examples.batches("train", columns), label="label")
    whole = pa.Table.from_batches(examples.batches("train"))
    close = [_matrix(each, whole) for each in (graph, alone)]
    np.testing.assert_allclose(close[0], close[1], rtol=1e-6)

    count = write_parts(engine, graph, graph.output_names, parts, tmp_path / "out", out_of_fold=True)
    assert count == examples.num_rows("train") == whole.num_rows
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == [f"part-{number:05d}.parquet" for number in range(len(parts))]
    written = pa.concat_tables([pq.read_table(file) for file in files])
    expected_rows = graph.transform(whole, out_of_fold=True)
    for name in (*graph.feature_names, "label"):
        np.testing.assert_array_equal(written.column(name).to_numpy(), expected_rows.column(name).to_numpy())
    assert written.column("__row_id__").to_pylist() == whole.column("__row_id__").to_pylist()
    write_parts(LocalEngine(1), graph, graph.output_names, parts, tmp_path / "again", out_of_fold=True)
    assert [file.read_bytes() for file in files] == [
        file.read_bytes() for file in sorted((tmp_path / "again").iterdir())
    ]


def test_a_split_without_rows_is_one_file(engine: Engine, examples: ExamplesReader, tmp_path: Path) -> None:
    graph = analyze_parts(preprocess, SCHEMA, examples.parts("eval"), engine, label="label")
    empty = tmp_path / "none.parquet"
    pq.write_table(pq.read_schema(examples.files("eval")[0]).empty_table(), empty)
    only = type(examples.parts("eval")[0])(pieces_of_empty(empty))
    assert write_parts(engine, graph, graph.output_names, [only], tmp_path / "out") == 0
    assert pq.read_table(tmp_path / "out" / "part-00000.parquet").column_names[-1] == "__row_id__"


def pieces_of_empty(file: Path) -> tuple[object, ...]:
    from treadle.ingest._partition import Piece

    return (Piece(str(file), file, 0, 0),)


def test_a_wrong_value_is_found_by_file_and_row(engine: Engine, examples: ExamplesReader, tmp_path: Path) -> None:
    graph = analyze_parts(preprocess, SCHEMA, examples.parts("train"), LocalEngine(1), label="label")
    (file,) = examples.files("train")
    table = pq.read_table(file)
    column = table.column("city").cast(pa.binary()).to_pylist()
    column[17_000] = b"\xff"
    place = table.column_names.index("city")
    pq.write_table(table.set_column(place, "city", pa.array(column)), file, row_group_size=2048)
    parts = examples.parts("train")
    with pytest.raises(InputValueError, match="not UTF-8") as caught:
        write_parts(engine, graph, graph.output_names, parts, tmp_path / "out")
    assert (caught.value.where["file"], caught.value.where["column"]) == (file, "city")
    assert caught.value.where["row"] == 17_000
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(InputValueError) as analysed:
        analyze_parts(preprocess, SCHEMA, parts, engine, label="label")
    assert (analysed.value.where["file"], analysed.value.where["row"]) == (file, 17_000)


def test_analyzers_without_state_travel_whole(engine: Engine, examples: ExamplesReader, tmp_path: Path) -> None:
    class Longest:
        """A user's analyzer without ``state``: it travels as it is."""

        def create(self) -> Longest:
            return type(self)()

        best = 0.0

        def add(self, values: np.ndarray) -> None:
            self.best = max(self.best, float(np.nanmax(values, initial=0.0)))

        def merge(self, other: Longest) -> None:
            self.best = max(self.best, other.best)

        def result(self) -> dict[str, float]:
            return {"best": self.best}

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self)

        def __hash__(self) -> int:
            return 1

    def longest(x: tt.Columns) -> dict[str, object]:
        return {"share": x["fare"] / tt.analyzer(Longest(), "best", x["fare"]), "label": x["tip"]}

    graph = analyze_parts(longest, SCHEMA, examples.parts("train"), engine, label="label")
    alone = analyze(longest, SCHEMA, lambda columns: examples.batches("train", columns), label="label")
    assert saved(graph, tmp_path / "a") == saved(alone, tmp_path / "b")


def _matrix(graph: tt.TransformGraph, table: pa.Table) -> np.ndarray:
    found = graph.transform(table)
    return np.stack([found.column(name).to_numpy() for name in graph.feature_names], axis=1)
