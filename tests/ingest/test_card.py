from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from treadle.errors import AboutError
from treadle.ingest import About, build_examples, croissant, data_card
from treadle.schema import Schema

SCHEMA = Schema.loads("""
[features.n]
type = "int"
description = "How many | riders"
[features.when]
type = "timestamp"
[features.raw]
type = "bytes"
required = false
""")
ABOUT = """
format = "treadle.about/1"
name = "rides"
description = "Rides of one week."
limits = "Weekdays only."
[[sources]]
name = "meters"
licence = "CC-BY-4.0"
collection = "Written by the meter."
consent = "No person is named."
"""


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("n,when,note\n1,2020-01-01,x\nten,2020-01-02,y\n3,2020-01-03,z\n")
    out = tmp_path / "out"
    splits = {"train": 1, "eval": 1}
    build_examples([tmp_path / "a.csv"], schema=SCHEMA, out_path=out, quarantine=0.5, splits=splits)
    return out


@pytest.fixture
def about(tmp_path: Path) -> About:
    (tmp_path / "about.toml").write_text(ABOUT)
    return About.load(tmp_path / "about.toml")


def test_the_card_says_what_is_known_and_what_is_not(examples: Path, about: About) -> None:
    card = data_card(examples, about, schema=SCHEMA, digest="sha256:12")
    for line in (
        "# rides",
        "Version `sha256:12`.",
        "| read | 3 |",
        "| set aside: wrong-type | 1 |",
        "| n | int | How many \\| riders |",
        "| when | timestamp | *not said* |",
        "In the files, but left out: note.",
        "## Source: meters",
        "* Licence: CC-BY-4.0",
        "* Purpose: *not said*",
        "Weekdays only.",
    ):
        assert line in card.splitlines()
    assert card == data_card(examples, about, schema=SCHEMA, digest="sha256:12")
    assert "*not said*" in data_card(examples, About("x", "y"))


def test_croissant_names_files_by_their_digests(examples: Path, about: About) -> None:
    fields = json.loads(json.dumps(croissant(examples, about, schema=SCHEMA)))
    assert fields["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert fields["license"] == ["CC-BY-4.0"]
    assert [record["@id"] for record in fields["recordSet"]] == ["eval", "train"]
    for file in fields["distribution"]:
        assert file["sha256"] == hashlib.sha256((examples / file["contentUrl"]).read_bytes()).hexdigest()
    columns = {field["name"]: field.get("dataType") for field in fields["recordSet"][0]["field"]}
    assert columns == {"n": "sc:Integer", "when": "sc:DateTime", "raw": None, "__row_id__": "sc:Text"}
    names = {file["@id"] for file in fields["distribution"]}
    assert all(f["source"]["fileObject"]["@id"] in names for r in fields["recordSet"] for f in r["field"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format = 1",
        'format = "treadle.about/1"\nname = "x"',
        ABOUT.replace("limits", "limit"),
        ABOUT.replace('"CC-BY-4.0"', "4"),
        ABOUT.replace("[[sources]]", "[sources]"),
        ABOUT.replace('name = "meters"', ""),
        "= broken",
    ],
)
def test_descriptions_that_are_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "about.toml").write_text(text)
    with pytest.raises(AboutError):
        About.load(tmp_path / "about.toml")
    with pytest.raises(AboutError):
        About.load(tmp_path / "none.toml")
