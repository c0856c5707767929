from __future__ import annotations

import ast
import json
import symtable
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.pipeline.code._facts import Facts, read_facts

SOURCES = sorted(Path(__file__).parents[2].glob("src/treadle/**/*.py"))
STANDARD = [
    Path(sysconfig.get_paths()["stdlib"]) / name
    for name in ("dataclasses.py", "typing.py", "inspect.py", "argparse.py", "enum.py", "ast.py", "functools.py")
]


@pytest.mark.parametrize("path", [*SOURCES[::7], *STANDARD], ids=lambda path: path.name)
def test_facts_survive_being_kept(path: Path) -> None:
    facts = read_facts(path.read_bytes())
    assert Facts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols() if table.get_name() != "top" else ():
        # (symtable takes any function named "top" for a module)
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for child in table.get_children():
        yield from globals_of(child)


@pytest.mark.parametrize("path", [*SOURCES, *STANDARD], ids=lambda path: path.name)
def test_global_names_are_those_that_the_compiler_sees(path: Path) -> None:
    source = path.read_text()
    facts = read_facts(path.read_bytes())
    annotations = {
        inner.id
        for node in ast.walk(ast.parse(source))
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
        for inner in ast.walk(annotation)
        if isinstance(inner, ast.Name)
    }
    for table in symtable.symtable(source, str(path), "exec").get_children():
        for statement in facts.statements:
            if statement.kind in ("function", "class") and statement.name == table.get_name():
                ours = {reference[1] for reference in statement.references if reference[0] == "name"}
                if ("module",) in statement.references:
                    ours |= {"globals", "locals", "vars", "eval", "exec"}
                theirs = set(globals_of(table))
                assert theirs - annotations - {"__class__"} <= ours, table.get_name()


def test_names_of_a_function() -> None:
    (statement,) = read_facts(
        b"""
def f(a, b=B, *c, d=D, **e) -> R:
    import m.n, o as p
    from q import r as s
    x = a + y.z.w + m.n.k + p.t + s.u
    for i in x: i
    with open(i) as j: j
    try: v
    except E as err: err
    (lambda l: l + free)(1)
    [g for g in h if g and g2]
    def inner(): return x + outer
    global G
    G = 1
    match x:
        case {"k": kk, **rest}: kk, rest
        case [head, *tail] as whole: head, tail, whole
    if (walrus := 1): walrus
    del x
    return getattr(mod, "name") + getattr(mod, v)
"""
    ).statements
    names = {".".join(reference[1:]) for reference in statement.references if reference[0] == "name"}
    assert names == {*("B", "D", "y.z.w", "open", "v", "E", "free", "h", "g2", "outer", "mod.name", "mod", "getattr")}
    imports = {reference for reference in statement.references if reference[0] == "import"}
    assert imports == {("import", "0", "m", "n", "k"), ("import", "0", "o", "t"), ("import", "0", "q", "r", "u")}
    loads = {reference for reference in statement.references if reference[0] == "load"}
    assert loads == {("load", "0", "m.n", ""), ("load", "0", "o", ""), ("load", "0", "q", "r")}


def test_class_scope_is_not_seen_by_methods() -> None:
    facts = read_facts(b"class A:\n    x = 1\n    y = x\n    def f(self): return x\n")
    assert ("name", "x") in facts.statements[0].references
    facts = read_facts(b"class A:\n    x = 1\n    y = x\n    def f(self): return self.x\n")
    assert ("name", "x") not in facts.statements[0].references


def test_what_cannot_be_told_widens() -> None:
    def references(body: str) -> set[tuple[str, ...]]:
        facts = read_facts(f"GROUP = 'g'\ndef f(x):\n    return {body}\n".encode())
        return {reference for reference in facts.statements[-1].references if reference[0] != "name"}

    assert references("globals()[x]") == {("module",)}
    assert references("eval(x)") == {("module",)}
    assert references("importlib.import_module(x)") == {("everything",)}
    assert references("importlib.import_module('a.b')") == {("load", "0", "a.b", ""), ("import", "0", "a.b")}
    assert references("__import__(x)") == {("everything",)}
    assert references("entry_points(group='a')") == {("entry points", "a")}
    assert references("entry_points(group=GROUP)") == {("entry points", "g")}
    assert references("entry_points(group=x)") == {("everything",)}


def test_main_guards_and_typing_imports_do_not_run() -> None:
    facts = read_facts(
        b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import b\n"
        b"if __name__ == '__main__':\n    import c\n"
    )
    assert facts.statements == []
    assert facts.typing_names == {"b": ("import", "0", "a", "b")}
    assert facts.loads == [("load", "0", "typing", "TYPE_CHECKING")]


def test_a_mention_of_docstrings_makes_them_count() -> None:
    def digest(text: str) -> str:
        return read_facts(text.encode()).statements[0].digest

    assert digest("def f():\n    'a'\n") == digest("def f():\n    'b'\n")
    assert digest("def f():\n    'a'\n    f.__doc__\n") != digest("def f():\n    'b'\n    f.__doc__\n")


@pytest.mark.parametrize(
    ("head", "decorator"),
    [
        ("from treadle import component", "component"),
        ("from treadle.pipeline import component as c", "c"),
        ("import treadle", "treadle.component"),
        ("import treadle as t", "t.component"),
    ],
)
@pytest.mark.parametrize("body", ["def f(): return 1", "class f:\n    def run(self) -> int: return 1"])
def test_how_a_node_is_run_is_not_what_it_makes(head: str, decorator: str, body: str) -> None:
    def digest(arguments: str) -> str:
        source = f"{head}\n@{decorator}({arguments})\n{body}\n"
        return next(found.digest for found in read_facts(source.encode()).statements if found.name == "f")

    plain = digest("cache=True")
    assert digest("cache=True, retries=3, timeout=2.5, resources={'cpu': 2}") == plain
    assert digest("cache=True, retries=OFTEN, timeout=limits.LONG * 2") == plain
    assert digest("cache=False") != plain
    assert digest("cache=True, retries=int('3')") != plain


def test_settings_of_a_decorator_that_is_not_treadles_own_count() -> None:
    def digest(head: str, retries: int) -> str:
        source = f"{head}\n@component(retries={retries})\ndef f(): return 1\n"
        return next(found.digest for found in read_facts(source.encode()).statements if found.name == "f")

    for head in ("from own import component", "from treadle import component\ncomponent = twice(component)"):
        assert digest(head, 1) != digest(head, 2)
