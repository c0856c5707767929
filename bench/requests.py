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
    features = {}
    for number in range(20):
        name = f"f{number}"
        if number % 4 == 3:
            features[name] = Feature(name=name, type="string", values=("a", "b", "c"))
        else:
            features[name] = Feature(name=name, type="float", min=0, max=1e6)
    checker = RequestChecker(Schema(features))
    row = {name: "b" if feature.type == "string" else 12.5 for name, feature in features.items()}
    body = json.dumps([row] * ROWS).encode()
    decoder = msgspec.json.Decoder(list[checker.row_type])  # type: ignore[name-defined]

    def checked() -> None:
        rows = checker.rows(decoder.decode(body))
        checker.findings(list(zip(*rows, strict=True)))

    def loaded() -> None:
        json.loads(body)

    ours, peer = per_row(checked), per_row(loaded)
    return [
        {
            "name": "a row of 20 features: decode, check, count findings",
            "value": ours,
            "unit": "us",
            "against": f"the limit; json.loads alone takes {peer:.1f} us",
            "reference": LIMIT,
            "ratio": ours / LIMIT,
        }
    ]


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
