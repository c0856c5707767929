"""Ten trivial steps in a chain, as ZenML runs them on its local stack, without and with its cache."""

import sys

from zenml import pipeline, step


@step
def plus_one(x: int) -> int:
    return x + 1


@pipeline(enable_cache="cached" in sys.argv)
def chain() -> None:
    x = 0
    for _ in range(10):
        x = plus_one(x)


run = chain()
assert run.status == "completed"
