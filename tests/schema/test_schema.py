from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.errors import SchemaError
from treadle.schema import Feature, Schema

TEXT = """\
format = "treadle.schema/1"
event_time = "pickup"
key = "id"
severity = { NEW_COLUMN = "warning" }

[features.id]
type = "string"

[features.pickup]
type = "timestamp"
min = 2018-01-01T00:00:00

[features.fare]
type = "float"
description = "Dollars: \\"meter\\" only"
min_fraction = 0.5
min = 0
max = 500.0
min_domain_mass = 0.99
drift = { jensen_shannon = 0.1, missing = 0.05 }
severity = { OUT_OF_RANGE = "ignore" }

[features."a b"]
type = "int"
required = false
values = [1, 2, 4]
not_in = ["SERVING"]
drift = { l_infinity = 0.1 }
"""


def test_text_round_trip_is_stable() -> None:
    schema = Schema.loads(TEXT)
    assert schema.dumps() == TEXT
    assert Schema.loads(schema.dumps()) == schema


def test_environment_leaves_out_what_is_not_in_it() -> None:
    schema = Schema.loads(TEXT)
    assert list(schema.environment("SERVING").features) == ["id", "pickup", "fare"]
    assert schema.environment("TRAINING") == schema
    assert schema.environment(None) is schema
    hidden = Schema({"t": Feature(name="t", type="timestamp", not_in=("SERVING",))}, event_time="t", key="t")
    assert hidden.environment("SERVING") == Schema({})


def test_arrow_schema_has_one_type_per_feature_type() -> None:
    kinds = ("int", "float", "string", "bool", "bytes", "timestamp")
    schema = Schema({kind: Feature(name=kind, type=kind) for kind in kinds})  # type: ignore[arg-type]
    assert schema.arrow_schema().types == [
        pa.int64(),
        pa.float64(),
        pa.string(),
        pa.bool_(),
        pa.binary(),
        pa.timestamp("us"),
    ]


def test_a_date_is_a_bound_at_midnight() -> None:
    schema = Schema.loads('[features.t]\ntype = "timestamp"\nmin = 2018-01-01\n')
    assert schema.features["t"].min == datetime(2018, 1, 1)


def test_save_and_load(tmp_path: Path) -> None:
    file = tmp_path / "schema.toml"
    schema = Schema.loads(TEXT)
    schema.save(file)
    assert Schema.load(file) == schema
    assert [entry.name for entry in tmp_path.iterdir()] == ["schema.toml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features = 3", "not a table"),
        ("x = ", "not TOML"),
        ('format = "treadle.schema/9"', "reads 'treadle.schema/1'"),
        ("featuers = {}", "Did you mean 'features'"),
        ("features.a = 3", "a feature is a table"),
        ("[features.a]", "no type"),
        ('[features.a]\ntype = "int"\nminimum = 3', "Did you mean 'min"),
        ('[features.a]\ntype = "int"\ndrift = { linf = 3 }', "l_infinity"),
        ('[features.a]\ntype = "int"\nvalues = 3', "not a list"),
        ('[features.a]\ntype = "int"\nrequired = "no"', "not a boolean"),
        ('event_time = "t"', "which is not a feature"),
        ('event_time = "t"\n[features.t]\ntype = "int"', "not of type timestamp"),
        ('severity = { X = "loud" }', "not a severity"),
    ],
)
def test_bad_text_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match="(?s)" + message):
        Schema.loads(text)


def test_errors_name_the_file(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    with pytest.raises(SchemaError) as caught:
        Schema.load(missing)
    assert caught.value.where["file"] == str(missing)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[features.a]\ntype = "\xe9"\n')
    with pytest.raises(SchemaError, match="UTF-8"):
        Schema.load(latin)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[features.a]\ntype = "number"\n')
    with pytest.raises(SchemaError) as caught:
        Schema.load(wrong)
    assert caught.value.where == {"file": str(wrong), "feature": "a", "field": "type"}


shares = st.none() | st.floats(0, 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@st.composite
def features(draw: st.DrawFn) -> Feature:
    kind = draw(st.sampled_from(["int", "float", "string", "bool", "timestamp"]))
    domains = {
        "int": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3, unique=True),
        "string": st.lists(texts, min_size=1, max_size=3, unique=True),
    }
    values = draw(st.none() | domains[kind].map(tuple)) if kind in domains else None
    bounds = {
        "int": st.integers(-(2**63), 2**63 - 1),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "timestamp": st.datetimes(),
    }
    low = draw(st.none() | bounds[kind]) if kind in bounds and values is None else None
    return Feature(
        name=draw(texts.filter(lambda name: name and not name.startswith("__"))),
        type=kind,
        required=draw(st.booleans()),
        min_fraction=draw(st.floats(0, 1)),
        values=values,
        min=low,
        description=draw(texts),
        not_in=tuple(draw(st.lists(st.sampled_from(["SERVING", "TRAINING"]), unique=True))),
        missing=draw(shares),
        jensen_shannon=draw(shares) if kind != "timestamp" else None,
        severity=draw(st.dictionaries(st.sampled_from(["A", "B C"]), st.sampled_from(["error", "ignore"]))),
    )


@given(st.lists(features(), max_size=4, unique_by=lambda feature: feature.name))
def test_every_schema_survives_its_text(made: list[Feature]) -> None:
    schema = Schema({feature.name: feature for feature in made})
    again = Schema.loads(schema.dumps())
    assert again == schema
    assert list(again.features) == list(schema.features)
