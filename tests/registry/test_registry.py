from __future__ import annotations

import threading

import pytest

from treadle.errors import RegistryError
from treadle.registry import Registry


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path)


def test_numbers_go_up_per_name_and_a_digest_keeps_its_number(registry):
    assert [registry.register("taxi", f"sha256:{n}").version for n in "aabca"] == [1, 1, 2, 3, 1]
    assert registry.register("bike", "sha256:a").version == 1
    assert [v.digest for v in registry.versions("taxi")] == ["sha256:a", "sha256:b", "sha256:c"]


def test_references(registry):
    registry.register("taxi", "sha256:a", {"last_span": "2018-09"})
    registry.register("taxi", "sha256:b")
    registry.promote("taxi", 1, reason="first")
    assert registry.get("taxi@champion").properties == {"last_span": "2018-09"}
    assert registry.get("taxi:2").digest == "sha256:b"
    assert registry.get("taxi@sha256:b").version == 2
    assert registry.find("taxi@canary") is None


@pytest.mark.parametrize("reference", ["taxi", "taxi:", "taxi:x", ":3", "@champion", "taxi@", "taxi:²"])
def test_what_is_not_a_reference(registry, reference):
    with pytest.raises(RegistryError, match="does not name a model version"):
        registry.get(reference)


@pytest.mark.parametrize("reference", ["taxi:9", "taxi@champion", "taxi@sha256:z"])
def test_what_is_not_there(registry, reference):
    with pytest.raises(RegistryError, match="There is no"):
        registry.get(reference)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "-", "x" * 101, "a\n"])
def test_names_that_cannot_be_folders(registry, name):
    with pytest.raises(RegistryError, match="cannot name a model"):
        registry.register(name, "sha256:a")


def test_promotions_are_remembered_with_reasons(registry):
    for digest in "ab":
        registry.register("taxi", digest)
    registry.promote("taxi", 1, reason="first")
    assert registry.promote("taxi", 1, reason="again") is None
    registry.promote("taxi", 2, reason="calibration")
    registry.promote("taxi", 1, reason="rolled back")
    moves = [(move.previous, move.version, move.reason) for move in registry.history("taxi")]
    assert moves == [(None, 1, "first"), (1, 2, "calibration"), (2, 1, "rolled back")]
    with pytest.raises(RegistryError):
        registry.promote("taxi", 3, reason="no such version")
    assert registry.get("taxi@champion").version == 1


def test_racing_registrations_get_distinct_numbers(tmp_path):
    errors, got = [], []

    def work(number):
        try:
            got.append(Registry(tmp_path).register("taxi", f"sha256:{number}").version)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(got) == list(range(1, 17))
