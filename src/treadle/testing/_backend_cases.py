"""Small pipelines with what must come of them, for `BackendContract`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HEAD = """
from __future__ import annotations
import os, time
from collections.abc import Callable
from pathlib import Path
import treadle
from treadle import File, Output, component, pipeline
from treadle.artifact import Artifact, Model
from treadle.pipeline import Skip

@component
def number(n: int) -> int:
    return n

@component
def numbers(n: int) -> list[int]:
    return list(range(n))

@component
def double(x: float) -> float:
    return 2 * x

@component
def total(xs: list) -> float:
    return sum(xs)

@component
def write(text: str, *, file: Output[Model]) -> None:
    (file.path / "a.txt").write_text(text)
    file.properties["length"] = len(text)

@component
def read(file: Model) -> str:
    return (file.path / "a.txt").read_text()
"""


@dataclass(frozen=True)
class Case:
    """A pipeline and how each of its nodes must end."""

    feature: str
    """What it needs of the backend."""
    text: str
    """The pipeline; `HEAD` comes before it."""
    states: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    """What nodes return."""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By node: the files in its output ``file``."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why nodes did not run."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """The codes of errors."""
    attempts: Mapping[str, int] = field(default_factory=dict)
    """How many executions a node has, if not one."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    run_time: tuple[str, ...] = ()
    """Parameters whose values a backend that compiles is to leave open until the run."""
    state: str = "succeeded"
    """Of the run."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Other files of the project."""


