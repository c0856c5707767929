from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from treadle.errors import AboutError
from treadle.ingest import About, build_examples, croissant, data_card, missing_properties, read_examples
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
    assert fields["license"] == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    assert [record["@id"] for record in fields["recordSet"]] == ["eval", "train"]
    for file in fields["distribution"]:
        assert file["sha256"] == hashlib.sha256((examples / file["contentUrl"]).read_bytes()).hexdigest()
    columns = {field["name"]: field.get("dataType") for field in fields["recordSet"][0]["field"]}
    assert columns == {
        "n": "sc:Integer",
        "when": "sc:DateTime",
        "__row_id__": "sc:Text",
    }
    names = {file["@id"] for file in fields["distribution"]}
    assert all(f["source"]["fileObject"]["@id"] in names for r in fields["recordSet"] for f in r["field"])


FULL = """
format = "treadle.about/1"
name = "rides"
description = "Rides of one week."
creator = "The city"
url = "https://example.org/rides"
published = 2026-01-31
[[sources]]
name = "meters"
url = "https://example.org/meters"
licence = "CC-BY-4.0"
collection = "Written by the meter."
purpose = "Planning."
consent = "No person is named."
[[sources]]
name = "survey"
licence = "As agreed with the union"
consent = "Asked on the form."
"""


def test_what_is_said_of_a_source_stays_with_it(examples: Path, tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text(FULL)
    about = About.load(tmp_path / "about.toml")
    assert about.published == "2026-01-31"
    fields = croissant(examples, about)
    assert fields["isBasedOn"] == [
        {
            "@type": "sc:CreativeWork",
            "name": "meters",
            "url": "https://example.org/meters",
            "license": "https://spdx.org/licenses/CC-BY-4.0.html",
            "rai:dataCollection": "Written by the meter.",
            "rai:dataUseCases": "Planning.",
            "rai:personalSensitiveInformation": "No person is named.",
        },
        {
            "@type": "sc:CreativeWork",
            "name": "survey",
            "license": {"@type": "sc:CreativeWork", "name": "As agreed with the union"},
            "rai:personalSensitiveInformation": "Asked on the form.",
        },
    ]
    assert fields["license"] == [fields["isBasedOn"][0]["license"], fields["isBasedOn"][1]["license"]]
    card = data_card(examples, about)
    meters, survey = card.index("## Source: meters"), card.index("## Source: survey")
    assert meters < card.index("Written by the meter.") < survey < card.index("Asked on the form.")
    assert "* Published: 2026-01-31" in card


def test_what_croissant_requires_and_nobody_said(examples: Path, about: About, tmp_path: Path) -> None:
    assert missing_properties(croissant(examples, about)) == ("url", "creator", "datePublished")
    (tmp_path / "about.toml").write_text(FULL)
    whole = croissant(examples, About.load(tmp_path / "about.toml"), schema=SCHEMA)
    assert missing_properties(whole) == ()
    del whole["distribution"][0]["sha256"]
    assert missing_properties(whole) == ("distribution eval/part-00000.parquet: sha256",)
    # every term that is used has a meaning: it is of schema.org, or the context says what it is
    known = set(whole["@context"])
    used = {name for part in (whole, *whole["distribution"], *whole["recordSet"]) for name in part}
    assert {name.partition(":")[0] for name in used if ":" in name} <= known
    assert {"conformsTo", "recordSet", "field", "key"} <= known


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


@pytest.mark.engines
@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore::DeprecationWarning:mlcroissant")
def test_readers_of_croissant_find_every_row(examples: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip(
        "mlcroissant", reason="Croissant: mlcroissant is not installed; make test-engines"
    )
    (tmp_path / "about.toml").write_text(FULL)
    metadata = croissant(examples, About.load(tmp_path / "about.toml"), schema=SCHEMA)
    (examples / "croissant.json").write_text(json.dumps(metadata))
    read = mlcroissant.Dataset(str(examples / "croissant.json"))
    assert not list(read.metadata.ctx.issues.errors)
    assert all("is recommended" in warning for warning in read.metadata.ctx.issues.warnings)
    reader = read_examples(examples)
    rows = {split: list(read.records(split)) for split in reader.splits}
    assert {split: len(found) for split, found in rows.items()} == reader.manifest.splits
    found = sorted(row[f"{split}/n"] for split in rows for row in rows[split])
    assert found == [1, 3]
