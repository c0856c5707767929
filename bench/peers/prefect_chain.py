"""Ten trivial nodes in a chain, as Prefect runs them, with the temporary server it starts by itself."""

from prefect import flow, task


@task
def plus_one(x: int) -> int:
    return x + 1


@flow
def chain() -> int:
    x = 0
    for _ in range(10):
        x = plus_one(x)
    return x


assert chain() == 10
