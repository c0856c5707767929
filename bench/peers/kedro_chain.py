"""Ten trivial nodes in a chain, as Kedro runs them: in this process, results in memory."""

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner


def plus_one(x: int) -> int:
    return x + 1


nodes = [node(plus_one, f"x{number}", f"x{number + 1}", name=f"n{number}") for number in range(10)]
found = SequentialRunner().run(pipeline(nodes), DataCatalog({"x0": MemoryDataset(0)}))
assert found["x10"].load() == 10
