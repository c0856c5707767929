"""Operations on text, dates, hashes and places: each as it is written, and what it means in Python."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from ops import many_rows

from treadle import transform as tt

NAN = float("nan")
ROWS = many_rows(700, seed=3)
RAW = {name: ROWS[name].to_pylist() for name in ROWS.column_names}
Op = Callable[[Any], tt.Column]


def ascii_lower(text: str) -> str:
    return text.encode().lower().decode()


def each(function: Callable[[Any], Any], *names: str) -> list[float]:
    """A function over rows; NaN where anything it takes is missing."""
    columns = [RAW[name] for name in names]
    return [NAN if None in values else function(*values) for values in zip(*columns, strict=True)]


def holds(function: Callable[[Any], bool], name: str) -> list[bool]:
    return [value is not None and function(value) for value in RAW[name]]


def places(x: Any) -> tuple[tt.Column, ...]:
    """Degrees from whatever numbers there are."""
    return tuple(
        tt.clip(tt.fill_missing(x[a], 0) * 20, -180, 180) / b for a, b in (("f", 2), ("g", 1), ("g", 2), ("i", 1))
    )


def place_rows() -> list[tuple[float, ...]]:
    raw = [[0.0 if value is None or value != value else value for value in RAW[name]] for name in ("f", "g", "g", "i")]
    scaled = [
        [min(max(value * 20, -180), 180) / scale for value in column]
        for column, scale in zip(raw, (2, 1, 2, 1), strict=True)
    ]
    return list(zip(*scaled, strict=True))


def great_circle(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """By the chord between two points in space: not the formula under test."""

    def point(lat: float, lon: float) -> Any:
        lat, lon = math.radians(lat), math.radians(lon)
        return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])

    chord = float(np.linalg.norm(point(lat1, lon1) - point(lat2, lon2)))
    return 2 * 6371.0088 * math.asin(min(chord / 2, 1.0))


def frequencies(rows: list[list[str]], size: int, least: int, weigh: Callable[[int], float]) -> list[list[float]]:
    """Of each token what its number of rows says; a token in fewer than ``least`` is in none."""
    df = Counter(token for row in rows for token in set(row))
    known = {token: count for token, count in df.items() if count >= least}
    return [[weigh(known.get(token, 0)) for token in row] + [NAN] * (size - len(row)) for row in rows]


OPS: dict[str, tuple[Op, Callable[[], Any]]] = {
    "lower": (lambda x: tt.lower(x["s"]) == "n", lambda: holds(lambda s: ascii_lower(s) == "n", "s")),
    "upper": (lambda x: tt.upper(x["r"]) == "B", lambda: holds(lambda s: s in ("b", "B"), "r")),
    "lower_other": (lambda x: tt.is_missing(tt.lower(x["s"])), lambda: [s is None for s in RAW["s"]]),
    "matches": (lambda x: tt.matches(x["s"], "[a-b]+"), lambda: holds(lambda s: bool(re.fullmatch("[ab]+", s)), "s")),
    "matches_all": (lambda x: tt.matches(x["s"], "(?s).*"), lambda: holds(lambda s: True, "s")),
    "contains": (lambda x: tt.contains(x["y"], "b"), lambda: holds(lambda s: b"b" in s, "y")),
    "contains_nul": (lambda x: tt.contains(x["s"], "\x00"), lambda: holds(lambda s: "\x00" in s, "s")),
    "contains_sign": (lambda x: tt.contains(x["s"], ".*"), lambda: holds(lambda s: ".*" in s, "s")),
    "starts_with": (lambda x: tt.starts_with(x["s"], "a"), lambda: holds(lambda s: s.startswith("a"), "s")),
    "ends_with": (lambda x: tt.ends_with(x["s"], "é"), lambda: holds(lambda s: s.endswith("é"), "s")),
    "concat": (
        lambda x: tt.concat(x["s"], "-", x["r"]) == "a-b",
        lambda: [(s, r) == ("a", "b") for s, r in zip(RAW["s"], RAW["r"], strict=True)],
    ),
    "concat_missing": (
        lambda x: tt.is_missing(tt.concat("<", x["s"], x["r"])),
        lambda: [s is None or r is None for s, r in zip(RAW["s"], RAW["r"], strict=True)],
    ),
    "is_in": (lambda x: tt.is_in(x["s"], ["a", "é"]), lambda: holds(lambda s: s in "aé" and s != "", "s")),
    "is_in_int": (lambda x: tt.is_in(x["k"], [0, 7]), lambda: holds(lambda k: k in (0, 7), "k")),
    "minute": (lambda x: tt.minute(x["t"]), lambda: each(lambda t: t.minute, "t")),
    "second": (lambda x: tt.second(x["t"]), lambda: each(lambda t: t.second, "t")),
    "day": (lambda x: tt.day_of_month(x["t"]), lambda: each(lambda t: t.day, "t")),
    "day_of_year": (lambda x: tt.day_of_year(x["t"]), lambda: each(lambda t: t.timetuple().tm_yday, "t")),
    "week": (lambda x: tt.week_of_year(x["t"]), lambda: each(lambda t: t.isocalendar().week, "t")),
    "quarter": (lambda x: tt.quarter(x["u"]), lambda: each(lambda t: (t.month + 2) // 3, "u")),
    "year": (lambda x: tt.year(x["u"]), lambda: each(lambda t: t.year, "u")),
    "weekend": (lambda x: tt.is_weekend(x["t"]), lambda: holds(lambda t: t.weekday() > 4, "t")),
    "week_hot": (
        lambda x: tt.one_hot(tt.week_of_year(x["t"])),
        lambda: [[float(t is not None and t.isocalendar().week == w) for w in range(1, 54)] for t in RAW["t"]],
    ),
    "sine": (
        lambda x: tt.cyclical(tt.hour_of_day(x["t"]), 24)[0],
        lambda: each(lambda t: math.sin(math.tau * t.hour / 24), "t"),
    ),
    "cosine": (
        lambda x: tt.cyclical(tt.month(x["t"]), 12)[1],
        lambda: each(lambda t: math.cos(math.tau * t.month / 12), "t"),
    ),
    "haversine": (lambda x: tt.haversine(*places(x)), lambda: [great_circle(*row) for row in place_rows()]),
}


def mixed(value: int, seed: int = 0) -> int:
    """splitmix64, from its published description."""
    mask = 2**64 - 1
    z = (value + 0x9E3779B97F4A7C15 * (seed + 1)) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) & (2**63 - 1)


def blake(text: str, key: str = "") -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=key.encode()).digest()
    return int.from_bytes(digest, "little") % 2**63


def ids(values: list[Any], top_k: int | None = None) -> list[int]:
    counts = Counter(value for value in values if value is not None)
    order = sorted(counts, key=lambda v: (-counts[v], v))[:top_k]
    return [order.index(value) if value in order else -1 for value in values]


def split(text: str | None) -> list[str]:
    return re.findall(r"[^ \t\n\r\f\v]+", text or "")


def letters(text: str | None) -> list[str]:
    return [] if text is None else re.findall("(?s).", text)


def counts_of(rows: list[list[str]], weights: Callable[[str], float] = lambda token: 1.0, share: bool = False) -> Any:
    """A column for each token of the rows, the most frequent first."""
    frequency = Counter(token for row in rows for token in row)
    order = sorted(frequency, key=lambda token: (-frequency[token], token))
    return [[row.count(token) * weights(token) / (len(row) if share and row else 1) for token in order] for row in rows]


def tfidf_of(rows: list[list[str]], smooth: bool) -> Any:
    documents = Counter(token for row in rows for token in set(row))
    order = sorted(documents, key=lambda token: (-documents[token], token))
    more = 1 if smooth else 0
    idf = [1 + math.log((len(rows) + more) / (documents[token] + more)) for token in order]
    return [[row.count(t) / max(len(row), 1) * w for t, w in zip(order, idf, strict=True)] for row in rows]


def crossed(left: list[int], right: list[int], size: int) -> list[float]:
    return [NAN if a < 0 or b < 0 else a * size + b for a, b in zip(left, right, strict=True)]


HOURS = [-1 if t is None else t.hour for t in RAW["t"]]
BYTES = [None if y is None else y.decode() for y in RAW["y"]]
OPS |= {
    "hash": (lambda x: tt.hash_buckets(x["s"], 1000), lambda: each(lambda s: blake(s) % 1000, "s")),
    "hash_keyed": (lambda x: tt.hash_buckets(x["r"], 97, key="k"), lambda: each(lambda r: blake(r, "k") % 97, "r")),
    "hash_bytes": (lambda x: tt.hash_buckets(x["y"], 16), lambda: each(lambda y: blake(y.decode()) % 16, "y")),
    "hash_lower": (
        lambda x: tt.hash_buckets(tt.fill_missing(tt.upper(tt.lower(x["s"])), "é"), 1000),
        lambda: [blake("é" if s is None else s.encode().upper().decode()) % 1000 for s in RAW["s"]],
    ),
    "vocabulary_spread": (
        lambda x: tt.vocabulary(x["s"], top_k=2, num_oov_buckets=3),
        lambda: [
            2 if s is None else known if known >= 0 else 2 + blake(s) % 3
            for s, known in zip(RAW["s"], ids(RAW["s"], 2), strict=True)
        ],
    ),
    "hash_int": (lambda x: tt.hash_buckets(x["k"], 1000), lambda: each(lambda k: mixed(k) % 1000, "k")),
    "hash_hot": (
        lambda x: tt.one_hot(tt.hash_buckets(x["s"], 3)),
        lambda: [[float(s is not None and blake(s) % 3 == b) for b in range(3)] for s in RAW["s"]],
    ),
    "cross": (
        lambda x: tt.cross(tt.vocabulary(x["s"]), tt.hour_of_day(x["t"])),
        lambda: crossed(ids(RAW["s"]), HOURS, 24),
    ),
    "cross_months": (
        lambda x: tt.cross(tt.month(x["u"]), tt.bucketize(x["i"], boundaries=[0])),
        lambda: each(lambda u, i: (u.month - 1) * 2 + (i >= 0), "u", "i"),
    ),
    "cross_hot": (
        lambda x: tt.one_hot(tt.cross(tt.vocabulary(x["s"], top_k=2), tt.vocabulary(x["r"], top_k=2))),
        lambda: [
            [float(a >= 0 and b >= 0 and a * 2 + b == c) for c in range(4)]
            for a, b in zip(ids(RAW["s"], 2), ids(RAW["r"], 2), strict=True)
        ],
    ),
    "cross_hashed": (
        lambda x: tt.hash_buckets(tt.cross(tt.vocabulary(x["s"]), tt.hour_of_day(x["t"])), 50),
        lambda: [v if v != v else mixed(int(v)) % 50 for v in crossed(ids(RAW["s"]), HOURS, 24)],
    ),
    "length": (lambda x: tt.length(x["s"]), lambda: each(len, "s")),
    "word_count": (lambda x: tt.word_count(x["s"]), lambda: each(lambda s: len(split(s)), "s")),
    "token_ids": (
        lambda x: tt.token_ids(tt.tokens(x["s"], size=3)),
        lambda: token_id_rows([split(s) for s in RAW["s"]], 3),
    ),
    "bag": (lambda x: tt.bag_of_words(tt.tokens(x["s"])), lambda: counts_of([split(s) for s in RAW["s"]])),
    "bag_letters": (
        lambda x: tt.bag_of_words(tt.tokens(x["r"], pattern="(?s).")),
        lambda: counts_of([letters(r) for r in RAW["r"]]),
    ),
    "bag_separated": (
        lambda x: tt.bag_of_words(tt.tokens(x["y"], separator="\x00")),
        lambda: counts_of([[] if y is None else y.split("\x00") for y in BYTES]),
    ),
    "ngrams": (
        lambda x: tt.bag_of_words(tt.ngrams(tt.tokens(x["s"], pattern="(?s)."), 1, 2, separator="|")),
        lambda: counts_of([[*row, *map("|".join, pairwise(row))] for row in map(letters, RAW["s"])]),
    ),
    "multi_hot": (
        lambda x: tt.multi_hot(tt.unique_tokens(tt.tokens(x["s"], pattern="[a-z]")), ["b", "a", "zzz"]),
        lambda: [[float(t in (s or "")) for t in ("b", "a", "zzz")] for s in RAW["s"]],
    ),
    "tfidf": (
        lambda x: tt.tfidf(tt.tokens(x["s"], pattern="(?s).")),
        lambda: tfidf_of([letters(s) for s in RAW["s"]], smooth=True),
    ),
    "document_frequency": (
        lambda x: tt.document_frequency(tt.tokens(x["s"], pattern="(?s).", size=3), min_count=2),
        lambda: frequencies([letters(s)[:3] for s in RAW["s"]], 3, 2, float),
    ),
    "idf": (
        lambda x: tt.idf(tt.tokens(x["r"], size=2)),
        lambda: frequencies([split(r)[:2] for r in RAW["r"]], 2, 1, lambda df: 1 + math.log(701 / (df + 1))),
    ),
    "idf_plain": (
        lambda x: tt.idf(tt.tokens(x["r"], size=2), min_count=30, smooth=False),
        lambda: frequencies([split(r)[:2] for r in RAW["r"]], 2, 30, lambda df: 1 + math.log(700 / df) if df else NAN),
    ),
    "tfidf_plain": (
        lambda x: tt.tfidf(tt.tokens(x["r"]), smooth=False),
        lambda: tfidf_of([split(r) for r in RAW["r"]], smooth=False),
    ),
}

EMBEDDED = [[0.5, -1.0], [2.0, 3.0], [1e-3, 7.0]]
OPS |= {
    "embedding": (
        lambda x: tt.embedding(x["i"], EMBEDDED),
        lambda: [EMBEDDED[i] if i in (0, 1, 2) else [NAN, NAN] for i in RAW["i"]],
    ),
    "embedding_words": (
        lambda x: tt.embedding(tt.lookup(x["s"], ["a", "b"], num_oov_buckets=1), np.array(EMBEDDED)),
        lambda: [EMBEDDED["ab".index(s) if s in ("a", "b") else 2] for s in RAW["s"]],
    ),
}


def token_id_rows(rows: list[list[str]], size: int) -> list[list[float]]:
    kept = [row[:size] for row in rows]
    frequency = Counter(token for row in kept for token in row)
    order = sorted(frequency, key=lambda token: (-frequency[token], token))
    return [[order.index(token) for token in row] + [-1.0] * (size - len(row)) for row in kept]


def made(function: Callable[[Any], Any], *names: str) -> list[Any]:
    """A text made of texts; missing where any of them is."""
    columns = [RAW[name] for name in names]
    return [None if None in values else function(*values) for values in zip(*columns, strict=True)]


WHITE = " \t\n\r\f\v"
BOTH = made(lambda s, r: f"<{s}|{r.strip(WHITE)}>", "s", "r")
OPS |= {
    "strip": (lambda x: tt.vocabulary(tt.strip(x["s"])), lambda: ids(made(lambda s: s.strip(WHITE), "s"))),
    "replace": (
        lambda x: tt.vocabulary(tt.replace(x["s"], "a", "\\1-")),
        lambda: ids(made(lambda s: s.replace("a", "\\1-"), "s")),
    ),
    "replace_pattern": (
        lambda x: tt.hash_buckets(tt.replace_pattern(x["r"], "[ab\\s]+", "\\0"), 2**20),
        lambda: each(lambda r: blake(re.sub(r"[ab\s]+", lambda m: "\\0", r, flags=re.ASCII)) % 2**20, "r"),
    ),
    "substring": (
        lambda x: tt.vocabulary(tt.upper(tt.substring(x["s"], 1, 3))),
        lambda: ids(made(lambda s: s[1:3].encode().upper().decode(), "s")),
    ),
    "substring_end": (lambda x: tt.length(tt.substring(x["y"], -2)), lambda: each(lambda y: len(y.decode()[-2:]), "y")),
    "extract": (
        lambda x: tt.vocabulary(tt.extract(x["s"], "([a-z])(\\x00)?", 1)),
        lambda: ids([None if s is None or not (m := re.search("([a-z])(\x00)?", s)) else m[1] for s in RAW["s"]]),
    ),
    "index_of": (lambda x: tt.index_of(x["s"], "b"), lambda: each(lambda s: s.find("b"), "s")),
    "token_at": (
        lambda x: tt.vocabulary(tt.token_at(tt.tokens(x["s"], pattern="(?s)."), -1)),
        lambda: ids([None if not s else s[-1] for s in RAW["s"]]),
    ),
    "join": (
        lambda x: tt.vocabulary(tt.join(tt.ngrams(tt.tokens(x["s"], pattern="(?s)."), 2, 2, separator=""), "+")),
        lambda: ids(made(lambda s: "+".join(map("".join, pairwise(s))), "s")),
    ),
    "parse_number": (
        lambda x: tt.parse_number(tt.concat(tt.fill_missing(x["r"], "3"), "1.5e1")),
        lambda: [number_of(f"{'3' if r is None else r}1.5e1") for r in RAW["r"]],
    ),
    "hash_of_two": (
        lambda x: tt.hash_buckets(tt.concat("<", x["s"], "|", tt.strip(x["r"]), ">"), 1000),
        lambda: [NAN if b is None else blake(b) % 1000 for b in BOTH],
    ),
    "length_of_two": (
        lambda x: tt.length(tt.concat(x["r"], tt.concat(x["s"], x["r"]))),
        lambda: each(lambda s, r: len(s) + 2 * len(r), "s", "r"),
    ),
    "hash_of_chosen": (
        lambda x: tt.hash_buckets(tt.where(x["b"], x["s"], tt.where(x["f"] > 0, x["r"], "Ab")), 1000),
        lambda: [NAN if text is None else blake(text) % 1000 for text in chosen()],
    ),
    "hash_of_lower_of_chosen": (
        lambda x: tt.hash_buckets(tt.lower(tt.concat(tt.where(x["b"], x["s"], "NO"), "-éZ")), 1000),
        lambda: [
            NAN if b and s is None else blake(ascii_lower(f"{s if b else 'NO'}-éZ")) % 1000
            for b, s in zip(RAW["b"], RAW["s"], strict=True)
        ],
    ),
    "length_of_filled": (
        lambda x: tt.length(tt.strip(tt.fill_missing(x["s"], tt.concat(x["r"], "--")))),
        lambda: [
            NAN if s is None and r is None else len((f"{r}--" if s is None else s).strip(WHITE))
            for s, r in zip(RAW["s"], RAW["r"], strict=True)
        ],
    ),
    "vocabulary_of_chosen_spread": (
        lambda x: tt.vocabulary(tt.where(x["b"], x["s"], "no"), top_k=1, num_oov_buckets=5),
        lambda: spread_ids([s if b else "no" for b, s in zip(RAW["b"], RAW["s"], strict=True)], 5),
    ),
    "number_of_chosen": (
        lambda x: tt.parse_number(tt.where(x["b"], "1.5e1", x["s"])),
        lambda: [15.0 if b else number_of(s or "") for b, s in zip(RAW["b"], RAW["s"], strict=True)],
    ),
    "token_ids_spread": (
        lambda x: tt.token_ids(tt.tokens(x["s"], pattern="(?s).", size=4), top_k=2, num_oov_buckets=5),
        lambda: spread_rows([list(s or "")[:4] for s in RAW["s"]], 4, 2, 5),
    ),
    "token_mask": (
        lambda x: tt.token_mask(tt.tokens(x["s"], pattern="(?s).", size=3)),
        lambda: [[float(i < len(s or "")) for i in range(3)] for s in RAW["s"]],
    ),
    "parse_time": (
        lambda x: tt.day_of_year(tt.parse_time(tt.replace_pattern(x["s"], "(?s)^.*$", "7.2.1969 23"), "%d.%m.%Y %H")),
        lambda: each(lambda s: 38, "s"),
    ),
}


NUMBERS = ("f", "g", "i")


def vector_rows() -> list[list[float]]:
    columns = [[NAN if v is None or v != v else min(max(v, -9.0), 9.0) for v in RAW[name]] for name in NUMBERS]
    return list(map(list, zip(*columns, strict=True)))


def vector_of(x: Any) -> tt.Vector:
    return tt.vector(*(tt.clip(x[name], -9, 9) for name in NUMBERS))


def similarity(row: list[float]) -> float:
    left, right = np.array(row), np.array([row[0], 1.0, 2.0])
    length = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / length) if length > 0 else NAN


OPS |= {
    "vector_sum": (lambda x: tt.vector_sum(vector_of(x)), lambda: [sum(row) for row in vector_rows()]),
    "vector_mean": (lambda x: tt.vector_mean(vector_of(x)), lambda: [sum(row) / 3 for row in vector_rows()]),
    "vector_min": (lambda x: tt.vector_min(vector_of(x)), lambda: np.min(vector_rows(), axis=1)),
    "vector_max": (lambda x: tt.vector_max(vector_of(x)), lambda: np.max(vector_rows(), axis=1)),
    "norm": (lambda x: tt.norm(vector_of(x)), lambda: np.linalg.norm(vector_rows(), axis=1)),
    "cosine_similarity": (
        lambda x: tt.cosine_similarity(
            vector_of(x), tt.vector(tt.clip(x["f"], -9, 9), *(0 * tt.clip(x["f"], -9, 9) + i for i in (1, 2)))
        ),
        lambda: [similarity(row) for row in vector_rows()],
    ),
    "elapsed": (
        lambda x: tt.elapsed(x["t"], x["u"], "hours"),
        lambda: each(lambda t, u: (u - t).total_seconds() / 3600, "t", "u"),
    ),
    "unix_time": (
        lambda x: tt.unix_time(x["t"]),
        lambda: each(lambda t: (t - datetime(1970, 1, 1)).total_seconds(), "t"),
    ),
}


def chosen() -> list[str | None]:
    return [
        s if b else r if f is not None and f > 0 else "Ab"
        for b, s, f, r in zip(RAW["b"], RAW["s"], RAW["f"], RAW["r"], strict=True)
    ]


def spread_ids(texts: list[str | None], buckets: int) -> list[float]:
    """The most frequent is 0; the others one of some ids, by hash, and a missing one the first of these."""
    frequency = Counter(text for text in texts if text is not None)
    first = min(frequency, key=lambda text: (-frequency[text], text))
    return [1.0 if text is None else 0.0 if text == first else 1.0 + blake(text) % buckets for text in texts]


def number_of(text: str) -> float:
    found = text.strip(WHITE)
    return float(found) if re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", found) else NAN


def spread_rows(rows: list[list[str]], size: int, top_k: int, buckets: int) -> list[list[float]]:
    frequency = Counter(token for row in rows for token in row)
    order = sorted(frequency, key=lambda token: (-frequency[token], token))[:top_k]

    def id_of(token: str) -> float:
        return order.index(token) if token in order else len(order) + blake(token) % buckets

    return [[id_of(token) for token in row] + [-1.0] * (size - len(row)) for row in rows]
