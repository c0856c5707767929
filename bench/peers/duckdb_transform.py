"""What `transform.py` asks of Treadle, by hand with DuckDB: 6 z-scores, 4 vocabularies by frequency, 10 buckets."""

import sys

import duckdb

SCORES = ["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]
TEXTS = ["carrier", "origin", "dest", "tailnum"]
database = duckdb.connect()
database.execute(f"CREATE VIEW flights AS FROM read_parquet('{sys.argv[1]}')")
shares = [i / 10 for i in range(1, 10)]
moments = ", ".join(f"avg({name}), stddev_pop({name})" for name in SCORES)
*found, edges = database.execute(f"SELECT {moments}, quantile_disc(dep_time, {shares}) FROM flights").fetchone()
columns = [
    f"(({name} - {mean}) / {spread})::FLOAT AS {name}"
    for name, mean, spread in zip(SCORES, found[::2], found[1::2], strict=True)
]
joins = []
for name in TEXTS:
    database.execute(
        f"CREATE TABLE ids_{name} AS SELECT {name} AS value,"
        f" row_number() OVER (ORDER BY count(*) DESC, {name}) - 1 AS id"
        f" FROM flights WHERE {name} IS NOT NULL GROUP BY {name}"
    )
    columns.append(f"coalesce(ids_{name}.id, -1)::FLOAT AS {name}")
    joins.append(f"LEFT JOIN ids_{name} ON flights.{name} = ids_{name}.value")
reached = " + ".join(f"(dep_time >= {edge})::INT" for edge in edges)
columns.append(f"({reached})::FLOAT AS dep_time")
database.execute(
    f"COPY (SELECT {', '.join(columns)} FROM flights {' '.join(joins)}) TO '{sys.argv[2]}' (COMPRESSION zstd)"
)
