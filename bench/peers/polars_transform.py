"""What `transform.py` asks of Treadle, by hand with Polars: 6 z-scores, 4 vocabularies by frequency, 10 buckets."""

import sys

import polars as pl

SCORES = ["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]
TEXTS = ["carrier", "origin", "dest", "tailnum"]
flights = pl.read_parquet(sys.argv[1], columns=[*SCORES, *TEXTS, "dep_time"])
edges = flights.select(pl.col("dep_time").quantile(i / 10).alias(str(i)) for i in range(1, 10)).row(0)
columns = [((pl.col(name) - pl.col(name).mean()) / pl.col(name).std(ddof=0)).cast(pl.Float32) for name in SCORES]
for name in TEXTS:
    counts = flights[name].drop_nulls().value_counts().sort(["count", name], descending=[True, False])
    ids = pl.Series(range(len(counts)), dtype=pl.Float32)
    columns.append(pl.col(name).replace_strict(counts[name], ids, default=-1, return_dtype=pl.Float32))
reached = pl.sum_horizontal((pl.col("dep_time") >= edge).cast(pl.Float32) for edge in edges)
columns.append(pl.when(pl.col("dep_time").is_not_null()).then(reached).alias("dep_time").cast(pl.Float32))
flights.select(columns).write_parquet(sys.argv[2], compression="zstd")
