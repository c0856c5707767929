"""Rows as points: PCA as others compute it, what is shown and what is not, and pages that need nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from treadle.cli._graph import command
from treadle.errors import TransformError, UsageError
from treadle.transform.projection import Projection, project

IRIS = load_iris()
NAMES = ["a", "b", "c", "d"]
TABLE = pa.table(
    {name: IRIS.data[:, i] for i, name in enumerate(NAMES)} | {"kind": [str(IRIS.target_names[t]) for t in IRIS.target]}
)


def data_of(page: str) -> Any:
    return json.loads(page.split('<script id="data" type="application/json">')[1].split("</script>", maxsplit=1)[0])


def test_pca_is_that_of_scikit_learn() -> None:
    found = project(TABLE, color="kind", methods=["pca"])
    theirs = PCA(2).fit_transform(StandardScaler().fit_transform(IRIS.data))
    signs = np.sign((found.points["pca"] * theirs).sum(axis=0))
    np.testing.assert_allclose(found.points["pca"], theirs * signs, atol=1e-9)
    assert found.used == tuple(NAMES)
    assert found.rows.column_names == ["kind", *NAMES]


def test_tsne_keeps_what_is_near_together() -> None:
    found = project(TABLE, color="kind", methods=["tsne"]).points["tsne"]
    distance = ((found[:, None] - found[None]) ** 2).sum(axis=2) + np.eye(len(found)) * 1e9
    assert (IRIS.target[distance.argmin(axis=1)] == IRIS.target).mean() > 0.9


def test_embeddings_and_missing_values() -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(IRIS.data.reshape(-1)), 4)
    of_lists = project(pa.table({"e": lists, "kind": TABLE["kind"]}), methods=["pca"])
    np.testing.assert_allclose(of_lists.points["pca"], project(TABLE, methods=["pca"]).points["pca"])
    assert of_lists.rows.column_names == ["kind"]
    holes = pa.table(
        {"a": [1.0, None, float("inf"), 3.0, 1e308], "b": [True, None, False, True, True], "c": [2, 2, 2, 2, 2]}
    )
    points = project(holes, methods=["pca"]).points["pca"]
    assert np.isfinite(points).all()
    one = project(pa.table({"a": [1.0, 2.0, 4.0]}), methods=["pca"]).points["pca"]
    assert not one[:, 1].any()
    assert not project(pa.table({"a": [1.0, 1.0, 1.0]}), methods=["pca"]).points["pca"].any()


def test_a_sample_is_drawn_by_the_seed_and_keeps_its_order() -> None:
    numbered = TABLE.append_column("n", pa.array(range(150)))
    found = project(numbered, columns=NAMES, methods=["pca"], sample=40, seed=3)
    rows = found.rows["n"].to_pylist()
    assert len(rows) == 40
    assert rows == sorted(rows)
    assert found.total == 150
    assert found.page() == project(numbered, columns=NAMES, methods=["pca"], sample=40, seed=3).page()
    assert rows != project(numbered, columns=NAMES, methods=["pca"], sample=40, seed=4).rows["n"].to_pylist()


def test_a_page_needs_nothing_else_and_holds_any_value() -> None:
    text = ["</script><b>", "a & b", None]
    found = project(pa.table({"a": [1.0, 2.0, float("nan")], "t": text, "y": [b"\xff", b"", None]}), methods=["pca"])
    page = found.page("<title> & all")
    assert "http" not in page
    assert "&lt;title&gt; &amp; all" in page
    assert page.count("</script>") == 2
    columns = {column["name"]: column["values"] for column in data_of(page)["columns"]}
    assert columns == {"a": [1.0, 2.0, None], "t": text, "y": ["1 bytes", "0 bytes", None]}
    places = np.array(data_of(page)["methods"][0]["at"])
    assert np.abs(places).max() == 1
    assert "srcdoc" in found._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"columns": ["x"]}, "no column 'x'"),
        ({"color": "x"}, "no column 'x'"),
        ({"columns": ["kind"]}, "'kind' holds string, and no numbers"),
        ({"methods": ["lda"]}, "no projection 'lda'"),
    ],
)
def test_mistakes_are_errors(arguments: Any, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        project(TABLE, **arguments)


def test_tables_that_cannot_be_projected() -> None:
    with pytest.raises(TransformError, match="2 rows are too few"):
        project(TABLE.slice(0, 2))
    with pytest.raises(TransformError, match="no column of numbers"):
        project(TABLE.select(["kind"]))
    with pytest.raises(TransformError, match="not all of one length"):
        project(pa.table({"e": [[1.0], [1.0, 2.0], [3.0]]}))


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "iris.parquet")
    options = ["--html", str(tmp_path / "p.html"), "--color", "kind", "--method", "pca", "--sample", "100", "--json"]
    ran = CliRunner().invoke(command, ["project", str(tmp_path / "iris.parquet"), *options], catch_exceptions=False)
    assert ran.exit_code == 0
    told = json.loads(ran.stdout)
    assert told == {
        "page": str(tmp_path / "p.html"), "methods": ["pca"], "rows": 100, "total": 150, "columns": NAMES,
    }  # fmt: skip
    assert len(data_of((tmp_path / "p.html").read_text(encoding="utf-8"))["methods"][0]["at"]) == 100
    (tmp_path / "t" / "train").mkdir(parents=True)
    (tmp_path / "t" / "transformed.json").write_text('{"splits": {"train": 150}}')
    pq.write_table(TABLE, tmp_path / "t" / "train" / "part-00000.parquet")
    ran = CliRunner().invoke(command, ["project", str(tmp_path / "t"), *options], catch_exceptions=False)
    assert ran.exit_code == 0
    with pytest.raises(UsageError, match="no split 'eval'"):
        CliRunner().invoke(
            command, ["project", str(tmp_path / "t"), *options, "--split", "eval"], catch_exceptions=False
        )


def test_nothing_is_shown_beyond_thirty_columns() -> None:
    wide = pa.table({f"f{i}": np.arange(5.0) * i for i in range(40)} | {"id": list("abcde")})
    found: Projection = project(wide, methods=["pca"])
    assert len(found.used) == 40
    assert found.rows.column_names == ["id", *(f"f{i}" for i in range(29))]


@pytest.mark.engines
def test_umap_keeps_what_is_near_together() -> None:
    pytest.importorskip("umap", reason="make test-engines installs umap-learn")
    found = project(TABLE, color="kind", methods=["umap"]).points["umap"]
    distance = ((found[:, None] - found[None]) ** 2).sum(axis=2) + np.eye(len(found)) * 1e9
    assert (IRIS.target[distance.argmin(axis=1)] == IRIS.target).mean() > 0.85
