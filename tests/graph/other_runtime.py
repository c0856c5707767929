"""Runs a graph with onnxruntime and numpy alone, in a process of its own: `python other_runtime.py MODEL FEED OUT`."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnxruntime

TYPES = {"tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(string)": object, "tensor(float)": np.float32}


def main(model: str, feed_file: str, out: str) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with open(feed_file, encoding="utf-8") as file:
        columns = json.load(file)
    feed = {}
    for value in session.get_inputs():
        kind = TYPES[value.type]
        texts = columns[value.name]
        feed[value.name] = np.array(texts if kind is object else [kind(each) for each in texts], kind).reshape(-1, 1)
    whole = session.run(None, feed)[0]
    rows = [session.run(None, {name: v[i : i + 1] for name, v in feed.items()})[0] for i in range(len(whole))]
    np.save(out, np.stack([whole, np.concatenate(rows)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
