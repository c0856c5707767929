"""Images: real photographs, every kind of pixel, and bytes that are none; the same in bulk as for a request."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import InputValueError, TransformError
from treadle.graph import InputSpec, Session, encode_columns, serialize
from treadle.schema import Schema

pytestmark = pytest.mark.engines
Image = pytest.importorskip("PIL.Image", reason="pip install 'treadle[images]'")

SCHEMA = Schema.loads('[features.photo]\ntype = "bytes"\n[features.name]\ntype = "string"\n')


def as_bytes(picture: Any, format_: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """The two photographs of scikit-learn: a temple and a flower, 427 x 640."""
    datasets = pytest.importorskip("sklearn.datasets")
    return [as_bytes(Image.fromarray(each), "JPEG", quality=90) for each in datasets.load_sample_images().images]


def graph_of(size: tuple[int, int] = (2, 2), **options: Any) -> tt.TransformGraph:
    return tt.analyze(lambda x: {"px": tt.image(x["photo"], size, **options)}, SCHEMA, lambda columns: iter([]))


def pixels(data: bytes | None, size: tuple[int, int] = (2, 2), **options: Any) -> list[float]:
    table = pa.table({"photo": pa.array([data], pa.binary())})
    return [round(value * 255, 3) for value in graph_of(size, **options).feature_matrix(table)[0].tolist()]


def test_real_photographs_are_resized_as_pillow_does(photos: list[bytes]) -> None:
    found = graph_of((24, 32)).feature_matrix(pa.table({"photo": photos}))
    assert found.shape == (2, 24 * 32 * 3)
    for row, data in zip(found, photos, strict=True):
        picture = Image.open(BytesIO(data)).resize((32, 24), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(row.reshape(24, 32, 3), np.asarray(picture) / 255.0, atol=1e-7)


def test_bulk_request_and_one_row_are_the_same(photos: list[bytes]) -> None:
    graph = graph_of((8, 8), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), layout="chw")
    table = pa.table({"photo": pa.array([*photos, None], pa.binary())})
    bulk = graph.feature_matrix(table)
    session = Session(serialize(graph.feature_model()))
    assert session.inputs == {"photo": "bytes"}
    spec = [InputSpec("photo", "bytes", "bytes")]
    asked = [{"b64": base64.b64encode(data).decode()} for data in photos]
    for row, value in enumerate([*asked, None]):
        np.testing.assert_array_equal(session.run(encode_columns(spec, {"photo": [value]}))[0][0], bulk[row])
    assert np.isnan(bulk[2]).all()
    apart = graph_of((8, 8)).feature_matrix(table)[0].reshape(8, 8, 3)
    expected = (apart - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(bulk[0].reshape(3, 8, 8), expected.transpose(2, 0, 1), atol=1e-6)


def test_a_saved_graph_and_many_wide_rows(photos: list[bytes], tmp_path: Path) -> None:
    graph = graph_of((64, 64))
    graph.save(tmp_path)
    loaded = tt.TransformGraph.load(tmp_path)
    table = pa.table({"photo": photos * 400})  # more than fit into one part
    found = loaded.feature_matrix(table)
    np.testing.assert_array_equal(found[0::2], np.broadcast_to(found[0], (400, 12288)))
    np.testing.assert_array_equal(found[1::2], np.broadcast_to(found[1], (400, 12288)))
    assert loaded.feature_names[:2] == ("px[0]", "px[1]")
    assert graph.feature_matrix(table.slice(0, 0)).shape == (0, 12288)


def one(mode: str, value: Any) -> Any:
    return Image.new(mode, (3, 3), value)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (one("RGB", (10, 20, 30)), [10, 20, 30]),
        (one("L", 77), [77, 77, 77]),
        (one("1", 1), [255, 255, 255]),
        (one("LA", (40, 0)), [255, 255, 255]),
        (one("RGBA", (10, 20, 30, 255)), [10, 20, 30]),
        (one("RGBA", (0, 0, 0, 51)), [204, 204, 204]),
        (one("RGB", (10, 20, 30)).quantize(4), [10, 20, 30]),
        (Image.fromarray(np.full((3, 3), 0x4DFF, np.uint16)), [77, 77, 77]),
    ],
)
def test_every_kind_of_pixel_is_defined(picture: Any, expected: list[int]) -> None:
    assert pixels(as_bytes(picture))[:3] == expected
    grey = pixels(as_bytes(picture), color="grey")
    assert len(grey) == 4
    assert abs(grey[0] - (expected[0] * 299 + expected[1] * 587 + expected[2] * 114) / 1000) < 1


def test_other_formats_and_colours() -> None:
    assert pixels(as_bytes(one("CMYK", (0, 0, 0, 255)), "TIFF"))[:3] == [0, 0, 0]
    for format_ in ("GIF", "BMP", "WEBP", "TIFF"):
        options = {"lossless": True} if format_ == "WEBP" else {}
        assert pixels(as_bytes(one("RGB", (255, 0, 0)), format_, **options))[:3] == [255, 0, 0], format_
    moving = as_bytes(one("RGB", (255, 0, 0)), "GIF", save_all=True, append_images=[one("RGB", (0, 255, 0))])
    assert pixels(moving)[:3] == [255, 0, 0]
    hidden = as_bytes(one("P", 0), "PNG", transparency=0)
    assert pixels(hidden)[:3] == [255, 255, 255]


def test_a_camera_held_sideways_is_turned_upright() -> None:
    picture = Image.fromarray(np.array([[[255] * 3, [0] * 3]], np.uint8))  # white left of black
    exif = Image.Exif()
    exif[0x0112] = 6
    assert pixels(as_bytes(picture, "PNG", exif=exif), (2, 1), color="grey") == [255, 0]
    assert pixels(as_bytes(picture), (1, 2), color="grey") == [255, 0]


def test_what_does_not_fit_is_cropped_or_padded() -> None:
    wide = Image.fromarray(np.array([[[0] * 3, [255] * 3, [255] * 3, [0] * 3]] * 2, np.uint8))
    assert pixels(as_bytes(wide), color="grey", fit="crop") == [255] * 4
    assert pixels(as_bytes(wide), (4, 4), color="grey", fit="pad") == [0] * 4 + [0, 255, 255, 0] * 2 + [0] * 4


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises more than its few bytes could be decoded to."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def bad_images() -> dict[str, tuple[bytes, str]]:
    good = as_bytes(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), "JPEG")
    png = as_bytes(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)))
    return {
        "empty": (b"", "is no image"),
        "text": (b"GIF87 is not a GIF", "is no image"),
        "cut jpeg": (good[: len(good) // 2], "is a damaged JPEG image"),
        "cut png": (png[: len(png) // 2], "is a damaged PNG image"),
        "cut head": (good[:5], "is no image"),
        "broken png": (png[:60] + b"\0" * 40 + png[100:], "is a damaged PNG image"),
        "bomb": (bomb(7000, 7000), "has 7000 x 7000 pixels, more than 33554432"),
        "large bomb": (bomb(60_000, 60_000), "has too many pixels"),
        "32 bits": (as_bytes(Image.fromarray(np.zeros((3, 3), np.float32)), "TIFF"), "pixels of 32 bits"),
    }


@pytest.mark.parametrize(
    "name", ["empty", "text", "cut jpeg", "cut png", "cut head", "broken png", "bomb", "large bomb", "32 bits"]
)
def test_what_is_no_image_is_refused_by_row_or_missing(name: str) -> None:
    data, says = bad_images()[name]
    good = as_bytes(one("RGB", (0, 0, 0)))
    table = pa.table({"photo": pa.array([good, None, data], pa.binary())})
    with pytest.raises(InputValueError, match=says) as caught:
        graph_of().feature_matrix(table)
    assert caught.value.where == {"column": "photo", "row": 2}
    found = graph_of(invalid="missing").feature_matrix(table)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True]


def test_the_row_is_named_beyond_the_first_part() -> None:
    good = as_bytes(one("RGB", (0, 0, 0)))
    table = pa.table({"photo": pa.array([good] * 700 + [b"none"], pa.binary())})
    with pytest.raises(InputValueError) as caught:
        graph_of((64, 64)).feature_matrix(table)
    assert caught.value.where["row"] == 700


@pytest.mark.parametrize("value", ["text", 1, {"b64": "!"}, ["x"]])
def test_a_request_must_bring_bytes(value: object) -> None:
    with pytest.raises(InputValueError):
        encode_columns([InputSpec("photo", "bytes", "bytes")], {"photo": [value]})


@pytest.mark.parametrize(
    ("op", "says"),
    [
        (lambda x: tt.image(x["name"], (2, 2)), "a feature of type bytes, and this is text"),
        (lambda x: tt.image(tt.lower(x["photo"]), (2, 2)), "a feature of type bytes"),
        (lambda x: tt.image(x["photo"], 2), "A size is"),
        (lambda x: tt.image(x["photo"], (0, 2)), "A size is"),
        (lambda x: tt.image(x["photo"], (2, 2), color="red"), "color is one of rgb, grey"),
        (lambda x: tt.image(x["photo"], (2, 2), mean=(1, 2)), "mean is a number, or 3"),
        (lambda x: tt.image(x["photo"], (2, 2), std=0), "std is not 0"),
        (lambda x: tt.image(x["photo"], (2, 2), max_pixels=0), "max_pixels must be"),
        (lambda x: tt.image(x["photo"], (999, 999)), "more than 262144"),
        (lambda x: tt.image(x["photo"], (2, 2)) * 2, "several columns"),
    ],
)
def test_mistakes_are_errors_while_tracing(op: Any, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: iter([]))


def test_a_feature_is_an_image_or_text() -> None:
    with pytest.raises(TransformError, match="'photo' is taken as an image and as text"):
        tt.analyze(
            lambda x: {"a": tt.image(x["photo"], (2, 2)), "b": tt.length(x["photo"])}, SCHEMA, lambda columns: iter([])
        )
