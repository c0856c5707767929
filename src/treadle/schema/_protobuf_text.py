"""The text format of protocol buffers, as far as configuration files use it: messages, lists, strings, comments.

Written from the specification of the format (protobuf.dev, "Text Format Language"). Without a message's definition a
field that is repeated cannot be told from one that is not, so every field is a list of what was said.
"""

from __future__ import annotations

import re
from typing import Any

from treadle.errors import SchemaError

Message = dict[str, list[Any]]
"""Field name -> all its values: strings as bytes, numbers, words (enum values, true, false) as text, messages."""

_TOKEN = re.compile(
    r"""(?P<gap>[\s]+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<number>-?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|inf(?:inity)?\b|nan\b))
    |(?P<word>[A-Za-z_][\w.]*)
    |(?P<any>\[[A-Za-z_][\w./]*\])
    |(?P<mark>[{}<>\[\]:;,])""",
    re.VERBOSE,
)
_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}
_DEEPEST = 100


def parse_message(text: str) -> Message:
    """The message that a text says.

    Raises:
        SchemaError: The text is not in the format; the line is named.
    """
    return _Reader(text).message(None, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"{text[position]!r} is not expected", position)
            if match.lastgroup != "gap":
                self.tokens.append((str(match.lastgroup), match[0], position))
            position = match.end()
        self.place = 0

    def message(self, closing: str | None, depth: int) -> Message:
        if depth > _DEEPEST:
            raise self.error("messages are nested too deep", self.tokens[self.place - 1][2])
        found: Message = {}
        while True:
            kind, said, position = self.peek()
            if kind == "end" or said == closing:
                if (kind == "end") != (closing is None):
                    raise self.error(f"a message is not closed by {closing!r}", position)
                self.place += 1
                return found
            if kind not in ("word", "any"):
                raise self.error(f"{said!r} stands where a field's name should", position)
            self.place += 1
            values = found.setdefault(said, [])
            has_colon = self.take(":")
            values.extend(self.values(has_colon, depth))
            if not self.take(","):
                self.take(";")

    def values(self, has_colon: bool, depth: int) -> list[Any]:
        kind, said, position = self.peek()
        if said in ("{", "<"):
            self.place += 1
            return [self.message("}" if said == "{" else ">", depth + 1)]
        if not has_colon:
            raise self.error("a value without a colon", position)
        if said == "[":
            self.place += 1
            items: list[Any] = []
            while not self.take("]"):
                items.extend(self.values(True, depth))
                if not self.take(",") and self.peek()[1] != "]":
                    raise self.error("a list without a comma", self.peek()[2])
            return items
        if kind == "string":
            parts = []
            while self.peek()[0] == "string":
                parts.append(_unescaped(self.peek()[1][1:-1]))
                self.place += 1
            return [b"".join(parts)]
        self.place += 1
        if kind == "number":
            return [_number(said)]
        if kind == "word":
            return [said]
        raise self.error(f"{said!r} is not a value", position)

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "", len(self.text))

    def take(self, mark: str) -> bool:
        if self.peek()[1] == mark and self.peek()[0] == "mark":
            self.place += 1
            return True
        return False

    def error(self, what: str, position: int) -> SchemaError:
        line = self.text.count("\n", 0, position) + 1
        return SchemaError(f"This is not a message in text format: {what}.", where={"line": line})


def _number(said: str) -> int | float:
    said = re.sub(r"\s", "", said)
    sign, digits = (-1, said[1:]) if said.startswith("-") else (1, said)
    if digits[:2].lower() == "0x":
        return sign * int(digits, 16)
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits) if digits.isdecimal() else sign * float(digits if "in" in digits else digits.rstrip("fF"))


def _unescaped(text: str) -> bytes:
    out = bytearray()
    for part in re.finditer(
        r"\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})|u(?P<short>[0-9a-fA-F]{4})"
        r"|U(?P<long>[0-9a-fA-F]{8})|(?P<one>.))|(?P<plain>[^\\]+)",
        text,
        re.DOTALL,
    ):
        if part["octal"]:
            out.append(int(part["octal"], 8) & 255)
        elif part["hex"]:
            out.append(int(part["hex"], 16))
        elif part["short"] or part["long"]:
            out += chr(int(part["short"] or part["long"], 16)).encode("utf-8", "replace")
        elif part["one"]:
            out.append(_ESCAPES[part["one"]]) if part["one"] in _ESCAPES else out.extend(part[0].encode())
        else:
            out += part["plain"].encode()
    return bytes(out)
