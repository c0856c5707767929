"""Runs a graph with onnxruntime and numpy alone, in a process of its own: `python other_runtime.py MODEL FEED OUT`."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnxruntime

TYPES = {"float64": np.float64, "int64": np.int64, "string": object}


def main(model: str, feed_file: str, out: str) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with open(feed_file, encoding="utf-8") as file:
        given = json.load(file)
    feed = {}
    for name, rows in given["columns"].items():
        kind = TYPES[given["types"][name]]
        feed[name] = np.array([[each if kind is object else kind(each) for each in row] for row in rows], kind)
    whole = session.run(None, feed)[0]
    rows = [session.run(None, {name: v[i : i + 1] for name, v in feed.items()})[0] for i in range(len(whole))]
    np.save(out, np.stack([whole, np.concatenate(rows)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
