"""Images from a folder to an answer over HTTP: real digits, as files, through every step of a pipeline."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import treadle
from treadle import components as step
from treadle import transform as tt
from treadle.runner import run
from treadle.servable import Servable
from treadle.serving import ServerProcess

pytestmark = pytest.mark.engines
PIL = pytest.importorskip("PIL", reason="pip install 'treadle[images]'")
Image = pytest.importorskip("PIL.Image", reason="pip install 'treadle[images]'")
datasets = pytest.importorskip("sklearn.datasets")

Digits = tuple[Path, list[tuple[str, bytes]]]
SCHEMA = """
[features.label]
type = "string"
not_in = ["SERVING"]
[features.bytes]
type = "bytes"
"""


def preprocess(x: Any) -> dict[str, Any]:
    return {"px": tt.image(x["bytes"], (8, 8), color="grey"), "is_eight": x["label"] == "8"}


def train(data: Any) -> Any:
    import lightgbm

    settings = {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    return lightgbm.train(settings, lightgbm.Dataset(data.train.features, data.train.labels), num_boost_round=30)


def png(pixels: Any) -> bytes:
    out = BytesIO()
    Image.fromarray((pixels * 15.9375).astype(np.uint8)).resize((24, 24)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder = tmp_path_factory.mktemp("digits")
    found = datasets.load_digits()
    kept = [
        (str(label), png(pixels)) for pixels, label in zip(found.images, found.target, strict=True) if label in (3, 8)
    ]
    for number, (label, data) in enumerate(kept):
        (folder / "photos" / label).mkdir(parents=True, exist_ok=True)
        (folder / "photos" / label / f"{number:04d}.png").write_bytes(data)
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    return folder, kept


def ask(url: str, images: list[bytes]) -> Any:
    rows = [{"bytes": {"b64": base64.b64encode(data).decode()}} for data in images]
    request = urllib.request.Request(
        f"{url}/v1/models/digits:predict",
        json.dumps({"instances": rows}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_folder_of_images_becomes_a_served_model(digits: Digits, tmp_path: Path) -> None:
    folder, images = digits
    schema = folder / "schema.toml"

    @treadle.pipeline
    def read_digits() -> None:
        examples = step.ingest(
            pattern=f"images://{folder}/photos", schema=schema, splits={"train": 0.7, "eval": 0.3}, split_by="row"
        )
        statistics = step.statistics(examples, schema=schema)
        features = step.transform(examples, schema=schema, preprocess=preprocess, label="is_eight")
        model = step.train(features.transformed, trainer=train)
        step.package(model, features.graph, examples, statistics, schema=schema)

    result = run(read_digits, home=tmp_path / "home")
    assert result.state == "succeeded", {name: node.error for name, node in result.nodes.items()}
    transformed = result.nodes["transform"].outputs["transformed"].path
    assert pq.read_table(transformed / "train").num_columns == 64 + 2
    path = result.nodes["package"].outputs["servable"].path
    servable = Servable.load(path)
    assert servable.manifest["parity"]["max_difference"] < 1e-6
    assert servable.manifest["versions"]["pillow"] == PIL.__version__
    servable.warm_up()
    with ServerProcess(path, log=tmp_path / "log", options={"--name": "digits"}) as server:
        answer = ask(server.url, [data for _, data in images])
        right = [(p > 0.5) == (label == "8") for p, (label, _) in zip(answer["predictions"], images, strict=True)]
        assert np.mean(right) > 0.97
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(server.url, [images[0][1], b"no image"])
        refusal = json.loads(caught.value.read())
        assert caught.value.code == 400
        assert refusal["code"] == "INPUT_VALUE"
        assert refusal["where"] == {"column": "bytes", "row": 1}
