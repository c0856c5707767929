"""Components and pipelines as people write them, and the mistakes they make."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from treadle import component, pipeline, when
from treadle.artifact import Artifact, Examples, File, Model, Output, Value, canonical_json
from treadle.errors import ComponentError, PipelineError, UserCodeError
from treadle.pipeline import Component, Kind, Pipeline


@component
def make(n: int, *, examples: Output[Examples]) -> None:
    (examples.path / "n.txt").write_text(str(n))


@component
def train(examples: Examples, rate: float = 0.1, *, model: Output[Model], log: Output[Artifact]) -> None: ...


@component
def double(x: int) -> int:
    return 2 * x


@component
def kinds(
    a: Examples,
    b: Model | None,
    c: Optional[Examples],  # noqa: UP045
    d: list[Examples],
    e: File,
    f: list[File] | None,
    g: Callable[[int], int],
    h: Callable,  # type: ignore[type-arg]
    i: dict[str, Any],
    j: Literal["x", "y"],
    k,  # type: ignore[no-untyped-def]
    m: Callable[..., Any] | None = None,
    *,
    o: Output[Model],
) -> None: ...


def test_annotations_say_what_parameters_are() -> None:
    parameters = kinds.signature.parameters
    found = {name: (p.kind, p.many, p.optional) for name, p in parameters.items()}
    assert found == {
        "a": (Kind.INPUT, False, False),
        "b": (Kind.INPUT, False, True),
        "c": (Kind.INPUT, False, True),
        "d": (Kind.INPUT, True, False),
        "e": (Kind.FILE, False, False),
        "f": (Kind.FILE, True, True),
        "g": (Kind.FUNCTION, False, False),
        "h": (Kind.FUNCTION, False, False),
        "i": (Kind.VALUE, False, False),
        "j": (Kind.VALUE, False, False),
        "k": (Kind.VALUE, False, True),
        "m": (Kind.FUNCTION, False, True),
        "o": (Kind.OUTPUT, False, False),
    }
    assert kinds.signature.outputs == {"o": Model}
    assert double.signature.outputs == {"value": Value}
    assert train.signature.outputs == {"model": Model, "log": Artifact}


def test_a_component_is_a_plain_function_outside_a_pipeline(tmp_path: Path) -> None:
    out = Output[Examples](tmp_path)
    make(3, examples=out)
    assert (tmp_path / "n.txt").read_text() == "3"
    assert double(x=4) == 8
    assert isinstance(double, Component)
    assert (double.__name__, double.name) == ("double", "double")


def test_a_pipeline_compiles_to_plain_data() -> None:
    @pipeline(name="taxi")
    def flow(n: int, rate: float = 0.5) -> None:
        data = make(n)
        first = train(data, rate)
        train(data.examples, node="again", after=[first])

    ir = flow.compile({"n": 3})
    assert canonical_json(ir.to_json()) == canonical_json(
        {
            "format": "treadle.pipeline/1",
            "name": "taxi",
            "module": __name__,
            "parameters": {"n": 3, "rate": 0.5},
            "nodes": [
                {
                    "name": "make",
                    "component": {"module": __name__, "name": "make"},
                    "arguments": {"n": {"value": 3}},
                    "outputs": {"examples": "Examples"},
                    "after": [],
                    "cache": True,
                    "resolves": False,
                    "line": flow.function.__code__.co_firstlineno + 2,
                },
                {
                    "name": "train",
                    "component": {"module": __name__, "name": "train"},
                    "arguments": {"examples": {"from": ["make", "examples"]}, "rate": {"value": 0.5}},
                    "outputs": {"model": "Model", "log": "Artifact"},
                    "after": [],
                    "cache": True,
                    "resolves": False,
                    "line": flow.function.__code__.co_firstlineno + 3,
                },
                {
                    "name": "again",
                    "component": {"module": __name__, "name": "train"},
                    "arguments": {"examples": {"from": ["make", "examples"]}, "rate": {"value": 0.1}},
                    "outputs": {"model": "Model", "log": "Artifact"},
                    "after": ["train"],
                    "cache": True,
                    "resolves": False,
                    "line": flow.function.__code__.co_firstlineno + 4,
                },
            ],
        }
    )
    assert ir.nodes["again"].upstream() == ["make", "train"]


def test_names_of_repeated_calls() -> None:
    @pipeline
    def flow() -> None:
        for _ in range(3):
            double(1)
        double(1, node="double_5")
        double(1)
        double(1)

    assert list(flow.compile().nodes) == ["double", "double_2", "double_3", "double_5", "double_4", "double_6"]


def test_a_pipeline_inside_a_pipeline_places_its_nodes() -> None:
    @pipeline
    def inner(n: int) -> Any:
        return make(n)

    @pipeline
    def outer() -> None:
        train(inner(3))

    assert list(outer.compile().nodes) == ["make", "train"]


def compile_(body: Callable[[], object]) -> None:
    Pipeline(body).compile()


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "wrong type wired": (
        lambda: train(train(make(1)).model),
        "and output 'model' of node 'train' is Model",
    ),
    "a value for an artifact": (lambda: train(3), "takes an output of a node, not 3"),
    "an artifact for a value": (lambda: double(make(1)), "is Examples, not a value"),
    "wrong JSON type": (lambda: double("a"), "takes int, not 'a'"),
    "a bool is no int": (lambda: double(True), "takes int, not True"),
    "not JSON": (lambda: kinds_of(object()), "Not a JSON value"),
    "not a finite number": (lambda: kinds_of(float("nan")), "Not a JSON value"),
    "odd keys": (lambda: kinds_of({1: 2}), "Not a JSON value"),
    "missing input": (lambda: train(rate=0.2), "needs 'examples'"),
    "unknown parameter": (lambda: double(y=1), "has no parameter 'y'"),
    "too many": (lambda: double(1, 2), "takes 1 arguments, not 2"),
    "given twice": (lambda: double(1, x=2), "got 'x' twice"),
    "output given": (lambda: make(1, examples=3), "has no parameter 'examples'"),
    "unknown output": (lambda: make(1).model, "no output 'model'"),
    "several outputs": (lambda: train(make(1)) and None, "has no value"),
    "which output": (lambda: double(train(make(1))), "has 2 outputs"),
    "a value of a promise": (lambda: double(double(1).value + 1), "has no value while"),
    "a choice by a promise": (lambda: double(2) if double(1) else None, "has no value while"),
    "a loop over a promise": (lambda: [double(x) for x in double(1)], "has no value while"),
    "name clash": (lambda: (double(1, node="a"), double(2, node="a")), "Two nodes are named 'a'"),
    "bad name": (lambda: double(1, node="a b"), "cannot name a node"),
    "a path for a name": (lambda: double(1, node="../x"), "cannot name a node"),
    "after what": (lambda: double(1, after=["make"]), "after= takes nodes"),
    "after a number": (lambda: double(1, after=3), "after= takes nodes, not 3"),
    "after a name": (lambda: double(1, after="make"), "after= takes nodes, not 'make'"),
    "after a component": (lambda: double(1, after=double), "after= takes nodes, not <component"),
    "a component for what it makes": (lambda: train(make), "takes an output of a node, not <component"),
    "not a function": (lambda: applied(3), "Not a function"),
    "a function without a name": (lambda: applied(lambda x: x), "cannot be imported"),
    "no nodes": (lambda: None, "has no nodes"),
}


@component
def kinds_of(x: Any) -> None: ...


@component
def applied(f: Callable[..., Any]) -> None: ...


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake: str) -> None:
    body, words = MISTAKES[mistake]
    with pytest.raises(PipelineError) as raised:
        compile_(body)
    assert words in raised.value.what
    assert "pipeline" in raised.value.where
    assert "file" in raised.value.where
    if mistake != "no nodes":
        assert raised.value.where["line"] in range(body.__code__.co_firstlineno, body.__code__.co_firstlineno + 3)


def test_the_line_of_a_mistake_is_told() -> None:
    @pipeline
    def flow() -> None:
        make(1)
        double("a")

    with pytest.raises(PipelineError) as raised:
        flow.compile()
    assert raised.value.where["line"] == flow.function.__code__.co_firstlineno + 3
    assert raised.value.where["node"] == "double"


def test_a_pipeline_function_that_raises_is_the_users_error() -> None:
    @pipeline
    def flow() -> None:
        raise KeyError("k")

    with pytest.raises(UserCodeError) as raised:
        flow.compile()
    assert isinstance(raised.value.__cause__, KeyError)
    assert str(raised.value.where["file"]).endswith(f"{flow.function.__code__.co_firstlineno + 2}")


PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "needs a value for 'n'"),
    "unknown": ({"n": 1, "m": 2}, "no parameter 'm'"),
    "wrong type": ({"n": "one"}, "'n' takes int, not 'one'"),
    "not JSON": ({"n": 1, "extra": object()}, "not a JSON value"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_are_checked(case: str) -> None:
    @pipeline
    def flow(n: int, extra: Any = None) -> None:
        double(n)

    given, words = PARAMETERS[case]
    with pytest.raises(PipelineError, match=words):
        flow.compile(given)


def test_components_that_no_node_can_be_made_from() -> None:
    def variadic(*args: int) -> None: ...

    def reserved(node: int) -> None: ...

    def both(*, value: Output[Model]) -> int: ...

    def unknown(x: NoSuchName) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    async def later() -> int: ...

    def one_by_one() -> Iterator[int]:
        yield 1

    for function, words in [
        (variadic, "cannot be filled by name"),
        (later, "async"),
        (one_by_one, "yields"),
        (reserved, "reserved"),
        (both, "named 'value'"),
        (unknown, "NoSuchName"),
    ]:
        with pytest.raises(ComponentError, match=words) as raised:
            component(function).signature  # noqa: B018
        assert __file__ in str(raised.value.where["file"])


def test_a_component_that_is_made_of_the_wrong_thing_is_told_with_its_place() -> None:
    class Empty: ...

    for made, words in [
        (lambda: component(Empty), "has a method run"),
        (lambda: component(resolve=1)(lambda: 1), "resolve= takes a function, not 1"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(ComponentError, match=words) as raised:
            made()
        assert __file__ in str(raised.value.where["file"])


def test_the_room_is_its_decorator_too() -> None:
    import treadle
    import treadle.pipeline as room

    assert treadle.pipeline is room
    assert isinstance(room(lambda: None), Pipeline)


def test_a_pipeline_may_be_longer_than_the_stack_of_python() -> None:
    @pipeline
    def long(from_both: bool = False) -> None:
        last = double(1)
        for _ in range(sys.getrecursionlimit()):
            last = double(last)
        with when(last.value > 0) as good:
            yes = double(last)
        with good.otherwise():
            double(last)
            if from_both:
                double(yes)

    assert len(long.compile().nodes) == sys.getrecursionlimit() + 3
    with pytest.raises(PipelineError, match="can never run"):
        long.compile({"from_both": True})
