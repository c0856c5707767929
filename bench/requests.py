"""What the check of a request costs: a row of 20 features, decoded, typed, checked, its findings counted."""

from __future__ import annotations

import json
import time

import msgspec

from treadle.schema import Feature, Schema
from treadle.validation import RequestChecker

ROWS, TIMES = 1000, 30
LIMIT = 10.0  # microseconds


def run() -> list[dict]:
    return [measured("a row of 20 features", *plain()), measured("the same with text, times and structs", *rich())]


def plain() -> tuple[dict[str, Feature], dict[str, object]]:
    """Numbers with a range, and every fourth a string with a domain."""
    features, row = {}, {}
    for number in range(20):
        name = f"f{number}"
        if number % 4 == 3:
            features[name] = Feature(name=name, type="string", values=("a", "b", "c"))
            row[name] = "b"
        else:
            features[name] = Feature(name=name, type="float", min=0, max=1e6)
            row[name] = 12.5
    return features, row


def rich() -> tuple[dict[str, Feature], dict[str, object]]:
    """Four of them another kind: prose with a vocabulary, a URL, a time in text, a list of structs."""
    features, row = plain()
    words = ("the", "driver", "was", "late", "and", "friendly")
    prose = Feature(name="f0", type="string", min_words=2, max_words=50, vocabulary=words, min_coverage=0.5)
    price = Feature(name="price", type="float", min=0)
    features |= {
        "f0": prose,
        "f1": Feature(name="f1", type="string", semantic="url", max_length=200),
        "f2": Feature(name="f2", type="string", semantic="time"),
        "f4": Feature(name="f4", type="struct", list=True, max_items=9, fields={"price": price}),
    }
    row |= {"f0": "the driver was late but friendly", "f1": "https://example.org/a?b=c", "f2": "2018-10-01T12:30:00"}
    return features, {**row, "f4": [{"price": 1.5}, {"price": 2.5}]}


def measured(name: str, features: dict[str, Feature], row: dict[str, object]) -> dict:
    checker = RequestChecker(Schema(features))
    body = json.dumps([row] * ROWS).encode()
    decoder = msgspec.json.Decoder(list[checker.row_type])  # type: ignore[name-defined]

    def checked() -> None:
        rows = checker.rows(decoder.decode(body))
        found = checker.findings(list(zip(*rows, strict=True)))
        assert not found.counts

    def loaded() -> None:
        json.loads(body)

    ours, peer = per_row(checked), per_row(loaded)
    return {
        "name": f"{name}: decode, check, count findings",
        "value": ours,
        "unit": "us",
        "against": f"the limit; json.loads alone takes {peer:.1f} us",
        "reference": LIMIT,
        "ratio": ours / LIMIT,
    }


def per_row(function: object) -> float:
    """Microseconds of CPU a row, the best of several runs."""
    times = []
    for _ in range(TIMES):
        began = time.process_time()
        function()  # type: ignore[operator]
        times.append(time.process_time() - began)
    return min(times) / ROWS * 1e6


if __name__ == "__main__":
    print(run())
