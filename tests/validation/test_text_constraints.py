"""Constraints of text: rows that are too short or too long, words that are not known, how a token may be placed."""

from __future__ import annotations

import pyarrow as pa
import pytest

from treadle.errors import SchemaError
from treadle.schema import Feature, Schema
from treadle.statistics import Statistics, generate
from treadle.validation import check_rows, relax, set_aside, validate

SCHEMA = """
[features.comment]
type = "string"
semantic = "text"
min_words = 2
vocabulary = ["a", "good", "ride"]
min_coverage = 0.8
severity = { WORD_COUNT = "quarantine" }
"""
COMMENTS = pa.table({"comment": ["a good ride", "good", "ride good", "a xyzzy ride"]})


def test_rows_of_too_few_words_are_set_aside():
    schema = Schema.loads(SCHEMA)
    parted = set_aside(COMMENTS, check_rows(COMMENTS, schema), schema)
    assert parted.aside["comment"].to_pylist() == ["good"]
    assert parted.reasons == {"comment:WORD_COUNT": 1}


def test_unknown_words_are_named_with_their_counts():
    schema = Schema.loads(SCHEMA.replace("0.8", "0.95"))
    found = {anomaly.reason: anomaly for anomaly in validate(generate(COMMENTS), schema).anomalies}
    assert found["LOW_COVERAGE"].details["coverage"] == pytest.approx(8 / 9)
    assert found["LOW_COVERAGE"].details["unknown"] == [["xyzzy", 1]]
    relaxed = relax(schema, generate(COMMENTS))
    assert not relaxed.left
    assert not validate(generate(COMMENTS), relaxed.schema).has_errors


def test_the_measure_knows_words_of_more_strings_than_are_counted():
    many = pa.table({"comment": [f"good ride {number}" for number in range(20_000)]})
    schema = Schema.loads(SCHEMA)
    statistics = generate(many, measures={"comment": ["text"]})
    reasons = [anomaly.reason.value for anomaly in validate(statistics, schema).anomalies]
    assert reasons == ["LOW_COVERAGE"]
    again = Statistics.from_bytes(statistics.to_bytes())
    assert [anomaly.reason.value for anomaly in validate(again, schema).anomalies] == reasons


def test_how_often_a_token_stands_in_a_row_and_in_how_many_rows_is_a_rule():
    text = """
    [features.comment]
    type = "string"
    [rules.end_once]
    rows = "len(regexp_extract_all(comment, '<end>')) = 1"
    [rules.start_is_first]
    rows = "starts_with(comment, '<start>')"
    min_share = 0.5
    """
    rows = pa.table({"comment": ["<start> a <end>", "<start> b", "c <end> <end>"]})
    report = validate(generate(rows), Schema.loads(text), rows=rows)
    assert [(anomaly.details["rule"], anomaly.details["row_ids"]) for anomaly in report.anomalies] == [
        ("end_once", ["1", "2"])
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": "int", "min_words": 1}, "words are counted in strings"),
        ({"type": "string", "min_coverage": 0.5}, "needs the words that are known"),
        ({"type": "string", "vocabulary": ("two words",)}, "no white space"),
        ({"type": "string", "min_words": 3, "max_words": 2}, "is above"),
        ({"type": "string", "min_word_length": -1.0}, "not a number"),
    ],
)
def test_constraints_that_cannot_be_are_refused(fields: dict[str, object], says: str):
    with pytest.raises(SchemaError, match=says):
        Feature(name="x", **fields)  # type: ignore[arg-type]
