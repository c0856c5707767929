from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from treadle.errors import ColumnTypeError, SchemaError
from treadle.schema import Effect, Feature, Schema, SchemaModel, diff, edit, field, merge, to_feature

TEXT = """\
format = "treadle.schema/3"

[features.id]
type = "int"

# Where it goes.
[features.home]
type = "struct"
min_fraction = 1.0

[features.home.fields.city]
type = "string"  # as the post writes it
values = ["Bern", "Chur"]

[features.home.fields.floor]
type = "int"
required = false
not_in = ["SERVING"]

[features.orders]
type = "struct"
list = true
max_items = 9

[features.orders.fields.price]
type = "float"
min = 0
"""
SCHEMA = Schema.loads(TEXT)


def test_what_is_inside_has_the_path_that_statistics_give_it() -> None:
    assert list(SCHEMA.paths) == ["id", "home", "home.city", "home.floor", "orders", "orders[].price"]
    assert SCHEMA.dumps() == TEXT.replace("# Where it goes.\n", "").replace("  # as the post writes it", "")
    assert "<b>orders[].price</b>" in SCHEMA._repr_html_()


def test_the_arrow_type_and_an_environment_go_inside() -> None:
    prices = pa.list_(pa.struct([("price", pa.float64())]))
    assert SCHEMA.arrow_schema().field("orders").type == prices
    serving = SCHEMA.environment("SERVING")
    assert list(serving.paths) == ["id", "home", "home.city", "orders", "orders[].price"]
    city = replace(SCHEMA.features["home"].fields["city"], not_in=("SERVING",))
    assert "home" not in SCHEMA.with_feature("home.city", city).environment("SERVING").features


class Order(SchemaModel):
    price: float = field(min=0)


class Home(SchemaModel):
    city: str
    floor: int | None


def test_a_model_inside_a_model_is_a_struct() -> None:
    class Customer(SchemaModel):
        home: Home
        orders: list[Order] | None = field(max_items=9)

    schema = Customer.to_schema()
    assert (schema.features["home"].type, schema.features["home"].min_fraction) == ("struct", 1.0)
    assert schema.paths["orders[].price"].min == 0
    assert Schema.loads(schema.dumps()) == schema

    class Keyed(SchemaModel):
        id: int = field(key=True)

    class Around(SchemaModel):
        inner: Keyed

    with pytest.raises(SchemaError, match="Keyed has roles"):
        Around.to_schema()


def test_diff_and_merge_go_inside() -> None:
    city = Feature(name="city", type="string", values=("Bern", "Chur", "Thun"))
    wider = SCHEMA.with_feature("home.city", city).with_feature("home.zip", Feature(name="zip", type="int"))
    assert [(str(change), change.effect) for change in diff(SCHEMA, wider)] == [
        ("home.city: values +'Thun'", Effect.WIDER),
        ("home.zip: added", Effect.OTHER),
    ]
    merged = merge(SCHEMA, wider)
    assert merged.paths["home.city"].values == ("Bern", "Chur", "Thun")
    assert not merged.paths["home.zip"].required
    with pytest.raises(SchemaError, match="type struct in one schema and int in the other"):
        merge(SCHEMA, Schema.loads('[features.home]\ntype = "int"'))


def test_a_field_is_edited_in_its_place_and_a_new_one_stands_by_its_struct() -> None:
    city = replace(SCHEMA.paths["home.city"], values=("Bern", "Thun"))
    wanted = SCHEMA.with_feature("home.city", city).with_feature("home.zip", Feature(name="zip", type="int"))
    edited = edit(TEXT, wanted)
    assert edited == TEXT.replace('["Bern", "Chur"]', '["Bern", "Thun"]').replace(
        'not_in = ["SERVING"]\n', 'not_in = ["SERVING"]\n\n[features.home.fields.zip]\ntype = "int"\n'
    )
    home = replace(SCHEMA.features["home"], fields={"city": city})
    assert "floor" not in edit(TEXT, SCHEMA.with_feature("home", home))


@pytest.mark.parametrize(
    ("said", "message", "place"),
    [
        ('type="struct"', "says what its fields are", "x"),
        ('type="struct"\nmin=0\n[features.x.fields.a]\ntype="int"', "a struct has no min", "x"),
        ('type="struct"\nunique=true\n[features.x.fields.a]\ntype="int"', "a struct has no unique", "x"),
        ('type="int"\n[features.x.fields.a]\ntype="int"', "an? int feature has no fields", "x"),
        ('type="struct"\n[features.x.fields.a]\ntype="int"\nunique=true', "occurs twice is not asked", "x"),
        ('type="struct"\n[features.x.fields.a]\ntype="int"\nproduced_by="m"', "no mark of a model", "x"),
        ('type="struct"\nlist=true\n[features.x.fields.a]\ntype="int"\nmin="b"', "not a bound", "x[].a"),
        ('type="struct"\n[features.x.fields.a]\nkind="int"', "'kind' is not a field", "x.a"),
        ('type="struct"\n[features.x.fields]\na="int"', "a feature is a table", "x.a"),
        ('type="struct"\n[features.x.fields.__a__]\ntype="int"', "belong to Treadle", "x.__a__"),
        ('type="struct"\n[features.x.fields.a]\ntype="int"\n[features."x.a"]\ntype="int"', "may be a column", "x.a"),
    ],
)
def test_what_a_struct_cannot_say_is_refused_with_its_path(said: str, message: str, place: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        Schema.loads(f"[features.x]\n{said}")
    assert caught.value.where["feature"] == place


def test_structs_become_their_type_and_leave_what_nobody_knows() -> None:
    homes = pa.array([{"floor": 2.0, "city": "Bern", "else": 1}, None, {"city": "Chur"}])
    typed = to_feature(pa.chunked_array([homes.slice(1), homes]), SCHEMA.features["home"])
    assert typed.type == SCHEMA.arrow_schema().field("home").type
    assert typed.to_pylist()[1:3] == [{"city": "Chur", "floor": None}, {"city": "Bern", "floor": 2}]
    orders = pa.array([None, [{"price": 1}, None], [], [{"price": 2}]])
    for kind in (pa.list_(orders.type.value_type), pa.large_list(orders.type.value_type)):
        found = to_feature(pa.chunked_array([orders.cast(kind).slice(1)]), SCHEMA.features["orders"])
        found.validate(full=True)
        assert found.to_pylist() == [[{"price": 1.0}, None], [], [{"price": 2.0}]]


@pytest.mark.parametrize(
    ("name", "values", "place", "message"),
    [
        ("home", [{"floor": 1}], "home.city", "The structs have no field 'city'"),
        ("home", [{"city": "a", "floor": "b"}], "home.floor", "holds string where the schema declares int"),
        ("home", ["Bern"], "home", "holds string where the schema declares struct"),
        ("orders", [[{"price": "1"}]], "orders[].price", "holds string where the schema declares float"),
        ("orders", [{"price": 1.0}], "orders", "where the schema declares lists of structs"),
    ],
)
def test_a_value_of_another_type_inside_is_named_by_its_path(
    name: str, values: list[object], place: str, message: str
) -> None:
    with pytest.raises(ColumnTypeError, match=message) as caught:
        to_feature(pa.chunked_array([pa.array(values)]), SCHEMA.features[name])
    assert caught.value.where["column"] == place