CASES: Mapping[str, Case] = {
    "values": Case(
        "values",
        """
        @component
        def parts(n: int) -> dict:
            return {"a": [n, n + 0.5], "b": "text"}

        @pipeline
        def p(n: int = 1):
            made = parts(n)
            total([double(made.value["a"][1]), made.value["a"][0]])
            number(3)
        """,
        {"parts": "ran", "double": "ran", "total": "ran", "number": "ran"},
        values={"parts": {"a": [4, 4.5], "b": "text"}, "double": 9.0, "total": 13.0, "number": 3},
        parameters={"n": 4},
        run_time=("n",),
    ),
    "artifacts": Case(
        "artifacts",
        """
        @component
        def join(files: list[Model], more: Model | None = None, *, file: Output[Model]) -> int:
            (file.path / "a.txt").write_text("".join((one.path / "a.txt").read_text() for one in files))
            return len(files)

        @component
        def apply(function: Callable, note: File, *, file: Output[Model]) -> None:
            (file.path / "a.txt").write_text(function(note.read_text()))

        def louder(text):
            return text.upper() + "!"

        @pipeline
        def p(text: str = "x"):
            first, second = write(text), write("b", node="second")
            read(join([first, second]).file)
            apply(louder, "note.txt")
        """,
        {"write": "ran", "second": "ran", "join": "ran", "read": "ran", "apply": "ran"},
        values={"join": 2, "read": "hab"},
        files={"write": {"a.txt": "ha"}, "join": {"a.txt": "hab"}, "apply": {"a.txt": "HALLO!"}},
        parameters={"text": "ha"},
        run_time=("text",),
        beside={"note.txt": "hallo"},
    ),
    "a condition that holds": Case(
        "conditions",
        """
        @pipeline
        def p():
            n, f = number(5), write("abc")
            with treadle.when((n.value > 3) & (f.file["length"] == 3)) as good:
                d = double(n.value)
                with treadle.when(d.value >= 11):
                    number(1, node="never")
                read(f)
            with good.otherwise():
                number(2, node="other")
        """,
        {"number": "ran", "write": "ran", "double": "ran", "read": "ran", "never": "skipped", "other": "skipped"},
        values={"double": 10},
        reasons={
            "never": "the condition does not hold: "
            "(number.value > 3 and write.file['length'] == 3) and double.value >= 11"
            " (number.value is 5, write.file['length'] is 3, double.value is 10)",
        },
    ),
    "a condition that does not hold": Case(
        "conditions",
        """
        @pipeline
        def p():
            n = number(2)
            with treadle.when(n.value > 3) as good:
                d = double(n.value)
            double(d.value, node="after")
            with good.otherwise():
                number(7, node="other")
        """,
        {"number": "ran", "double": "skipped", "after": "skipped", "other": "ran"},
        values={"other": 7},
        reasons={
            "double": "the condition does not hold: number.value > 3 (number.value is 2)",
            "after": "double was skipped",
        },
    ),
    "a loop": Case(
        "loops",
        """
        @pipeline
        def p():
            with treadle.for_each(numbers(3), parallelism=2) as n:
                d = double(n)
                w = write("x", node="w")
                read(w, node="r", after=[d])
            total(d.value)
            with treadle.for_each(d.value) as again:
                double(again, node="again")
        """,
        {
            **{f"{name}.{n}": "ran" for name in ("double", "w", "r", "again") for n in range(3)},
            "numbers": "ran",
            "total": "ran",
        },
        values={"double.2": 4, "total": 6, "again.1": 4},
    ),
    "a loop over what is known": Case(
        "loops",
        """
        @pipeline
        def p(items: list = [1, 2]):
            with treadle.for_each(items, parallelism=1) as n:
                d = double(n)
            total(d.value)
        """,
        {"double.0": "ran", "double.1": "ran", "double.2": "ran", "total": "ran"},
        values={"total": 14.0},
        parameters={"items": [1.5, 2.5, 3]},
    ),
    "loops in loops": Case(
        "nested loops",
        """
        @component
        def upto(n: int) -> list[int]:
            return list(range(n))

        @pipeline
        def p():
            with treadle.for_each(numbers(3)) as n:
                d = double(n)
                with treadle.for_each(upto(n)) as m:
                    t = total([d.value, m], node="inner")
                with treadle.for_each([10, 20], parallelism=1) as m:
                    total([n, m], node="known")
                total(t.value, node="round")
            total(t.value, node="all")
        """,
        {
            "numbers": "ran",
            **{f"{name}.{n}": "ran" for name in ("double", "upto", "round") for n in range(3)},
            **{f"inner.{n}": "ran" for n in ("1.0", "2.0", "2.1")},
            **{f"known.{n}.{m}": "ran" for n in range(3) for m in range(2)},
            "all": "ran",
        },
        values={"inner.2.1": 5, "known.2.1": 22, "round.0": 0, "round.2": 9, "all": 11},
    ),
    "branches that meet": Case(
        "one_of",
        """
        @pipeline
        def p():
            n = number(5)
            with treadle.when(n.value > 3) as many:
                a = double(n.value, node="big")
                with treadle.when(a.value > 100):
                    b = double(a.value, node="huge")
            with many.otherwise():
                c = double(1, node="small")
            made = double(treadle.one_of(b.value, c.value, a.value), node="first")
            double(treadle.one_of(b.value, c.value), node="none")
            with treadle.when(n.value > 3):
                double(made.value, node="after")
        """,
        {
            **dict.fromkeys(("number", "big", "first", "after"), "ran"),
            **dict.fromkeys(("huge", "small", "none"), "skipped"),
        },
        values={"big": 10, "first": 20, "after": 40},
        reasons={
            "none": "huge was skipped",
            "small": "the condition does not hold: not number.value > 3 (number.value is 5)",
        },
    ),
    "a join of two conditions": Case(
        "joins",
        """
        @pipeline
        def p():
            a, b = number(1, node="a"), number(2, node="b")
            with treadle.when(a.value == 1):
                c = double(a.value, node="c")
            with treadle.when(b.value == 2):
                d = double(b.value, node="d")
            with treadle.when(b.value == 3):
                e = double(b.value, node="e")
            total([c.value, d.value], node="both")
            total([c.value, e.value], node="one")
            with treadle.when((c.value == 2) & (d.value == 4)):
                double(8, node="under")
        """,
        {**dict.fromkeys(("a", "b", "c", "d", "both", "under"), "ran"), "e": "skipped", "one": "skipped"},
        values={"both": 6, "under": 16},
        reasons={"one": "e was skipped"},
    ),
    "some rounds only": Case(
        "joins",
        """
        @component
        def even(n: int) -> bool:
            return n % 2 == 0

        @pipeline
        def p():
            with treadle.for_each(numbers(2)) as n:
                e = even(n)
                with treadle.when(e.value) as good:
                    a = double(n, node="a")
                with good.otherwise():
                    b = number(7, node="b")
                c = double(treadle.one_of(a.value, b.value), node="c")
            total(c.value)
            total(treadle.one_of(a.value, b.value), node="either")
            total(a.value, node="gathered")
        """,
        {
            **dict.fromkeys(("numbers", "even.0", "even.1", "a.0", "b.1", "c.0", "c.1", "total", "either"), "ran"),
            **dict.fromkeys(("a.1", "b.0", "gathered"), "skipped"),
        },
        values={"c.1": 14, "total": 14, "either": 7},
        reasons={"gathered": "a.1 was skipped"},
    ),
    "the end of a good run": Case(
        "exit",
        """
        @component
        def end(state: str, nodes: dict) -> dict:
            return {name: node["state"] for name, node in nodes.items()} | {"run": state}

        @pipeline
        def p():
            double(number(1).value)
            with treadle.at_exit() as status:
                told = end(status["state"], status["nodes"])
                with treadle.when(told.value["run"] == "failed"):
                    number(2, node="complain")
        """,
        {"number": "ran", "double": "ran", "end": "ran", "complain": "skipped"},
        values={"end": {"number": "ran", "double": "ran", "run": "succeeded"}},
    ),
    "the end of a bad run": Case(
        "exit",
        """
        @component
        def broken(n: int) -> int:
            raise ValueError("no")

        @component
        def end(status: dict) -> str:
            return status["state"] + " " + status["nodes"]["broken"]["error"]["code"]

        @pipeline
        def p():
            double(broken(1).value)
            with treadle.at_exit() as status:
                end(status)
        """,
        {"broken": "failed", "double": "skipped", "end": "ran"},
        values={"end": "failed USER_CODE"},
        reasons={"double": "broken failed"},
        errors={"broken": "USER_CODE"},
        state="failed",
    ),
    "retries": Case(
        "retries",
        """
        @component(retries=2)
        def shaky(log: str) -> int:
            with open(log, "a") as file:
                file.write("x")
            if os.path.getsize(log) < 2:
                raise ConnectionError("not now")
            return 1

        @component(retries=2)
        def bug() -> int:
            raise KeyError("always")

        @pipeline
        def p():
            shaky(os.path.abspath("shaky.log"))
            bug()
        """,
        {"shaky": "ran", "bug": "failed"},
        errors={"bug": "USER_CODE"},
        attempts={"shaky": 2},
        state="failed",
    ),
    "a process that dies": Case(
        "retries",
        """
        @component(retries=1)
        def dies(log: str) -> int:
            with open(log, "a") as file:
                file.write("x")
            if os.path.getsize(log) < 2:
                os.kill(os.getpid(), 9)
            return 1

        @pipeline
        def p():
            dies(os.path.abspath("dies.log"))
        """,
        {"dies": "ran"},
        values={"dies": 1},
        attempts={"dies": 2},
    ),
    "a timeout": Case(
        "timeout",
        """
        @component(timeout=0.5)
        def slow() -> int:
            time.sleep(60)
            return 1

        @pipeline
        def p():
            double(slow().value)
        """,
        {"slow": "failed", "double": "skipped"},
        errors={"slow": "NODE_TIMEOUT"},
        state="failed",
    ),
    "a node with nothing to do": Case(
        "skip",
        """
        @component
        def idle() -> int:
            raise Skip("nothing new")

        @pipeline
        def p():
            found = idle()
            with treadle.when(found.value > 1):
                number(1, node="inner")
            double(found.value)
        """,
        {"idle": "skipped", "inner": "skipped", "double": "skipped"},
        reasons={"idle": "nothing new", "inner": "idle was skipped", "double": "idle was skipped"},
    ),
    "a resolve step": Case(
        "resolve",
        """
        def look(folder: str) -> list:
            return sorted(os.listdir(folder))

        @component(resolve=look)
        def listed(folder: str, *, resolved: list) -> list:
            return resolved

        @pipeline
        def p():
            listed("inbox")
        """,
        {"listed": "ran"},
        values={"listed": ["a.csv"]},
        beside={"inbox/a.csv": "1"},
    ),
    "resources": Case(
        "resources",
        """
        @component(resources={"cpu": 1, "memory": "64MiB"})
        def sized() -> int:
            return 1

        @pipeline
        def p():
            sized()
        """,
        {"sized": "ran"},
        values={"sized": 1},
    ),
    "sub-pipelines": Case(
        "values",
        """
        @pipeline
        def inner(x):
            return double(x)

        @pipeline
        def p():
            inner(inner(number(1).value, node="first").value, node="second")
        """,
        {"number": "ran", "first.double": "ran", "second.double": "ran"},
        values={"second.double": 4},
    ),
    "approval": Case(
        "approval",
        """
        from treadle.components import approval

        @pipeline
        def p():
            w = write("x")
            read(w, after=[approval(w)])
        """,
        {"write": "ran", "approval": "waiting", "read": "waiting"},
        state="waiting",
    ),
}
