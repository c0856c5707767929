"""Ten trivial nodes in a chain, as Dagster runs them in one process, with a store of its own."""

import os
import tempfile

from dagster import DagsterInstance, In, job, op


@op(ins={"x": In(int)})
def plus_one(x: int) -> int:
    return x + 1


@op
def start() -> int:
    return 1


@job
def chain() -> None:
    x = start()
    for number in range(9):
        x = plus_one.alias(f"n{number}")(x)


with tempfile.TemporaryDirectory() as folder:
    os.environ["DAGSTER_HOME"] = folder
    with open(os.path.join(folder, "dagster.yaml"), "w") as settings:
        settings.write("telemetry:\n  enabled: false\n")
    with DagsterInstance.get() as instance:
        result = chain.execute_in_process(instance=instance)
assert result.output_for_node("n8") == 10
