from __future__ import annotations

import struct
import zlib
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import StatisticsError, UsageError
from treadle.statistics import Statistics, generate
from treadle.statistics.measures import ImageMeasure, TextMeasure, TimeMeasure
from treadle.statistics.measures._image import image_header


def png(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def jpeg(width: int, height: int) -> bytes:
    comment = b"\xff\xfe" + struct.pack(">H", 7) + b"hello"
    return b"\xff\xd8" + comment + b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"


IMAGES = {
    "png": png(3, 2),
    "jpeg": jpeg(640, 480),
    "gif": b"GIF89a" + struct.pack("<HH", 10, 20) + b"\x00\x00\x00",
    "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, 7, -9) + bytes(20),
    "webp": b"RIFF\x00\x00\x00\x00WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\x04\x00\x00\x05\x00\x00",
}


@pytest.mark.parametrize(
    ("name", "size"), [("png", (3, 2)), ("jpeg", (640, 480)), ("gif", (10, 20)), ("bmp", (7, 9)), ("webp", (5, 6))]
)
def test_headers_of_images(name: str, size: tuple[int, int]) -> None:
    assert image_header(memoryview(IMAGES[name])) == (name, *size)
    for cut in range(len(IMAGES[name])):
        found = image_header(memoryview(IMAGES[name][:cut]))
        assert found is None or found == (name, *size)


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", *(each[:12] for each in IMAGES.values())]))
def test_bytes_of_any_kind_are_no_error(data: bytes, start: bytes) -> None:
    image_header(memoryview(start + data))


def test_a_column_of_images() -> None:
    column = [IMAGES["png"]] * 60 + [IMAGES["jpeg"]] * 30 + [b"no image"] * 10 + [None]
    found = generate(pa.table({"x": pa.array(column, pa.binary())}), measures={"x": ["image"]})
    assert found.to_json()["features"]["x"]["measures"] == {
        "image": {
            "is_image": True,
            "images": 90,
            "formats": {"jpeg": 30, "png": 60},
            "max_width": 640,
            "max_height": 480,
        }
    }


def test_words_by_hand() -> None:
    measure = TextMeasure()
    measure.add(pa.array(["  the cat  sat ", "", "cat", "über Straße\nist  weit"]))
    shown = measure.to_json()
    assert (shown["words"], shown["distinct_words"], shown["sentences"], shown["is_text"]) == (8, 7, 2, None)
    assert shown["top_words"][0] == ["cat", 2]
    assert shown["words_per_value"][0] == 0
    assert shown["words_per_value"][-1] == 4
    assert shown["mean_word_length"] == pytest.approx((3 + 3 + 3 + 3 + 4 + 6 + 3 + 4) / 8)
    assert measure.coverage({"cat", "sat", "dog"}) == 3 / 8
    assert TextMeasure().coverage({"cat"}) is None
    many = TextMeasure()
    many.add(pa.array(["the quick brown fox"] * 90 + ["x1"] * 10))
    assert many.is_text is True


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["2020-02-29"], "%Y-%m-%d"),
        (["2020-02-29T23:59:60.5Z"], "%Y-%m-%dT%H:%M:%S%z"),
        (["31.12.1999"], "%d.%m.%Y"),
        (["12/31/1999", "01/02/2003"], "%m/%d/%Y"),
        ([1_600_000_000], "unix seconds"),
        ([1_600_000_000_000], "unix ms"),
        ([18_000], "unix days"),
    ],
)
def test_points_in_time(values: list[Any], name: str) -> None:
    found = generate(pa.table({"t": values * 100}), measures={"t": ["time"]})
    assert found.to_json()["features"]["t"]["measures"]["time"]["format"] == name


def test_what_is_no_time_and_what_is_too_few() -> None:
    measure = TimeMeasure()
    measure.add(pa.array(["2020-13-01", "99:00:00", "soon"] * 50))
    assert (measure.format, measure.formats) == (None, {})
    few = TimeMeasure()
    few.add(pa.array(["2020-12-01"] * 99))
    assert (few.format, few.formats) == (None, {"%Y-%m-%d": 99})


COLUMN = st.lists(st.none() | st.sampled_from(["", "a b c", "the cat sat", "2020-01-01", "über"]), max_size=20)


@settings(deadline=None)
@given(COLUMN, COLUMN)
def test_parts_merge_to_the_whole_and_survive_being_saved(first: list[Any], second: list[Any]) -> None:
    def measured(values: list[Any]) -> Statistics:
        return generate(pa.table({"s": pa.array(values, pa.string())}), measures={"s": ["text", "time"]})

    whole = measured(first + second)
    part = Statistics.from_bytes(measured(first).to_bytes())
    if first and second:
        part.merge(Statistics.from_bytes(measured(second).to_bytes()))
        assert part.to_bytes() == whole.to_bytes()
    empty = Statistics()
    empty.merge(whole)
    assert not (first + second) or empty.to_bytes() == whole.to_bytes()


def test_measures_that_cannot_be() -> None:
    table = pa.table({"n": [1.5], "s": ["a"]})
    with pytest.raises(UsageError, match="'colour'; there are image, text, time"):
        generate(table, measures={"s": ["colour"]})
    with pytest.raises(UsageError, match="no column 'gone'"):
        generate(table, measures={"gone": ["text"]})
    for name in ("text", "image", "time"):
        with pytest.raises(StatisticsError) as error:
            generate(table, measures={"n": [name]})
        assert error.value.where == {"column": "n"}
    measured = generate(table, measures={"s": ["text"]})
    with pytest.raises(StatisticsError, match="one side only"):
        measured.merge(generate(table))
    with pytest.raises(UsageError, match="no measure"):
        Statistics.from_bytes(measured.to_bytes().replace(b'"text":{"lengths"', b'"gone":{"lengths"'))
    with pytest.raises(StatisticsError, match="damaged"):
        Statistics.from_bytes(measured.to_bytes().replace(b'"sentences"', b'"sentence"'))
    assert ImageMeasure().is_image is None
