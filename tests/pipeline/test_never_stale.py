"""Projects made at random: whenever an edit changes what a node computes, the node's fingerprint changes.

And an edit of something that nothing in a node leads to leaves its fingerprint alone.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from remembered import Remembered

from treadle.pipeline import CodeReader, Component, find_function, load_pipeline

MODULES = ("low", "middle", "folder.inner", "pipeline")


@dataclass
class Item:
    """Something with a name in a module, and how to use it on ``x``."""

    name: str
    module: int
    use: str
    code: str
    beside: tuple[int, str] | None = None
    """Code in a later module that fills it."""


@dataclass
class Project:
    items: list[Item] = field(default_factory=list)
    nodes: list[list[str]] = field(default_factory=list)
    literals: int = 0

    def files(self, edited: int | None) -> dict[str, str]:
        bodies: dict[int, list[str]] = {index: [] for index in range(len(MODULES))}
        for item in self.items:
            bodies[item.module].append(item.code)
            if item.beside is not None:
                bodies[item.beside[0]].append(item.beside[1])
        for number, uses in enumerate(self.nodes):
            body = " + ".join(uses) or "0"
            bodies[len(MODULES) - 1].append(f"@component\ndef node{number}(x: int = 3) -> int:\n    return {body}\n")
        calls = "".join(f"    node{number}()\n" for number in range(len(self.nodes)))
        bodies[len(MODULES) - 1].append(f"@pipeline\ndef p():\n{calls}")
        files = {"folder/__init__.py": ""}
        for index, name in enumerate(MODULES):
            head = (
                "".join(f"import {other}\n" for other in MODULES[:index]) + "from treadle import component, pipeline\n"
            )
            text = head + "\n".join(bodies[index])
            for literal in range(self.literals):
                text = text.replace(f"<{literal}>", str(1000 + literal if literal == edited else literal))
            files[name.replace(".", "/") + ".py"] = text
        return files


@st.composite
def projects(draw: st.DrawFn) -> Project:
    project = Project()
    counter = itertools.count()

    def literal() -> str:
        project.literals = next(counter) + 1
        return f"<{project.literals - 1}>"

    def reference(module: int, *, constant: bool = False) -> str:
        """An expression over an earlier item, as module ``module`` may write it."""
        known = [item for item in project.items if item.module <= module and (not constant or item.name[0] == "K")]
        if not known:
            return literal()
        item = draw(st.sampled_from(known))
        if item.module == module:
            return item.use
        owner = MODULES[item.module]
        style = draw(st.sampled_from(["attribute", "getattr"]))
        named = f"{owner}.{item.name}" if style == "attribute" else f'getattr({owner}, "{item.name}")'
        return item.use.replace(item.name, named, 1)

    kinds = ["constant", "function", "default", "class", "closure", "decorated", "registry", "table", "local", "method"]
    for number in range(draw(st.integers(2, 8))):
        module = draw(st.integers(project.items[-1].module if project.items else 0, len(MODULES) - 1))
        kind = draw(st.sampled_from(kinds))
        project.items.append(make(draw, kind, number, module, literal, reference))
    for _ in range(draw(st.integers(1, 3))):
        last = len(MODULES) - 1
        project.nodes.append([reference(last) for _ in range(draw(st.integers(0, 3)))])
    return project


def make(draw, kind, n, module, literal, reference) -> Item:  # type: ignore[no-untyped-def]
    later = draw(st.integers(module, len(MODULES) - 1))
    there = "" if later == module else f"{MODULES[module]}."
    if kind == "constant":
        return Item(f"K{n}", module, f"K{n}", f"K{n} = {literal()} + {reference(module, constant=True)}\n")
    if kind == "function":
        return Item(f"f{n}", module, f"f{n}(x)", f"def f{n}(x):\n    return x + {literal()} + {reference(module)}\n")
    if kind == "default":
        code = f"def f{n}(x, y={literal()} + {reference(module, constant=True)}):\n    return x + y\n"
        return Item(f"f{n}", module, f"f{n}(x)", code)
    if kind == "class":
        code = f"class C{n}:\n    a = {literal()}\n    b = {literal()}\n"
        return Item(f"C{n}", module, f"C{n}.a", code)
    if kind == "method":
        code = (
            f"class B{n}:\n    a = {literal()}\n    def go(self, x):\n        return x + self.a + {reference(module)}\n"
            f"class C{n}(B{n}):\n    pass\n"
        )
        return Item(f"C{n}", module, f"C{n}().go(x)", code)
    if kind == "closure":
        code = f"def mk{n}(k):\n    def inner(x):\n        return x + k\n    return inner\nf{n} = mk{n}({literal()})\n"
        return Item(f"f{n}", module, f"f{n}(x)", code)
    if kind == "decorated":
        code = (
            f"def deco{n}(g):\n    def inner(x):\n        return g(x) + {literal()}\n    return inner\n"
            f"@deco{n}\ndef f{n}(x):\n    return {reference(module)}\n"
        )
        return Item(f"f{n}", module, f"f{n}(x)", code)
    if kind == "local":
        source = draw(st.sampled_from(MODULES[: max(module, 1)]))
        code = f"def f{n}(x):\n    import {source} as m\n    return x + {literal()} + {reference(module)}\n"
        return Item(f"f{n}", module, f"f{n}(x)", code)
    if kind == "registry":
        alias = draw(st.booleans())
        keep = f"mine = R{n}\n        mine[k] = g" if alias else f"R{n}[k] = g"
        code = f"R{n} = {{}}\ndef reg{n}(k):\n    def keep(g):\n        {keep}\n        return g\n    return keep\n"
        entry = f'@{there}reg{n}("k")\ndef e{n}(x):\n    return x + {literal()} + {reference(later)}\n'
        return Item(f"R{n}", module, f'R{n}["k"](x)', code, (later, entry))
    code = f"T{n} = [{literal()}]\n"
    fill = draw(st.sampled_from([f"{there}T{n}.append({{}})", f"{there}T{n}[0] = {{}}", f"{there}T{n} += [{{}}]"]))
    if "+=" in fill and there:
        fill = f"{there}T{n}.extend([{{}}])"
    return Item(f"T{n}", module, f"sum(T{n})", code, (later, fill.format(literal()) + "\n"))


def look(folder: Path, memory: Remembered) -> dict[str, tuple[int, dict[str, str]]]:
    """What each node computes, and the parts of its code, which are the same with a memory of earlier looks."""
    pipeline = load_pipeline(folder / "pipeline.py")
    reader, remembering = CodeReader(pipeline), CodeReader(pipeline, memory)
    found = {}
    for node in pipeline.compile().nodes.values():
        component = find_function(node.component, {})
        assert isinstance(component, Component)
        parts = reader.read(node.component).parts
        assert remembering.read(node.component).parts == parts
        found[node.name] = (component.function(), dict(parts))
    return found


@given(project=projects(), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_edit_that_changes_a_result_goes_unnoticed(project: Project, data: st.DataObject) -> None:
    edited = data.draw(st.integers(0, max(project.literals - 1, 0)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen, memory = [], Remembered()
        for edit in (None, edited):
            for file, text in project.files(edit).items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text(text)
                if edit is not None:
                    note(f"--- {file}\n{text}")
            seen.append(look(folder, memory))
    before, after = seen
    for node, (value, parts) in before.items():
        if value != after[node][0]:
            assert parts != after[node][1], f"{node} computes {after[node][0]} instead of {value} unnoticed"
