from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from treadle.errors import SchemaError
from treadle.schema import Feature, is_reserved


def test_a_type_is_enough() -> None:
    feature = Feature(name="fare", type="float")
    assert feature.required
    assert feature.min_fraction == 0.0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "number"}, "type"),
        ({"type": "float", "values": (1.0,)}, "values"),
        ({"type": "int", "values": ()}, "values"),
        ({"type": "int", "values": (1, 1)}, "values"),
        ({"type": "int", "values": (1, True)}, "values"),
        ({"type": "string", "values": (1,)}, "values"),
        ({"type": "int", "values": (1,), "min": 0}, "values"),
        ({"type": "int", "min": 0.5}, "min"),
        ({"type": "int", "max": 2**63}, "max"),
        ({"type": "float", "max": float("inf")}, "max"),
        ({"type": "float", "min": float("nan")}, "min"),
        ({"type": "float", "min": 2, "max": 1.5}, "min"),
        ({"type": "string", "min": "a"}, "min"),
        ({"type": "timestamp", "min": datetime(2018, 1, 1, tzinfo=UTC)}, "min"),
        ({"type": "int", "min_fraction": 1.5}, "min_fraction"),
        ({"type": "int", "min_domain_mass": True}, "min_domain_mass"),
        ({"type": "int", "missing": -0.1}, "missing"),
        ({"type": "float", "l_infinity": 0.1}, "drift.l_infinity"),
        ({"type": "timestamp", "jensen_shannon": 0.1}, "drift.jensen_shannon"),
        ({"type": "int", "severity": {"NEW_COLUMN": "fatal"}}, "severity.NEW_COLUMN"),
        ({"type": "int", "not_in": ("",)}, "not_in"),
        ({"type": "string", "semantic": "time", "format": "%F"}, "format"),
        ({"type": "string", "semantic": "time", "format": "%d.%m.%Y %f"}, "format"),
        ({"type": "string", "semantic": "time", "format": "%d.%m.%d"}, "format"),
        ({"type": "string", "semantic": "time", "format": "100 %"}, "format"),
    ],
)
def test_an_impossible_feature_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Feature(name="x", **fields)
    assert caught.value.where == {"feature": "x", "field": field}


def test_reserved_and_empty_names_are_refused() -> None:
    assert is_reserved("__row_id__")
    assert not is_reserved("__half")
    with pytest.raises(SchemaError, match="belong to Treadle"):
        Feature(name="__row_id__", type="string")
    with pytest.raises(SchemaError, match="no name"):
        Feature(name="", type="string")


def test_a_short_form_of_a_time_is_refused_with_the_long_one() -> None:
    with pytest.raises(SchemaError) as caught:
        Feature(name="x", type="string", semantic="time", format="%F %H:%M")
    assert caught.value.hint == "Write %Y-%m-%d for it."
    assert Feature(name="x", type="string", semantic="time", format="%Y-%m-%d %% %H:%M:%S %%").format
