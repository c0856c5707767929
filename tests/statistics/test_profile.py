"""Slices, weights and relations beside statistics: merged, saved, refused where they do not fit."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from treadle.errors import StatisticsError, UsageError
from treadle.statistics import Profile, Statistics, generate, profile, relate

ROWS = 900
RANDOM = np.random.default_rng(3)
TABLE = pa.table(
    {
        "city": pa.array(RANDOM.choice(["Ulm", "Bonn", "Köln"], ROWS)),
        "night": pa.array(RANDOM.integers(0, 2, ROWS).astype(bool)),
        "fare": pa.array(RANDOM.normal(10, 3, ROWS), mask=RANDOM.random(ROWS) < 0.1),
        "tip": RANDOM.integers(0, 4, ROWS),
        "weight": RANDOM.random(ROWS),
    }
)


def made(rows: pa.Table, **options: object) -> Profile:
    asked = {"slices": ["city", ("city", "night")], "weight": "weight", "relations": True, **options}
    return profile(rows, **asked)  # type: ignore[arg-type]


def test_a_profile_comes_back_from_its_file(tmp_path: Path):
    whole = made(TABLE, label="tip")
    whole.save(tmp_path / "profile.json")
    again = Profile.load(tmp_path / "profile.json")
    assert again.to_bytes() == whole.to_bytes()
    assert again.to_json() == whole.to_json()
    assert json.loads((tmp_path / "profile.json").read_bytes())["format"] == "treadle.profile/2"
    # who only wants the statistics reads them from the same file
    assert Statistics.load(tmp_path / "profile.json").to_bytes() == whole.statistics.to_bytes()


def test_a_new_span_merges_into_a_saved_profile(tmp_path: Path):
    first, second = TABLE.slice(0, 500), TABLE.slice(500)
    made(first).save(tmp_path / "first.json")
    merged = Profile.load(tmp_path / "first.json")
    merged.merge(merged.measure(second))
    whole = made(TABLE)
    assert merged.statistics.to_bytes() == whole.statistics.to_bytes()
    assert merged.slices is not None
    assert whole.slices is not None
    assert list(merged.slices.parts) == list(whole.slices.parts)
    for name, part in whole.slices.parts.items():
        assert merged.slices.parts[name].to_json() == part.to_json()
    assert merged.weighted is not None
    assert whole.weighted is not None
    assert merged.weighted.to_json() == whole.weighted.to_json()
    assert merged.relations is not None
    assert whole.relations is not None
    assert merged.relations.correlation("fare", "tip") == pytest.approx(whole.relations.correlation("fare", "tip"))
    assert merged.relations.lift("city", "night") == whole.relations.lift("city", "night")


@pytest.mark.parametrize("options", [{"label": "tip"}, {"relations": ["city", "tip", "fare"]}])
def test_relations_count_by_the_weight_of_the_profile(options: dict[str, object]):
    whole, plain = profile(TABLE, weight="weight", **options).relations, profile(TABLE, **options).relations
    assert whole is not None
    assert plain is not None
    columns = options.get("relations")
    expected = relate(TABLE, generate(TABLE), columns=columns, label=options.get("label"), weight="weight")
    assert whole.to_json() == expected.to_json()
    assert whole.association("city", "tip") != plain.association("city", "tip")


def test_a_saved_profile_whose_relations_count_rows_goes_on_so():
    first = profile(TABLE.slice(0, 500), relations=True)
    first.weighted = made(TABLE.slice(0, 500)).weighted  # as profiles were until relations counted by weight
    merged = Profile.from_bytes(first.to_bytes())
    merged.merge(merged.measure(TABLE.slice(500)))
    assert merged.relations is not None
    assert merged.relations.association("city", "night").rows == ROWS


def test_without_parts_a_profile_is_the_statistics_file_of_before(tmp_path: Path):
    plain = profile(TABLE)
    plain.save(tmp_path / "plain.json")
    assert (tmp_path / "plain.json").read_bytes() == plain.statistics.to_bytes()
    assert Profile.load(tmp_path / "plain.json").slices is None


def test_profiles_that_were_measured_otherwise_do_not_add_up():
    with pytest.raises(StatisticsError, match="Only one of the two profiles has slices"):
        made(TABLE).merge(made(TABLE, slices=()))
    with pytest.raises(StatisticsError, match="by other columns"):
        made(TABLE).merge(made(TABLE, slices=["night"]))
    with pytest.raises(StatisticsError, match="cut in different ways"):
        made(TABLE).merge(made(TABLE.slice(0, 100)))
    with pytest.raises(StatisticsError, match="weighted by 'weight', the other by 'fare'"):
        made(TABLE).merge(made(TABLE.set_column(2, "fare", TABLE["weight"]), weight="fare"))


def test_columns_that_are_not_there_are_named():
    for options in ({"slices": ["town"]}, {"weight": "town"}, {"label": "town"}, {"relations": ["town"]}):
        with pytest.raises(UsageError, match="town"):
            made(TABLE, **options)


@pytest.mark.parametrize("part", ["slices", "weighted", "relations"])
def test_a_damaged_part_is_an_error_and_no_wrong_number(tmp_path: Path, part: str):
    state = json.loads(made(TABLE).to_bytes())
    state[part] = {"by": 3}
    (tmp_path / "p.json").write_text(json.dumps(state))
    with pytest.raises(StatisticsError, match="damaged"):
        Profile.load(tmp_path / "p.json")


def test_counts_that_do_not_fit_their_values_are_refused(tmp_path: Path):
    state = json.loads(made(TABLE).to_bytes())
    state["relations"]["tables"][0][2] = [[1]]
    (tmp_path / "p.json").write_text(json.dumps(state))
    with pytest.raises(StatisticsError, match="do not fit their values"):
        Profile.load(tmp_path / "p.json")


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "input", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_shows_every_part_and_a_notebook_too():
    evil = TABLE.set_column(0, "city", pa.array(["<script>alert(1)</script>"] * ROWS))
    for text in (made(evil, label="tip").to_html(), made(evil, label="tip")._repr_html_()):
        page = Texts()
        page.feed(text)
        assert not page.open
        for title in ("Slices", "Weighted by weight", "What tells tip, by weight", "Correlation, by weight"):
            assert title in page.texts
        assert "city=<script>alert(1)</script>" in page.texts
