from __future__ import annotations

import pyarrow as pa
import pytest

from treadle import transform as tt
from treadle.errors import InputValueError
from treadle.schema import Schema


def test_the_row_is_that_of_the_table() -> None:
    rows = [b"a", b"b"] * 10_000 + [b"\xff"]
    good = pa.record_batch({"s": pa.array(["a", "b"])})
    schema = Schema.loads('[features.s]\ntype = "string"\n')
    graph = tt.analyze(lambda x: {"s": tt.vocabulary(x["s"])}, schema, lambda columns: iter([good]))
    with pytest.raises(InputValueError, match="not UTF-8") as caught:
        graph.transform(pa.table({"s": rows}))
    assert caught.value.where == {"column": "s", "row": 20_000}


def test_a_wrong_value_of_a_dictionary_counts_where_a_row_holds_it() -> None:
    schema = Schema.loads('[features.s]\ntype = "string"\n')
    good = pa.record_batch({"s": pa.array(["a", "b"])})
    graph = tt.analyze(lambda x: {"s": tt.vocabulary(x["s"])}, schema, lambda columns: iter([good]))
    rows = pa.array(["a", "b"] * 35_000 + [None, "\U0010ffff", "\U0010ffff"])
    table = pa.table({"s": rows.dictionary_encode()})
    sound = table.slice(0, 10)
    assert graph.transform(sound).equals(graph.transform(pa.table({"s": rows.slice(0, 10)})))
    with pytest.raises(InputValueError) as caught:
        graph.transform(table)
    assert caught.value.where == {"column": "s", "row": 70_001}
