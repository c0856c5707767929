"""Steps from a text to pieces of words, by a vocabulary: WordPiece and byte-level BPE.

Both give what the ``tokenizers`` library gives, over classes of characters that are frozen (``_characters``).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from treadle.graph.steps._characters import char_class, normalizer
from treadle.graph.steps._text import Function, present

_KEPT_WORDS = 1 << 16


def wordpiece(vocabulary: tuple[str, ...], unknown: str, prefix: str, longest: int, lowercase: int) -> Function:
    """The longest piece of the vocabulary first, from the left; a word with a part that is none is ``unknown``.

    Args:
        vocabulary: The pieces.
        unknown: The token of a word that cannot be cut.
        prefix: What a piece within a word begins with.
        longest: A word of more characters is ``unknown``.
        lowercase: 1 for a vocabulary without case and accents.
    """
    known = frozenset(vocabulary)
    normalized = normalizer(lowercase=bool(lowercase))
    words = _words()

    def cut(word: str) -> list[str]:
        if len(word) > longest:
            return [unknown]
        pieces: list[str] = []
        start = 0
        while start < len(word):
            ahead = prefix if start else ""
            piece = next((p for end in range(len(word), start, -1) if (p := ahead + word[start:end]) in known), None)
            if piece is None:
                return [unknown]
            pieces.append(piece)
            start += len(piece) - len(ahead)
        return pieces

    kept = _kept(cut)
    return present(lambda text: [piece for word in words.findall(normalized(text)) for piece in kept(word)])


def byte_bpe(merges: tuple[str, ...], space_first: int) -> Function:
    """Bytes of words, merged pair by pair in the order of a list; a byte is written as a visible character.

    Args:
        merges: Pairs, a space between their two parts, the first to be merged first.
        space_first: 1 to put a space before a text that has none.
    """
    ranks = {(left, right): rank for rank, (left, right) in enumerate(map(_pair, merges))}
    runs, alphabet = _runs(), byte_alphabet()

    def cut(run: str) -> list[str]:
        return merged([alphabet[byte] for byte in run.encode()], ranks)

    kept = _kept(cut)

    def pieces(text: str) -> list[str]:
        if space_first and text and not text.startswith(" "):
            text = f" {text}"
        return [piece for run in runs.findall(text) for piece in kept(run)]

    return present(pieces)


def merged(symbols: list[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Symbols after merging the pair of the lowest rank, the leftmost of equals, as long as there is one."""
    behind = [*range(1, len(symbols)), -1]
    before = [*range(-1, len(symbols) - 1)]
    waiting: list[tuple[int, int, str]] = []

    def offer(left: int) -> None:
        right = behind[left]
        rank = ranks.get((symbols[left], symbols[right])) if right >= 0 else None
        if rank is not None:
            heapq.heappush(waiting, (rank, left, symbols[left] + symbols[right]))

    for left in range(len(symbols)):
        offer(left)
    while waiting:
        _, left, whole = heapq.heappop(waiting)
        right = behind[left]
        # the pair may be gone, or be another by now
        if not symbols[left] or right < 0 or (symbols[left], symbols[right]) not in ranks:
            continue
        if symbols[left] + symbols[right] != whole:
            continue
        symbols[left], symbols[right] = whole, ""
        behind[left] = behind[right]
        if behind[left] >= 0:
            before[behind[left]] = left
        if before[left] >= 0:
            offer(before[left])
        offer(left)
    return [symbol for symbol in symbols if symbol]


@lru_cache(maxsize=1)
def byte_alphabet() -> tuple[str, ...]:
    """The visible character of each byte: itself in Latin-1 where it is visible, others from U+0100 on."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in visible else next(others)) for byte in range(256))


def _pair(merge: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    return left, right


def _kept(cut: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """The function with the words kept that it has seen: most words come again."""
    known: dict[str, list[str]] = {}

    def kept(word: str) -> list[str]:
        found = known.get(word)
        if found is None:
            if len(known) >= _KEPT_WORDS:
                known.clear()
            found = cut(word)
            if len(word) <= 64:
                known[word] = found
        return found

    return kept


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    """Words and signs of normalized text, as BERT tells them apart."""
    signs = char_class("punctuation")
    blanks = char_class("blanks")
    return re.compile(f"[^{blanks}{signs}]+|[{signs}]")


@lru_cache(maxsize=1)
def _runs() -> re.Pattern[str]:
    """Runs of letters, digits, signs and space, as GPT-2 tells them apart."""
    blanks, letters, numbers = (char_class(name) for name in ("blanks", "letters", "numbers"))
    return re.compile(
        f"'(?:s|t|re|ve|m|ll|d)| ?[{letters}]+| ?[{numbers}]+| ?[^{blanks}{letters}{numbers}]+"
        f"|[{blanks}]+(?![^{blanks}])|[{blanks}]+"
    )


PIECE_STEPS: dict[str, Callable[..., Function]] = {"wordpiece": wordpiece, "byte_bpe": byte_bpe}
