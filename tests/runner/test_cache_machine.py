"""Edits, parameters, data, damage, collections and failures in any order: a node runs exactly when it must.

The model knows a node's result by what it is made from; a node may be reused when something was made from the same
before, and its bytes are still there and whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from project_folder import Project

from treadle.storage import ArtifactStore, take_out

SOURCE = """
import words

CONSTANT = {constant}

def shout(text, mark={default!r}):
    return text.upper() + mark

def with_tail(function):
    def wrapped(text):
        return function(text) + {decorator!r}
    return wrapped

class Holder:
    tail = {attribute!r}

@with_tail
def decorated(text):
    return text

@component
def read(data: File, times: int) -> str:
    return Path(data).read_text() * times

@component
def change(text: str) -> int:
    return len(decorated(shout(words.first(text)))) + CONSTANT

@component
def tell(number: int, fails: bool) -> str:
    if fails:
        raise ValueError("as asked")
    return str(number) + Holder.tail

@pipeline
def p(times: int = 1, fails: bool = False):
    tell(change(read("data.txt", times)), fails)
"""
HELPER = "def first(text):\n    return text[:{first}]\n"


class CacheLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.before = Path.cwd()
        self.project = Project(Path(tempfile.mkdtemp()))
        os.chdir(self.project.folder)
        self.says = {"constant": 1, "default": "!", "decorator": "~", "attribute": ".", "first": 2, "data": "abc"}
        self.made: dict[object, str] = {}
        """From what, for every node: the digest of what came of it."""
        self.lost: set[str] = set()
        """Digests whose bytes are gone or damaged. Who makes the same again, of whatever, brings them back for all."""

    def teardown(self) -> None:
        os.chdir(self.before)
        shutil.rmtree(self.project.folder)

    @rule(
        name=st.sampled_from(["constant", "default", "decorator", "attribute", "first", "data"]), to=st.integers(0, 2)
    )
    def edit(self, name: str, to: int) -> None:
        kinds = {"constant": to, "first": to + 1, "data": "abcdef"[: to + 2]}
        self.says[name] = kinds.get(name, "!?."[to])

    @rule(times=st.integers(1, 2), fails=st.booleans())
    def run(self, times: int, fails: bool) -> None:
        says = self.says
        self.project.write(SOURCE.format(**says))
        self.project.write(HELPER.format(**says), "words.py")
        (self.project.folder / "data.txt").write_text(str(says["data"]))
        result = self.project.run({"times": times, "fails": fails})

        text = str(says["data"]) * times
        shouted = text[: int(says["first"])].upper() + str(says["default"]) + str(says["decorator"])
        number = len(shouted) + int(says["constant"])
        code = tuple(says[name] for name in ("constant", "default", "decorator", "first"))
        nodes = [
            ("read", ("read", says["data"], times), text),
            ("change", ("change", text, code), number),
            ("tell", ("tell", number, fails, says["attribute"]), f"{number}{says['attribute']}"),
        ]
        for name, source, value in nodes:
            found = result.nodes[name]
            if name == "tell" and fails:
                assert found.state == "failed", "what failed is never reused"
                continue
            expected = "cached" if self.made.get(source, "") not in {"", *self.lost} else "ran"
            assert (found.state, found.value) == (expected, value), f"{name}: {found.reason}"
            self.made[source] = found.outputs["value"].digest
            self.lost.discard(self.made[source])

    @precondition(lambda self: set(self.made.values()) - self.lost)
    @rule(data=st.data(), how=st.sampled_from(["collected", "damaged"]))
    def lose(self, data: st.DataObject, how: str) -> None:
        """An artifact: everything that it was the result of must run again."""
        digest = data.draw(st.sampled_from(sorted(set(self.made.values()) - self.lost)))
        store = ArtifactStore(self.project.home)
        if how == "collected":
            take_out(store, digest)
        else:
            (file,) = store.path(digest).iterdir()
            file.chmod(0o644)
            file.write_bytes(b"nonsense")
        self.lost.add(digest)


@pytest.mark.parametrize(("lives", "steps"), [(4, 14), pytest.param(60, 25, marks=pytest.mark.drill)])
def test_the_cache_is_never_stale(lives: int, steps: int) -> None:
    asked = settings(max_examples=lives, stateful_step_count=steps, deadline=None, derandomize=True)
    run_state_machine_as_test(CacheLife, settings=asked)
    print(f"{lives} lives of a cache, up to {steps} steps each: 0 stale, 0 run in vain")
