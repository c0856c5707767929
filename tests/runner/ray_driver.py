"""A process that is connected to a Ray cluster and runs one pipeline after the other; a JSON line for each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import ray

from treadle.pipeline import load_pipeline
from treadle.runner import run

if __name__ == "__main__":
    ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
    for line in sys.stdin:
        asked = json.loads(line)
        os.chdir(asked["folder"])
        result = run(load_pipeline(asked["target"]), asked["parameters"], home=Path(".treadle"), backend="ray")
        print(json.dumps({"state": result.state}), flush=True)
