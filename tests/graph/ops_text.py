"""Operations on text, dates, hashes and places: each as it is written, and what it means in Python."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
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
