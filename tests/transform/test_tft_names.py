"""The table of TensorFlow Transform's names in docs/transform.md: whole, and true of what is here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from treadle import transform as tt

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "transform.md").read_text(encoding="utf-8")
THEIRS = (
    "min max sum size mean var count_per_key histogram quantiles vocabulary covariance pca tukey_location tukey_scale "
    "tukey_h_params ptransform_analyzer CacheablePTransformAnalyzer approximate_vocabulary scale_by_min_max "
    "scale_by_min_max_per_key scale_to_0_1 scale_to_0_1_per_key scale_to_z_score scale_to_z_score_per_key "
    "scale_to_gaussian bucketize bucketize_per_key apply_buckets apply_buckets_with_interpolation "
    "compute_and_apply_vocabulary apply_vocabulary compute_and_apply_approximate_vocabulary hash_strings tfidf ngrams "
    "bag_of_words word_count deduplicate_tensor_per_row segment_indices estimated_probability_density "
    "sparse_tensor_to_dense_with_shape sparse_tensor_left_align get_num_buckets_for_transformed_feature "
    "get_vocabulary_size_by_name document_frequency idf annotate_sparse_output_shape annotate_true_sparse_output "
    "annotate_asset make_and_track_object apply_pyfunc top_k frequency_threshold vocab_filename store_frequency "
    "reserved_tokens num_oov_buckets weights labels use_adjusted_mutual_info min_diff_from_avg coverage_top_k "
    "coverage_frequency_threshold key_fn fingerprint_shuffle file_format"
)
"""Every analyzer and mapper of TFT 1.16, and the options of its vocabularies."""


def rows() -> list[tuple[str, str, str]]:
    table = TEXT.split("| TensorFlow Transform | here | |\n|---|---|---|\n")[1].split("\n\n")[0]
    found = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().split("\n")]
    return [(theirs, ours, why) for theirs, ours, why in found]


@pytest.mark.parametrize("name", THEIRS.split())
def test_a_name_of_tft_has_a_row_with_ours_or_the_reason(name: str) -> None:
    named = [row for row in rows() if f"`{name}`" in row[0]]
    assert len(named) == 1, named
    assert named[0][1] or named[0][2]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_what_a_row_names_is_here(row: tuple[str, str, str]) -> None:
    theirs, ours, why = row
    assert not set(re.findall(r"`(\w+)`", theirs)) - set(THEIRS.split())
    names = re.findall(r"`([\w.]+)[(`]", theirs if ours == "the same" else ours)
    assert names or why
    for name in names:
        is_option = theirs.startswith("...")
        known = tt.vocabulary.__kwdefaults__ if is_option else {*tt.__all__, "graph.categories_of"}
        assert name in known, name
    assert hasattr(tt.TransformGraph, "categories_of")


def test_every_public_function_is_in_the_documents() -> None:
    words = set(re.findall(r"\w+", "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("*.md"))))
    assert sorted(name for name in tt.__all__ if name.islower() and name not in words) == []
