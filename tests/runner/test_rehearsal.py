"""What a process goes through before its task comes leaves nothing, breaks nothing and uses nothing of the user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from project_folder import Project

from treadle.pipeline import compile_early, import_fresh_sources
from treadle.runner._rehearsal import rehearse


def test_it_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "treadle_beside.py").write_text("open('imported', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    rehearse(tmp_path / "home")
    assert {name for name in set(sys.modules) - modules if not name.startswith("treadle.")} == set()
    assert os.listdir(tmp_path) == ["treadle_beside.py"]


def test_it_goes_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are passed over, so that it would go wrong in silence."""
    found = SimpleNamespace(path=SimpleNamespace(exists=lambda: ended.append(True)))
    ended: list[bool] = []
    monkeypatch.setattr("treadle.storage.ArtifactStore.promise", lambda *_: found)
    rehearse(tmp_path)
    assert ended == [True]


def test_settings_that_are_wrong_are_for_the_node_to_tell(tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text("artifacts = [\n")
    rehearse(tmp_path)


def test_what_was_compiled_early_counts_only_while_the_source_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    import_fresh_sources()
    source = tmp_path / "compiled_early_once.py"
    source.write_text("VALUE = 1\n")
    compile_early(str(source))
    before = source.stat()
    source.write_text("VALUE = 2\n")  # as long as it was, and as old
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    import compiled_early_once as module

    assert module.VALUE == 2
    del sys.modules["compiled_early_once"]
    compile_early(str(source))
    monkeypatch.setattr("treadle.pipeline._importing._FreshLoader.source_to_code", None)  # is not asked again
    import compiled_early_once as again

    assert again.VALUE == 2
    del sys.modules["compiled_early_once"]


def test_a_source_that_is_no_python_fails_its_node_alone(project: Project) -> None:
    project.write("def broken(:\n", "broken.py")
    project.write("""
        @component
        def first(x: int) -> int:
            return x

        @component
        def second(x: int) -> int:
            import broken
            return x

        @pipeline
        def p(x: int = 1):
            second(first(x))
    """)
    result = project.run(workers=2)
    node = result.nodes["second"]
    assert (result.nodes["first"].state, node.state) == ("ran", "failed")
    assert "broken.py" in str(node.error)


def test_the_projects_modules_are_imported_when_the_nodes_before_have_ended(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may read what a node before has written."""
    project.write("RATE = int(open('rate.txt').read())\n", "rates.py")
    (project.folder / "rate.txt").write_text("1")
    project.write("""
        import time

        @component
        def first(x: int, folder: str) -> int:
            time.sleep(0.3)
            (Path(folder) / "rate.txt").write_text("2")
            return x

        @component
        def second(x: int) -> int:
            import rates
            return rates.RATE

        @pipeline
        def p(folder: str):
            second(first(1, folder))
    """)
    monkeypatch.chdir(project.folder)
    assert project.run({"folder": str(project.folder)}, workers=2).nodes["second"].value == 2
