"""Tokens of a trained tokenizer: WordPiece and byte-level BPE, from the files that hold their vocabulary."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from treadle.errors import TransformError
from treadle.graph import byte_alphabet
from treadle.transform._column import Column
from treadle.transform._location import user_line
from treadle.transform.functions._hashing import source_of
from treadle.transform.functions._tokens import Tokens, check_size


def wordpiece(
    x: Column,
    file: str | os.PathLike[str],
    *,
    size: int = 128,
    lowercase: bool = True,
    before: Sequence[str] = ("[CLS]",),
    behind: Sequence[str] = ("[SEP]",),
    unknown: str = "[UNK]",
    prefix: str = "##",
    longest: int = 100,
) -> Tokens:
    """The pieces of a text's words as BERT cuts them: the longest of the vocabulary first, from the left.

    The same pieces as the ``tokenizers`` library gives, without its templates for special tokens: what looks like one
    in a text is text. A missing text has no tokens, not even ``before`` and ``behind``.

    Args:
        x: Text, of features and what text functions make of them.
        file: The vocabulary (``vocab.txt``): UTF-8, a piece a line, its number is its id. Read when ``preprocess``
            is traced.
        size: How many tokens the graph takes of a row, with ``before`` and ``behind``; a longer text is cut off.
        lowercase: Whether the vocabulary is without case and accents.
        before: Tokens to put first.
        behind: Tokens to put last.
        unknown: The token of a word that cannot be cut.
        prefix: What a piece within a word begins with.
        longest: A word of more characters than this is ``unknown``.
    """
    sources, made = source_of(x)
    where = {**user_line(), "file": str(file)}
    vocabulary = tuple(_read(file).removesuffix("\n").replace("\r\n", "\n").split("\n"))
    _check_distinct(vocabulary, where)
    around = _around(vocabulary, size, before, behind, where)
    if unknown not in vocabulary:
        raise TransformError(f"The token for unknown words, {unknown!r}, is not in the vocabulary.", where=where)
    step = ("wordpiece", vocabulary, unknown, prefix, longest, int(lowercase))
    return Tokens(sources, (*made, step, around), size, vocabulary)


def byte_bpe(
    x: Column,
    vocabulary_file: str | os.PathLike[str],
    merges_file: str | os.PathLike[str],
    *,
    size: int = 128,
    space_first: bool = False,
    before: Sequence[str] = (),
    behind: Sequence[str] = (),
) -> Tokens:
    """The pieces of a text by byte-level BPE, as GPT-2 and RoBERTa cut it; no text is unknown.

    A piece is written as these vocabularies write it, a visible character a byte: a space is ``Ġ``. Otherwise as
    ``wordpiece``.

    Args:
        x: Text, of features and what text functions make of them.
        vocabulary_file: JSON: ``{piece: id}``, ids from 0 without a gap (``vocab.json``).
        merges_file: UTF-8, a pair a line with a space between, the first to be merged first (``merges.txt``).
        size: How many tokens the graph takes of a row, with ``before`` and ``behind``; a longer text is cut off.
        space_first: Whether to put a space before a text that begins with none.
        before: Tokens to put first, as ``("<s>",)``.
        behind: Tokens to put last.
    """
    sources, made = source_of(x)
    where = {**user_line(), "file": str(vocabulary_file)}
    vocabulary = _vocabulary(_read(vocabulary_file), where)
    known = frozenset(vocabulary)
    lacking = [byte for byte, character in enumerate(byte_alphabet()) if character not in known]
    if lacking:
        raise TransformError(
            f"The vocabulary has no piece for {len(lacking)} of the 256 bytes, the first {lacking[0]:#04x}.",
            where=where,
            hint="Train it with the whole alphabet of bytes (initial_alphabet=ByteLevel.alphabet()).",
        )
    around = _around(vocabulary, size, before, behind, where)
    step = ("byte_bpe", _merges(merges_file, known), int(space_first))
    return Tokens(sources, (*made, step, around), size, vocabulary)


def _vocabulary(text: str, where: dict[str, object]) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TransformError(f"The vocabulary is not JSON: {error}.", where=where) from error
    if not isinstance(found, dict) or sorted(map(repr, found.values())) != sorted(map(repr, range(len(found)))):
        raise TransformError("The vocabulary is not {piece: id} with the ids 0, 1, 2, ... once each.", where=where)
    return tuple(sorted(found, key=lambda piece: found[piece]))


def _merges(file: str | os.PathLike[str], known: frozenset[str]) -> tuple[str, ...]:
    lines = _read(file).removesuffix("\n").replace("\r\n", "\n").split("\n")
    merges = tuple(line for line in lines if line and not line.startswith("#version"))
    for merge in merges:
        left, space, right = merge.partition(" ")
        if not (left and space and right) or " " in right:
            raise TransformError(f"{merge!r} is no pair of pieces.", where={**user_line(), "file": str(file)})
        if not {left, right, left + right} <= known:
            raise TransformError(
                f"The pair {merge!r} has a part, or makes a piece, that is not in the vocabulary.",
                where={**user_line(), "file": str(file)},
                hint="The two files are of different tokenizers.",
            )
    return merges


def _around(
    vocabulary: Sequence[str], size: int, before: Sequence[str], behind: Sequence[str], where: dict[str, object]
) -> tuple[object, ...]:
    check_size(size)
    first, last = (_texts(tokens) for tokens in (before, behind))
    unknown = [token for token in (*first, *last) if token not in vocabulary]
    if unknown:
        raise TransformError(
            f"{unknown[0]!r}, to be put beside every text, is not in the vocabulary.",
            where=where,
            hint="Say which tokens it has: before=(...), behind=(...).",
        )
    if len(first) + len(last) >= size:
        raise TransformError(f"A size of {size} leaves no room for a text between {first} and {last}.", where=where)
    return ("enclose", first, last, size)


def _texts(tokens: Sequence[str]) -> tuple[str, ...]:
    if isinstance(tokens, str) or any(type(token) is not str for token in tokens):
        raise TransformError(f"before and behind are sequences of tokens, and this is {tokens!r}.", where=user_line())
    return tuple(tokens)


def _check_distinct(vocabulary: Sequence[str], where: dict[str, object]) -> None:
    if len(set(vocabulary)) != len(vocabulary):
        twice = next(piece for i, piece in enumerate(vocabulary) if piece in vocabulary[:i])
        raise TransformError(f"The piece {twice!r} is in the vocabulary twice.", where=where)


def _read(file: str | os.PathLike[str]) -> str:
    where = {**user_line(), "file": str(file)}
    try:
        return Path(file).read_bytes().decode()
    except OSError as error:
        raise TransformError(f"The file cannot be read: {error.strerror}.", where=where) from error
    except UnicodeDecodeError as error:
        raise TransformError(f"The file is not UTF-8: {error.reason} at byte {error.start}.", where=where) from error
