"""WordPiece and byte-level BPE give what the ``tokenizers`` library gives: real sentences, any text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle import transform as tt
from treadle.graph import Session, encode_columns, serialize
from treadle.graph.steps._pieces import byte_bpe, wordpiece
from treadle.schema import Schema

pytestmark = pytest.mark.engines
tokenizers = pytest.importorskip("tokenizers", reason="make test-engines installs tokenizers")

REVIEWS = Path(__file__).parents[2] / "build" / "reviews" / "reviews.txt"
SCHEMA = Schema.loads('[features.text]\ntype = "string"\n')
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
SIZE = 48


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    if not REVIEWS.exists():
        pytest.skip("python tools/build_reviews_data.py fetches the sentences")
    return REVIEWS.read_text(encoding="utf-8").split("\n")[:-1]


def trained_wordpiece(sentences: list[str], lowercase: bool) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(sentences[::4], trainer)
    vocabulary = tokenizer.get_vocab()
    # the special tokens are of the template alone: what looks like one in a text is text
    plain = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    plain.normalizer, plain.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    plain.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    plain.enable_truncation(SIZE)
    plain.enable_padding(length=SIZE, pad_id=vocabulary["[PAD]"], pad_token="[PAD]")
    return plain


def trained_bpe(sentences: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        special_tokens=["<pad>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(sentences[::4], trainer)
    tokenizer.enable_truncation(SIZE)
    tokenizer.enable_padding(length=SIZE, pad_id=0, pad_token="<pad>")
    return tokenizer


@pytest.fixture(scope="module")
def uncased(sentences: list[str]) -> Any:
    return trained_wordpiece(sentences, lowercase=True)


@pytest.fixture(scope="module")
def cased(sentences: list[str]) -> Any:
    return trained_wordpiece(sentences, lowercase=False)


@pytest.fixture(scope="module")
def bpe(sentences: list[str]) -> Any:
    return trained_bpe(sentences)


def vocabulary_file(tokenizer: Any, folder: Path) -> Path:
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in by_id), encoding="utf-8", newline="\n")
    return folder / "vocab.txt"


def graph_of(pieces: Callable[[Any], tt.Tokens], padding: str) -> tt.TransformGraph:
    def preprocess(x: Any) -> dict[str, Any]:
        made = pieces(x["text"])
        return {"id": tt.token_ids(made, padding=padding), "mask": tt.token_mask(made)}

    return tt.analyze(preprocess, SCHEMA, lambda columns: iter([]))


def compare(graph: tt.TransformGraph, tokenizer: Any, texts: list[str]) -> None:
    found = graph.feature_matrix(pa.table({"text": texts}))
    expected = tokenizer.encode_batch(texts)
    np.testing.assert_array_equal(found[:, :SIZE], [each.ids for each in expected])
    np.testing.assert_array_equal(found[:, SIZE:], [each.attention_mask for each in expected])


@pytest.mark.parametrize("case", ["uncased", "cased"])
def test_wordpiece_on_real_sentences(
    sentences: list[str], tmp_path: Path, case: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(case)
    file = vocabulary_file(tokenizer, tmp_path)
    graph = graph_of(lambda x: tt.wordpiece(x, file, size=SIZE, lowercase=case == "uncased"), "[PAD]")
    compare(graph, tokenizer, sentences)


def test_bpe_on_real_sentences(sentences: list[str], tmp_path: Path, bpe: Any) -> None:
    names = bpe.model.save(str(tmp_path))
    graph = graph_of(lambda x: tt.byte_bpe(x, names[0], names[1], size=SIZE), "<pad>")
    compare(graph, bpe, sentences)


def test_a_row_alone_and_a_saved_graph_give_the_same(sentences: list[str], tmp_path: Path, uncased: Any) -> None:
    file = vocabulary_file(uncased, tmp_path)
    graph = graph_of(lambda x: tt.wordpiece(x, file, size=SIZE), "[PAD]")
    graph.save(tmp_path)
    session = Session(serialize(tt.TransformGraph.load(tmp_path).feature_model()))
    from treadle.graph import InputSpec

    spec = [InputSpec("text", "string", session.inputs["text"])]
    few = [*sentences[:40], None]
    whole = graph.feature_matrix(pa.table({"text": few}))
    alone = [session.run(encode_columns(spec, {"text": [each]}))[0][0] for each in few]
    np.testing.assert_array_equal(whole, alone)
    assert whole[-1].tolist() == [0.0] * 2 * SIZE  # padding, and no token


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    st.sampled_from("aA b\x00é\u0301İßǅΣ中\uac01'sLL12 \t\n\u3000\U0001f600.!#\u017fK"), max_size=40
)


def words_of(tokenizer: Any, text: str) -> list[str]:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
    return found


@given(text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_wordpiece_on_any_text(uncased: Any, cased: Any, text: str) -> None:
    for tokenizer, lowercase in ((uncased, 1), (cased, 0)):
        pieces = tuple(tokenizer.get_vocab())
        assert wordpiece(pieces, "[UNK]", "##", 100, lowercase)(text) == words_of(tokenizer, text)


@given(text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_bpe_on_any_text(bpe: Any, merges: tuple[str, ...], text: str) -> None:
    assert byte_bpe(merges, 0)(text) == words_of(bpe, text)


@pytest.fixture(scope="module")
def merges(bpe: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    names = bpe.model.save(str(tmp_path_factory.mktemp("bpe")))
    lines = Path(names[1]).read_text(encoding="utf-8").split("\n")
    return tuple(line for line in lines if line and not line.startswith("#version"))


def test_characters_of_every_plane(uncased: Any, merges: tuple[str, ...], bpe: Any) -> None:
    """Both ends of every run of characters that are treated alike, and every one that folds."""
    from treadle.graph.steps._characters import table

    ends = {each for name, runs in table().items() if name != "fold" for first, last in runs for each in (first, last)}
    points = {point for end in ends for point in (end - 1, end, end + 1)} | {ord(c) for c in table()["fold"]}
    points |= {*range(0, 0x110000, 257)}
    characters = [chr(point) for point in sorted(points) if 0 <= point < 0xD800 or 0xDFFF < point < 0x110000]
    pieces = wordpiece(tuple(uncased.get_vocab()), "[UNK]", "##", 100, 1)
    split = byte_bpe(merges, 0)
    for start in range(0, len(characters), 256):
        # each beside a letter, a digit, a sign and a space
        text = "".join(f"a{c}1{c}!{c} {c}" for c in characters[start : start + 256])
        assert pieces(text) == words_of(uncased, text), hex(ord(characters[start]))
        assert split(text) == words_of(bpe, text), hex(ord(characters[start]))


def test_random_merges_are_merged_as_the_library_merges(tmp_path: Path) -> None:
    """Merges that no training gives: a later pair may come before the pair it is made of."""
    from tokenizers import Tokenizer, models

    random = np.random.default_rng(3)
    for _ in range(200):
        pairs: list[tuple[str, str]] = []
        pieces = ["a", "b", "c"]
        for _ in range(12):
            left, right = (pieces[i] for i in random.integers(0, len(pieces), 2))
            if left + right not in pieces:
                pieces.append(left + right)
                pairs.append((left, right))
        random.shuffle(pairs)
        tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, pairs))
        text = "".join(random.choice(["a", "b", "c"], 40))
        assert byte_bpe(tuple(map(" ".join, pairs)), 0)(text) == tokenizer.encode(text).tokens
