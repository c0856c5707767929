"""Build ``src/treadle/graph/steps/characters.json``: what tokenizers make of each character of Unicode.

WordPiece and byte-level BPE depend on classes of characters: punctuation, letters, what is dropped, how accents and
case fold. Every runtime has a Unicode of its own, so these classes are frozen into a table, by asking the
``tokenizers`` library about each code point alone. Run it with ``python tools/build_characters.py`` (half a minute);
the table in the tree was made with tokenizers 0.23.3, and tests under ``make test-engines`` compare the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "src" / "treadle" / "graph" / "steps" / "characters.json"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)


def ranges(points: Iterable[int]) -> list[list[int]]:
    """Sorted code points as ``[first, last]`` of each run."""
    found: list[list[int]] = []
    for point in points:
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found


def build() -> dict[str, Any]:
    """The table."""
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel

    def changed(lowercase: bool) -> dict[int, str]:
        normalizer = BertNormalizer(lowercase=lowercase)
        found = {point: normalizer.normalize_str(chr(point)) for point in POINTS}
        return {point: text for point, text in found.items() if text != chr(point)}

    def where(changes: dict[int, str], form: str) -> list[int]:
        return [point for point, text in changes.items() if text == form.format(chr(point))]

    cased, uncased = changed(False), changed(True)
    dropped, spaces, alone = (where(cased, form) for form in ("", " ", " {} "))
    assert len(dropped) + len(spaces) + len(alone) == len(cased)
    marks = sorted(set(where(uncased, "")) - set(dropped))
    known = {*dropped, *marks, *spaces, *HANGUL}
    fold = {chr(p): text for p, text in uncased.items() if p not in known and cased.get(p) != text}
    bert, levels = BertPreTokenizer(), ByteLevel(add_prefix_space=False, use_regex=True)

    def joins(beside: str) -> list[int]:
        return [p for p in POINTS if len(levels.pre_tokenize_str(f"{beside}{chr(p)}{beside}")) == 1]

    punctuation = [p for p in POINTS if [s for s, _ in bert.pre_tokenize_str(f"a{chr(p)}a")] == ["a", chr(p), "a"]]
    letters, numbers, others = joins("a"), joins("1"), joins("!")
    blanks = sorted(set(POINTS) - {*letters, *numbers, *others})
    return {
        "dropped": ranges(dropped),
        "marks": ranges(marks),
        "spaces": ranges(spaces),
        "alone": ranges(alone),
        "punctuation": ranges(punctuation),
        "letters": ranges(letters),
        "numbers": ranges(numbers),
        "blanks": ranges(blanks),
        "fold": fold,
    }


if __name__ == "__main__":
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in build().items()]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
