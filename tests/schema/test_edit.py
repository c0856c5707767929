from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from schema_strategies import features, schemas

from treadle.errors import SchemaError
from treadle.schema import Feature, Schema, edit

TEXT = """\
# Rides, curated by hand.
format = "treadle.schema/1"

[features.fare]   # dollars
type = "float"
min = 0  # refunds are negative
min_fraction = 0.5

# Who pays.
[features.payment]
type = "string"
values = [
    "card",  # most
    "cash",
]
description = \"\"\"Says "cash" or
"card". \"\"\"

[features.payment.drift]
l_infinity = 0.1  # as agreed
"""


def test_a_change_leaves_everything_else_as_it_was() -> None:
    schema = Schema.loads(TEXT)
    fare = replace(schema.features["fare"], min=-10, min_fraction=0.0, max=99.5)
    payment = replace(schema.features["payment"], values=("card", "cash", "app"), l_infinity=0.2)
    edited = edit(TEXT, replace(schema, features={"fare": fare, "payment": payment}))
    assert edited == TEXT.replace("min = 0 ", "min = -10 ").replace("min_fraction = 0.5\n", "max = 99.5\n").replace(
        'values = [\n    "card",  # most\n    "cash",\n]', 'values = ["card", "cash", "app"]'
    ).replace("l_infinity = 0.1 ", "l_infinity = 0.2 ")


def test_features_come_at_the_end_and_go_with_their_tables() -> None:
    schema = Schema.loads(TEXT)
    tip = Feature(name="the tip", type="float", unit="USD")
    edited = edit(TEXT, replace(schema, features={"fare": schema.features["fare"], "the tip": tip}))
    assert edited.endswith('# Who pays.\n\n[features."the tip"]\ntype = "float"\nunit = "USD"\n')
    assert "l_infinity" not in edited
    assert 'format = "treadle.schema/2"' in edited


def test_windows_line_ends_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    schema = Schema.loads(text)
    fare = replace(schema.features["fare"], max=1.0)
    edited = edit(text, replace(schema, features={**schema.features, "fare": fare}))
    assert edited.count("\r\n") == edited.count("\n") == text.count("\n") + 1


def test_a_form_that_is_not_understood_is_an_error_and_no_wrong_schema() -> None:
    text = 'features = { fare = { type = "float" } }'
    schema = Schema.loads(text)
    with pytest.raises(SchemaError, match="cannot be edited"):
        edit(text, replace(schema, features={"fare": Feature(name="fare", type="float", min=0)}))
    assert edit(text, schema) == text


@settings(deadline=None)
@given(schemas(), features("new"))
def test_any_feature_can_be_added_changed_and_taken_out(schema: Schema, new: Any) -> None:
    text = "# above\n" + schema.dumps() + "# below\n"
    assert edit(text, schema) == text
    added = replace(schema, features={**schema.features, "new": new})
    more = edit(text, added)
    assert Schema.loads(more) == added
    assert more.startswith("# above\n")
    assert "# below\n" in more
    for name in schema.features:
        changed = replace(schema, features={**schema.features, name: replace(new, name=name)})
        assert Schema.loads(edit(text, changed)) == changed
    back = Schema.loads(edit(more, schema))
    assert back == schema
