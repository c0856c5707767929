"""Conditions, loops, exit blocks, parts and settings as people write them, and the mistakes they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from treadle.artifact import Artifact, Examples, Model, Output, canonical_json
from treadle.errors import ComponentError, PipelineError, UsageError
from treadle.pipeline import (
    Component,
    ListOf,
    NodeIR,
    Pipeline,
    PipelineIR,
    Wire,
    at_exit,
    component,
    for_each,
    leaves,
    one_of,
    pipeline,
    when,
)
from treadle.pipeline._check import check_graph
from treadle.pipeline._condition import Condition


@component
def score(x: float = 0.5) -> float:
    return x


@component
def word() -> str:
    return "w"


@component
def whole(x: int) -> int:
    return x


@component
def numbers(n: int = 3) -> list[float]:
    return [0.5] * n


@component
def facts() -> dict[str, Any]:
    return {}


@component
def fit(rate: float, *, model: Output[Model], log: Output[Artifact]) -> None: ...


@component
def ensemble(models: list[Model]) -> float:
    return float(len(models))


@component(retries=2, timeout=5, resources={"cpu": 2}, cache=False)
def heavy(x: int = 1) -> int:
    return x


@component
def own(timeout: int) -> int:
    return timeout


@component
def tell(status: dict[str, Any]) -> None: ...


@component
def gather(parts: Any) -> None: ...


def compiled(body: Callable[[], object]) -> PipelineIR:
    return Pipeline(body).compile()


def test_conditions_are_part_of_the_ir_and_make_nodes_wait() -> None:
    def body() -> None:
        a, b = score(0.5), facts()
        with when((a > 0.9) | ~(b.value["auc"] == None) & (a <= a)):  # noqa: E711
            whole(1)
            with when(a):
                whole(2)

    nodes = compiled(body).nodes
    assert str(nodes["whole"].when) == (
        "score.value > 0.9 or (not facts.value['auc'] == None and score.value <= score.value)"
    )
    assert nodes["whole"].upstream() == ["score", "facts"]
    assert nodes["whole_2"].when is not None
    assert nodes["whole_2"].when.op == "and"
    assert nodes["score"].when is None
    canonical_json(compiled(body).to_json())


def test_a_password_is_refused_wherever_it_stands() -> None:
    secret = "postgresql://me:hunter2@host/rides"

    def as_key() -> None:
        gather({"of": [{secret: 1}]})

    def in_a_condition() -> None:
        with when((score(0.5) > 0.9) & ~(word() == secret)):
            whole(1)

    for body in (as_key, in_a_condition):
        with pytest.raises(UsageError, match="holds a password") as caught:
            compiled(body)
        assert "hunter2" not in str(caught.value)


def test_a_condition_known_at_once_is_no_mistake() -> None:
    def body() -> None:
        with when(False) as off:
            whole(1)
        with off.otherwise():
            whole(2)

    nodes = compiled(body).nodes
    assert [node.when.decide(lambda _: None) for node in nodes.values() if node.when is not None] == [False, True]


def test_loops_over_lists_are_written_out_when_compiled() -> None:
    def body() -> None:
        with for_each([{"rate": 0.1}, {"rate": 0.2}, {"rate": 0.3}], parallelism=2) as grid:
            made = fit(grid["rate"])
            whole(1, after=[made])
        ensemble(made.model)

    nodes = compiled(body).nodes
    assert list(nodes) == ["fit.0", "fit.1", "fit.2", "whole.0", "whole.1", "whole.2", "ensemble"]
    assert nodes["fit.1"].arguments["rate"].to_json() == {"value": 0.2}
    assert nodes["fit.2"].settles == ("fit.0", "whole.0")
    assert nodes["whole.1"].after == ("fit.1",)
    assert nodes["ensemble"].upstream() == ["fit.0", "fit.1", "fit.2"]


def test_loops_over_what_a_run_will_tell_stay() -> None:
    def body() -> None:
        with for_each(numbers()) as rate:
            fit(rate)

    node = compiled(body).nodes["fit"]
    assert node.each is not None
    assert node.each.source == Wire("numbers", "value")
    assert node.upstream() == ["numbers"]


def test_parts_have_names() -> None:
    @pipeline
    def features(n: int) -> Any:
        return whole(whole(n))

    def body() -> None:
        whole(features(1, node="left"))
        features(2, node="right")
        features(3)

    assert list(compiled(body).nodes) == [
        "left.whole",
        "left.whole_2",
        "whole",
        "right.whole",
        "right.whole_2",
        "whole_2",
        "whole_3",
    ]


def test_settings_are_the_components_or_the_calls() -> None:
    def body() -> None:
        heavy()
        heavy(retries=0, timeout=None, resources={"gpu": 1}, cache=True)
        own(timeout=3)

    nodes = compiled(body).nodes
    first, second = nodes["heavy"], nodes["heavy_2"]
    assert (first.settings.retries, first.settings.timeout, first.settings.resources) == (2, 5.0, {"cpu": 2.0})
    assert (second.settings.retries, second.settings.timeout, second.settings.resources) == (0, None, {"gpu": 1.0})
    assert (first.cache, second.cache) == (False, True)
    assert nodes["own"].settings.timeout is None
    assert nodes["own"].arguments["timeout"].to_json() == {"value": 3}


def test_exit_nodes_wait_for_all_others_wherever_they_are_written() -> None:
    def body() -> None:
        with at_exit() as status, when(status["state"] == "failed"):
            tell(status)
        whole(1)

    node = compiled(body).nodes["tell"]
    assert (node.settles, node.at_exit, node.cache) == (("whole",), True, False)


def item_outside() -> None:
    with for_each([1]) as x:
        whole(x)
    whole(x)


def item_of_another_loop() -> None:
    with for_each([1]), for_each([2]) as x:
        whole(x)
    with for_each([3]):
        whole(x)


def one_of_a_round_and_another() -> None:
    with for_each([0.5]) as rate:
        made = fit(rate)
    ensemble(one_of(made.model, fit(0.1).model))


def one_of_two_loops() -> None:
    with for_each([0.5]) as rate:
        made = score(rate, node="a")
    with for_each([0.5]) as rate:
        again = score(rate, node="b")
    gather(one_of(made, again))


def one_of_rounds_among_others() -> None:
    with for_each([0.5]) as rate:
        made, again = fit(rate, node="a"), fit(rate, node="b")
    ensemble([one_of(made.model, again.model)])


def one_of_rounds_as_a_number() -> None:
    with for_each([1]) as x:
        made, again = whole(x, node="a"), whole(x, node="b")
    whole(one_of(made, again))


def gathered_alone() -> None:
    with for_each([0.5]) as rate:
        made = fit(rate)
    ensemble([made.model])


def gathered_condition() -> None:
    with for_each([0.5]) as rate:
        made = score(rate)
    with when(made > 3):
        whole(1)


def gathered_value() -> None:
    with for_each([1]) as x:
        made = whole(x)
    whole(made)


def unreachable() -> None:
    with when(score() > 0.5) as good:
        a = whole(1)
    with good.otherwise():
        whole(a)


def unreachable_by_the_opposite() -> None:
    s = score()
    with when(s > 0.5):
        a = whole(1)
    with when(s <= 0.5):
        whole(2, after=[a])


def circle() -> None:
    with at_exit():
        late = whole(1)
    whole(late)


def exit_in_when() -> None:
    with when(score() > 1), at_exit() as status:
        tell(status)


def clash_of_parts() -> None:
    @pipeline
    def part() -> None:
        whole(1)

    part(node="a")
    part(node="a")


def part_in_itself() -> None:
    @pipeline
    def part(n: int) -> None:
        whole(n)
        part(n + 1)

    part(1)


def two_artifact_types() -> None:
    @component
    def both(*, examples: Output[Examples]) -> None: ...

    with for_each([fit(0.1).log]) as log:
        ensemble([log])


def python_and() -> None:
    s = score()
    with when(s > 0.5 and s < 0.7):
        whole(1)


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a text for a number": (lambda: whole(word()), "takes int, and output 'value' of node 'word' is str"),
    "a float for an int": (lambda: whole(score()), "takes int, and output 'value' of node 'score' is float"),
    "an item after its loop": (item_outside, "is used outside of that loop"),
    "an item in another loop": (item_of_another_loop, "is used outside of that loop"),
    "one of one": (lambda: one_of(whole(1)), "one_of takes two or more"),
    "one of a number": (lambda: one_of(whole(1), 3), "one_of takes two or more"),
    "one of a round and another": (one_of_a_round_and_another, "in different loops"),
    "one of rounds of two loops": (one_of_two_loops, "in different loops"),
    "one of rounds, among others": (one_of_rounds_among_others, "is a list here"),
    "one of rounds, as a number": (one_of_rounds_as_a_number, "takes int, and output 'value' of node 'a' is list"),
    "one of a text and a number, as a number": (lambda: whole(one_of(whole(1), word())), "takes int, and output"),
    "one of, of two types": (lambda: ensemble([one_of(fit(0.1).model, fit(0.2).log)]), "takes Model, and"),
    "one of artifacts as a value": (lambda: whole(one_of(fit(0.1).model, score())), "is Model, not a value"),
    "a condition on one of": (lambda: when(one_of(whole(1), score()) > 1), "A condition on one of"),
    "one of as a condition": (lambda: when(one_of(whole(1), score())), "A condition on one of"),
    "a loop through one of": (lambda: for_each(one_of(whole(1), score())).__enter__(), "A loop through one of"),
    "a loop as a list": (lambda: list(for_each([1])), "for_each is a block"),
    "a part in itself": (part_in_itself, "calls itself without an end"),
    "a loop over a number": (lambda: for_each(score()).__enter__(), "is float, not a list"),
    "a loop over an artifact": (lambda: for_each(fit(0.1).model).__enter__(), "is one Model, not a list"),
    "a loop over a text": (lambda: for_each("abc").__enter__(), "goes through a list"),
    "no rounds at once": (lambda: for_each([1], parallelism=0).__enter__(), "whole number from 1"),
    "rounds among others": (gathered_alone, "is a list here"),
    "a condition on all rounds": (gathered_condition, "is a list here"),
    "all rounds for one value": (gathered_value, "takes int, and output 'value' of node 'whole' is list"),
    "unreachable": (unreachable, "can never run"),
    "unreachable by the opposite": (unreachable_by_the_opposite, "can never run"),
    "a circle": (circle, "Nodes wait for each other: "),
    "exit inside a condition": (exit_in_when, "no part of another block"),
    "parts of one name": (clash_of_parts, "Two parts of the pipeline are named 'a'"),
    "wrong artifacts of a loop": (two_artifact_types, "takes Model, and an item of the loop"),
    "a value in a text": (lambda: whole(f"rate {score().value}"), "has no value while the pipeline is being compiled"),
    "arithmetic": (lambda: whole(2 - score().value), "has no value while the pipeline is being compiled"),
    "Python's and": (python_and, "is known only when the pipeline runs"),
    "a condition on an artifact": (lambda: when(fit(0.1).model), "is Model, not a value"),
    "a comparison with a list": (lambda: when(score() == [1]), "can be compared with"),
    "no condition": (lambda: when([1]), "Not a condition"),
    "a part of an artifact": (lambda: ensemble([fit(0.1).model["rows"]]), "not a part of it"),
    "cache": (lambda: whole(1, cache=1), "cache is True or False"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_the_line_of_the_pipeline_function(mistake: str) -> None:
    body, words = MISTAKES[mistake]
    with pytest.raises(PipelineError) as raised:
        compiled(body)
    assert words in raised.value.what
    line = raised.value.where["line"]
    assert isinstance(line, int)
    assert body.__code__.co_firstlineno <= line <= body.__code__.co_firstlineno + 8
    assert raised.value.where["file"] == __file__


def test_settings_that_are_none() -> None:
    with pytest.raises(ComponentError, match="retries is a whole number"):
        compiled(lambda: whole(1, retries=-1))


def test_handles_of_another_compilation_are_refused() -> None:
    kept: list[Any] = []
    compiled(lambda: kept.append(whole(1)))
    with pytest.raises(PipelineError, match="belongs to another compilation"):
        compiled(lambda: whole(kept[0]))


def test_blocks_are_for_pipeline_functions() -> None:
    with pytest.raises(PipelineError, match="when is for pipeline functions"):
        when(True)


def test_graphs_from_elsewhere_are_checked() -> None:
    reference = compiled(lambda: whole(1)).nodes["whole"].component

    def node(name: str, *after: str, **wires: Wire) -> NodeIR:
        return NodeIR(name, reference, wires, {"value": "Value"}, after)

    with pytest.raises(PipelineError, match="Nodes wait for each other: a <- b <- a"):
        check_graph({"a": node("a", "b"), "b": node("b", "a")})
    with pytest.raises(PipelineError, match="is no node of this pipeline"):
        check_graph({"a": node("a", "c")})
    with pytest.raises(PipelineError, match="has no output 'model'"):
        check_graph({"a": node("a"), "b": node("b", x=Wire("a", "model"))})


def test_conditions_decide_as_python_does() -> None:
    a, b = Wire("a", "value"), Wire("b", "value")
    values: dict[str, Any] = {"a": 1, "b": 2}

    def holds(condition: Condition) -> bool:
        return condition.decide(lambda wire: values[wire.node])

    less, equal = Condition("<", (a, b)), Condition("==", (a, b))
    assert holds(less)
    assert not holds(equal)
    assert holds(less | equal)
    assert not holds(less & equal)
    assert holds(~equal)
    assert holds(~(less & equal))
    assert not holds(~(less | equal))
    assert ~~less == less
    assert not holds(less & False)
    values["b"] = "x"
    with pytest.raises(PipelineError, match="compares 1 with 'x'"):
        holds(less)


def test_components_are_plain_functions_still() -> None:
    assert isinstance(score, Component)
    assert score(x=0.25) == 0.25


def wires_of(node: NodeIR, name: str) -> list[str]:
    return [str(leaf) for leaf in leaves(node.arguments[name])]


def test_a_loop_in_a_loop_is_written_out_round_by_round() -> None:
    def body() -> None:
        with for_each([0.1, 0.2], parallelism=1) as rate:
            first = fit(rate)
            with for_each([1, 2]) as x:
                inner = whole(x, node="inner")
                score(rate, node="both", after=[inner, first])
            gather(inner, node="of_one")
        gather(inner, node="of_all")
        ensemble(first.model)

    nodes = compiled(body).nodes
    assert [name for name in nodes if name.startswith("inner")] == ["inner.0.0", "inner.0.1", "inner.1.0", "inner.1.1"]
    assert nodes["both.1.0"].after == ("inner.1.0", "fit.1")
    assert wires_of(nodes["both.1.0"], "x") == ["Constant(value=0.2)"]
    assert wires_of(nodes["of_one.1"], "parts") == ["inner.1.0.value", "inner.1.1.value"]
    every = ["inner.0.0.value", "inner.0.1.value", "inner.1.0.value", "inner.1.1.value"]
    assert wires_of(nodes["of_all"], "parts") == every
    assert isinstance(nodes["of_all"].arguments["parts"], ListOf)
    assert len(nodes["of_all"].arguments["parts"].items) == 4  # flat
    assert {"fit.0", "inner.0.0", "inner.0.1", "of_one.0"} <= set(nodes["inner.1.1"].settles)


def test_a_loop_over_the_items_of_an_item_and_three_deep() -> None:
    def body() -> None:
        with for_each([[[1], [2, 3]], [[4]]]) as a, for_each(a) as b, for_each(b) as c:
            deep = whole(c)
        gather(deep)

    nodes = compiled(body).nodes
    assert [name for name in nodes if name.startswith("whole")] == [
        "whole.0.0.0",
        "whole.0.1.0",
        "whole.0.1.1",
        "whole.1.0.0",
    ]
    assert len(leaves_of(nodes["gather"])) == 4


def test_loops_in_parts_and_conditions_and_the_other_way_round() -> None:
    @pipeline
    def part(x: int) -> Any:
        with for_each([10, 20]) as y, when(y > x):
            return whole(y)

    def body() -> None:
        with when(score() > 0.3), for_each([5, 15]) as x:
            inside = part(x, node="p")
        gather(inside)

    nodes = compiled(body).nodes
    assert [name for name in nodes if name.startswith("p.")] == [f"p.whole.{i}.{j}" for i in (0, 1) for j in (0, 1)]
    assert str(nodes["p.whole.1.0"].when) == "score.value > 0.3 and 10 > 15"


def leaves_of(node: NodeIR) -> list[Any]:
    return [leaf for argument in node.arguments.values() for leaf in leaves(argument)]


def test_branches_meet_again_and_a_node_after_them_is_reachable() -> None:
    def body() -> None:
        with when(score() > 0.5) as good:
            big = fit(1.0, node="big")
        with good.otherwise():
            small = fit(2.0, node="small")
        ensemble([one_of(big.model, small.model)])
        gather(one_of(score(node="a"), score(node="b")))

    nodes = compiled(body).nodes
    assert nodes["ensemble"].options() == [("big", "small")]
    assert nodes["ensemble"].upstream() == []
    assert list(nodes["ensemble"].before()) == ["big", "small"]
    assert canonical_json(nodes["ensemble"].to_json()).count(b"one_of") == 1


def test_a_part_may_place_itself_as_often_as_is_known() -> None:
    @pipeline
    def halves(n: int) -> None:
        whole(n)
        if n > 1:
            halves(n // 2, node="left")
            halves(n // 2, node="right")

    assert len(compiled(lambda: halves(4)).nodes) == 7


def test_branches_of_rounds_meet_after_the_loop() -> None:
    def body() -> None:
        with for_each([0.1, 0.9]) as x, for_each([1, 2]) as y:
            with when(y > x) as large:
                big = fit(x, node="big")
            with large.otherwise():
                small = fit(x, node="small")
            either = one_of(big.model, small.model)
        ensemble(either)

    (argument,) = compiled(body).nodes["ensemble"].arguments.values()
    assert isinstance(argument, ListOf)
    names = [f"{x}.{y}" for x in (0, 1) for y in (0, 1)]
    assert [str(item) for item in argument.items] == [f"one of big.{n}.model, small.{n}.model" for n in names]
