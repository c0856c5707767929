from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.artifact import Examples, Value, canonical_json, digest_bytes, digest_file, digest_tree
from treadle.errors import ArtifactContentError

names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."} and len(os.fsencode(name)) < 200
)
trees = st.dictionaries(names, st.binary(max_size=40), max_size=5)


def write(root: Path, tree: dict[str, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, data in tree.items():
        (root / name).write_bytes(data)
    return root


@given(first=trees, second=trees)
def test_trees_have_one_digest_exactly_when_names_and_contents_agree(
    first: dict[str, bytes], second: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trees")
    one = digest_tree(write(folder / "one", first))
    two = digest_tree(write(folder / "two", dict(reversed(second.items()))))
    assert (one == two) == (first == second)


def test_times_and_modes_do_not_count(tmp_path: Path) -> None:
    write(tmp_path / "a", {"x": b"1"})
    write(tmp_path / "b", {"x": b"1"})
    os.utime(tmp_path / "b" / "x", (1, 1))
    (tmp_path / "b" / "x").chmod(0o755)
    assert digest_tree(tmp_path / "a") == digest_tree(tmp_path / "b")


def test_folders_and_empty_folders_count(tmp_path: Path) -> None:
    digests = set()
    for name, folders in [("a", []), ("b", ["x"]), ("c", ["x/y"])]:
        for folder in folders:
            (tmp_path / name / folder).mkdir(parents=True)
        (tmp_path / name).mkdir(exist_ok=True)
        digests.add(digest_tree(tmp_path / name))
    write(tmp_path / "d" / "x", {"y": b""})
    digests.add(digest_tree(tmp_path / "d"))
    assert len(digests) == 4


def test_a_link_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(ArtifactContentError, match="link"):
        digest_tree(tmp_path)


def test_the_format_is_frozen(tmp_path: Path) -> None:
    write(tmp_path / "t", {"a": b"1", "b": b""})
    write(tmp_path / "t" / "sub", {"c": b"xyz"})
    (tmp_path / "t" / "empty").mkdir()
    assert digest_tree(tmp_path / "t") == "sha256:4b490d725d65f86a83f40a0983d9c087ca789deb6e5772715bb76fced954c2ff"
    assert digest_file(tmp_path / "t" / "a") == digest_bytes(b"1")


def test_canonical_json_is_one_spelling() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": "ä"}) == '{"a":"ä","b":[1,2.5,null,true]}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
    with pytest.raises(TypeError, match="keys"):
        canonical_json({"a": [{1: 2}]})


def test_types_name_themselves() -> None:
    class Ranking(Examples):
        pass

    assert Ranking.type_name == "Ranking"
    assert Value.type_name == "Value"


def test_at_computes_the_digest(tmp_path: Path) -> None:
    write(tmp_path, {"value.json": b"[1]"})
    value = Value.at(tmp_path, {"k": 1})
    assert value.digest == digest_tree(tmp_path)
    assert value.read() == [1]
    assert value.properties == {"k": 1}
