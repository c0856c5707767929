"""Tokens by a vocabulary file: what is written, what is missing, what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import TransformError
from treadle.graph import byte_alphabet
from treadle.schema import Schema

SCHEMA = Schema.loads('[features.text]\ntype = "string"\n[features.more]\ntype = "string"\n')
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "a", "b", ".", "\u4e2d"]
BYTES = byte_alphabet()
SPACE = BYTES[ord(" ")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return tmp_path / "vocab.txt"


@pytest.fixture
def bpe(tmp_path: Path) -> tuple[Path, Path]:
    pieces = ["<s>", *BYTES, "ab", f"{SPACE}ab"]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\na b\n{SPACE} ab\n", encoding="utf-8")
    return tmp_path / "vocab.json", tmp_path / "merges.txt"


def rows(op: Any, texts: list[str | None]) -> list[list[float]]:
    graph = tt.analyze(lambda x: {"out": op(x)}, SCHEMA, lambda columns: iter([]))
    table = pa.table({"text": pa.array(texts, pa.string()), "more": pa.array(texts, pa.string())})
    found: list[list[float]] = graph.feature_matrix(table).tolist()
    return found


def test_words_are_cut_into_the_longest_pieces(file: Path) -> None:
    texts = ["Unaffable\x00 \u4e2d.", "A nope b", "", None, "a " * 50, "[SEP]", "\ud7ff\U0001f600", "a" * 101]
    found = rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file, size=8), padding="[PAD]"), texts)
    assert found[0] == [2, 4, 5, 6, 10, 9, 3, 0]
    assert found[1] == [2, 7, 1, 8, 3, 0, 0, 0]
    assert found[2] == [2, 3, 0, 0, 0, 0, 0, 0]
    assert found[3] == [0] * 8  # a missing text has no tokens
    assert found[4] == [2, 7, 7, 7, 7, 7, 7, 3]  # cut off, the end in its place
    assert found[5] == [2, 1, 1, 1, 3, 0, 0, 0]  # what looks like a special token is text
    assert found[6] == [2, 1, 3, 0, 0, 0, 0, 0]
    assert found[7] == [2, 1, 3, 0, 0, 0, 0, 0]


def test_the_mask_and_bags_are_of_the_same_tokens(file: Path) -> None:
    pieces = ["a b", None]
    assert rows(lambda x: tt.token_mask(tt.wordpiece(x["text"], file, size=5)), pieces) == [[1, 1, 1, 1, 0], [0] * 5]
    assert rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file, size=5)), pieces)[0] == [2, 7, 8, 3, -1]
    assert rows(lambda x: tt.word_count(tt.wordpiece(x["text"], file, size=5)), pieces)[0] == [4]
    bag = rows(lambda x: tt.bag_of_words(tt.wordpiece(x["text"], file, size=9, before=(), behind=())), ["a b b zz"])
    assert bag == [[0, 1, 0, 0, 0, 0, 0, 1, 2, 0, 0]]
    both = rows(lambda x: tt.token_ids(tt.wordpiece(tt.concat(x["text"], " ", x["more"]), file, size=6)), ["a"])
    assert both == [[2, 7, 7, 3, -1, -1]]


def test_case_is_kept_where_the_vocabulary_has_it(file: Path) -> None:
    assert rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file, size=4, lowercase=False)), ["A a"]) == [
        [2, 1, 7, 3]
    ]


def test_bytes_are_merged_and_no_text_is_unknown(bpe: tuple[Path, Path]) -> None:
    found = rows(lambda x: tt.token_ids(tt.byte_bpe(x["text"], *bpe, size=4, before=("<s>",))), ["ab ab", "\x00", None])
    assert found == [[0, 257, 258, -1], [0, 1 + 0, -1, -1], [-1] * 4]
    first = rows(lambda x: tt.token_ids(tt.byte_bpe(x["text"], *bpe, size=2, space_first=True)), ["ab", " ab", ""])
    assert first == [[258, -1], [258, -1], [-1, -1]]


def test_an_output_is_named_by_place_and_needs_the_text_alone(file: Path) -> None:
    graph = tt.analyze(
        lambda x: {"id": tt.token_ids(tt.wordpiece(x["text"], file, size=3)), "more": tt.length(x["more"])},
        SCHEMA,
        lambda columns: iter([]),
    )
    assert graph.feature_names == ("id[0]", "id[1]", "id[2]", "more")
    file.unlink()  # its content is in the graph
    assert graph.keeping(["id"]).feature_matrix(pa.table({"text": ["a"]})).tolist() == [[2, 7, 3]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a\na\n[UNK]", "'a' is in the vocabulary twice"),
        (b"a\n[CLS]\n[SEP]\n", "'\\[UNK\\]', is not in the vocabulary"),
        (b"a\n[UNK]\n[CLS]", "'\\[SEP\\]', to be put beside every text"),
        (b"\xff", "not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_vocabulary_is_refused_with_the_line(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(TransformError, match=says) as caught:
        rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], tmp_path / "vocab.txt")), ["a"])
    assert caught.value.where["file"] == str(tmp_path / "vocab.txt")
    assert "test_pieces.py" in str(caught.value.where["line"])


@pytest.mark.parametrize(
    ("vocabulary", "merges", "says"),
    [
        ("{", "a b", "not JSON"),
        ('{"a": 0, "b": 2}', "a b", "ids 0, 1, 2"),
        ('["a"]', "a b", "ids 0, 1, 2"),
        ('{"a": 0, "b": 1}', "a b", "no piece for 254 of the 256 bytes"),
        (None, "a b c", "no pair of pieces"),
        (None, "a c", "of different tokenizers"),
    ],
)
def test_bad_files_of_bpe_are_refused(
    tmp_path: Path, bpe: tuple[Path, Path], vocabulary: str | None, merges: str, says: str
) -> None:
    if vocabulary is not None:
        bpe[0].write_text(vocabulary)
    bpe[1].write_text(merges)
    with pytest.raises(TransformError) as caught:
        rows(lambda x: tt.token_ids(tt.byte_bpe(x["text"], *bpe)), ["a"])
    assert says in f"{caught.value} {caught.value.hint}"


def test_settings_that_do_not_go_together_are_refused(file: Path) -> None:
    with pytest.raises(TransformError, match="no room for a text"):
        rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file, size=2)), ["a"])
    with pytest.raises(TransformError, match="have a vocabulary"):
        rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file), top_k=3), ["a"])
    with pytest.raises(TransformError, match="sequences of tokens"):
        rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file, before="[CLS]")), ["a"])
    with pytest.raises(TransformError, match="do not go together"):
        rows(lambda x: tt.token_ids(tt.wordpiece(x["text"], file), num_oov_buckets=3, padding="[PAD]"), ["a"])


@pytest.mark.parametrize(
    ("text", "format_", "expected"),
    [
        ("7.2.1969 23:59:01", "%d.%m.%Y %H:%M:%S", 1969),
        (" 1999-12-31T00:00:00.5 ", "%Y-%m-%dT%H:%M:%S.%f", 1999),
        ("100%31/12/68", "100%%%d/%m/%y", 2068),
        ("31/12/69", "%d/%m/%y", 1969),
        ("29.2.2023", "%d.%m.%Y", None),
        ("29.2.2024x", "%d.%m.%Y", None),
        ("0.2.2024", "%d.%m.%Y", None),
        ("", "%d.%m.%Y", None),
        ("\u0663.2.2024", "%d.%m.%Y", None),
        (None, "%Y", None),
    ],
)
def test_times_are_read_by_a_format(text: str | None, format_: str, expected: int | None) -> None:
    (found,) = rows(lambda x: tt.fill_missing(tt.year(tt.parse_time(x["text"], format_)), -1), [text])
    assert found == [-1 if expected is None else expected]


def test_times_read_from_text_have_differences() -> None:
    (found,) = rows(
        lambda x: tt.parse_time(x["text"], "%d.%m.%Y %H") - tt.parse_time(x["more"], "%d.%m.%Y"), ["1.1.2024"]
    )
    assert str(found) == "[nan]"  # the one has no hour
    (found,) = rows(
        lambda x: tt.parse_time(tt.concat(x["text"], " 6"), "%d.%m.%Y %H") - tt.parse_time(x["more"], "%d.%m.%Y"),
        ["1.1.2024"],
    )
    assert found == [6 * 3600]
