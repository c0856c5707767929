"""Any schema that can be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from treadle.schema import Feature, RowLimits, Rule, Schema

# a column "a.b" might be mistaken for the field b of a struct a, and is refused where there is one
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00.["), min_size=1, max_size=6).filter(
    lambda name: not (name.startswith("__") and name.endswith("__"))
)
shares = st.none() | st.floats(0, 1)
counts = st.none() | st.integers(0, 100)
words = st.text(max_size=8)
policies = st.dictionaries(
    st.sampled_from(["OUT_OF_RANGE", "NEW_COLUMN"]), st.sampled_from(["error", "warning", "ignore"])
)


def _ordered(draw: Any, strategy: Any) -> tuple[Any, Any]:
    low, high = draw(strategy), draw(strategy)
    return (high, low) if low is not None and high is not None and low > high else (low, high)


number = Feature(name="n", type="float", min=0, max=9.5, unit="m", min_fraction=0.5, psi=0.1, description="Height")
words_inside = Feature(name="w", type="string", list=True, max_items=3, values=("a", "b"), required=False)
# what may stand in a struct: few, for a schema is large enough
INSIDE = [
    number,
    words_inside,
    Feature(name="t", type="timestamp", not_in=("SERVING",), lifecycle="planned", severity={"OUT_OF_RANGE": "warning"}),
    Feature(name="s", type="struct", fields={"n": number, "w": words_inside}, min_fraction=1.0),
]


@st.composite
def features(draw: Any, name: str | None = None) -> Feature:
    kind = draw(st.sampled_from(["int", "float", "string", "bool", "bytes", "timestamp", "struct"]))
    said: dict[str, Any] = {"name": name or draw(names), "type": kind}
    if kind == "struct":
        inner = draw(st.lists(names, min_size=1, max_size=2, unique=True))
        said["fields"] = {each: replace(draw(st.sampled_from(INSIDE)), name=each) for each in inner}
    said["required"] = draw(st.booleans())
    said["min_fraction"] = draw(st.floats(0, 1))
    said["min_count"] = draw(counts)
    said["missing"] = draw(shares)
    said["lifecycle"] = draw(st.sampled_from(["production", "beta", "planned", "deprecated"]))
    said["description"] = draw(words)
    if kind != "struct":
        said["unit"] = draw(words)
    said["tags"] = tuple(draw(st.lists(words.filter(bool), max_size=2)))
    said["severity"] = draw(policies)
    said["list"] = draw(st.booleans())
    if said["list"]:
        said["min_items"], said["max_items"] = _ordered(draw, counts)
    elif kind != "struct":
        said["unique"] = draw(st.booleans())
        said["min_unique"], said["max_unique"] = _ordered(draw, counts)
    if kind in ("string", "bytes"):
        said["min_length"], said["max_length"] = _ordered(draw, counts)
    if kind == "string" and not said["list"]:
        said["min_words"], said["max_words"] = _ordered(draw, counts)
        said["min_word_length"] = draw(st.none() | st.floats(0, 9))
        said["vocabulary"] = tuple(draw(st.lists(st.text("abäß", min_size=1, max_size=3), max_size=3, unique=True)))
        said["min_coverage"] = draw(shares) if said["vocabulary"] else None
    domain = {"int": st.integers(-9, 9), "string": words, "bool": st.booleans()}
    ranges = {
        "int": st.integers(-(2**63), 2**63 - 1),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    }
    if kind in domain and draw(st.booleans()):
        said["values"] = tuple(draw(st.lists(domain[kind], min_size=1, max_size=4, unique=True)))
    elif kind in ranges:
        said["min"], said["max"] = _ordered(draw, st.none() | ranges[kind])
    if kind in ("int", "float"):
        said["jensen_shannon"], said["psi"] = draw(shares), draw(st.none() | st.floats(0, 5))
        said["kolmogorov_smirnov"] = draw(shares)
    return Feature(**said)


@st.composite
def schemas(draw: Any) -> Schema:
    found = {name: draw(features(name)) for name in draw(st.lists(names, max_size=2, unique=True))}
    rule = Rule(rows=draw(words.filter(str.strip)), description=draw(words))
    return Schema(
        found,
        entities=tuple(draw(st.lists(st.sampled_from(list(found)), max_size=2))) if found else (),
        severity=draw(policies),
        rows=RowLimits(min=draw(counts), max_ratio=draw(st.none() | st.floats(0, 9))),
        rules={"r": rule} if draw(st.booleans()) else {},
        environments=draw(st.dictionaries(words.filter(bool), policies, max_size=2)),
    )
