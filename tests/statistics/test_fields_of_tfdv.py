"""The table of docs/statistics.md: every field and option of TFDV is in it, and what it names here is here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import treadle.statistics as here
from treadle.statistics import measures

DOCS = Path(__file__).parents[2] / "docs" / "statistics.md"
FIELDS = """
name num_examples weighted_num_examples slices
num_non_missing num_missing min_num_values max_num_values avg_num_values tot_num_values num_values_histogram
feature_list_length_histogram presence_and_valency weighted_common_stats
mean std_dev num_zeros min median max standard_histogram quantiles_histogram num_nan num_undefined
weighted_numeric_stats unique top_values avg_length rank_histogram invalid_utf8_count vocabulary_file
weighted_string_stats min_num_bytes max_num_bytes avg_num_bytes struct_stats empty_values
feature_coverage avg_token_length token_length_histogram min_sequence_length max_sequence_length
sequence_length_histogram location_misses reported_sequences token_statistics.frequency token_statistics.per_sequence
token_statistics.positions nl_rank_histogram weighted_nl_statistics
covariance correlation lift weighted_lift adjusted_mutual_information partitioned_statistics
image_domain time_domain natural_language_domain sparse_features weighted_features top_k_sketch unique_sketch
custom_stats
"""
OPTIONS = """
generators schema label_feature weight_feature slice_functions sample_rate num_top_values frequency_threshold
weighted_frequency_threshold num_rank_histogram_buckets num_values_histogram_buckets num_histogram_buckets
num_quantiles_histogram_buckets epsilon infer_type_from_schema desired_batch_size enable_semantic_domain_stats
semantic_domain_stats_sample_rate per_feature_weight_override vocab_paths add_default_generators feature_allowlist
use_sketch_based_topk_uniques experimental_result_partitions experimental_num_feature_partitions slicing_config
experimental_filter_read_paths per_feature_stats_config
"""


def rows() -> list[tuple[str, str, str]]:
    text = DOCS.read_text(encoding="utf-8").partition("## Field by field")[2]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]  # type: ignore[misc]


def test_every_field_and_option_stands_in_one_row() -> None:
    found = [each for theirs, _, _ in rows() for each in re.findall(r"(option )?`([^`]+)`", theirs)]
    assert sorted(name for option, name in found if not option) == sorted(FIELDS.split())
    assert sorted(name for option, name in found if option) == sorted(OPTIONS.split())


@pytest.mark.parametrize(("ours", "why"), [(ours, why) for _, ours, why in rows()])
def test_what_is_named_here_is_here_and_what_is_not_has_a_reason(ours: str, why: str) -> None:
    if ours == "-":
        assert len(why) > 20
        return
    names = re.findall(r"`([^`]+)`", ours)
    assert names
    for name in names:
        assert is_here(name), name


@pytest.mark.parametrize("name", ["FeatureStatistics.skewness", "Sketch.count", "generate(epsilon)"])
def test_a_name_that_is_not_here_is_seen(name: str) -> None:
    assert not is_here(name)


def is_here(name: str) -> bool:
    if "(" in name:
        function, _, parameter = name.rstrip(")").partition("(")
        return parameter in inspect.signature(getattr(here, function)).parameters
    owner, _, member = name.partition(".")
    found = getattr(measures, owner, None) or getattr(here, owner, None)
    if found is None or not member:
        return found is not None
    # what an object gets when it is made stands in its source alone
    return hasattr(found, member) or f"self.{member}" in inspect.getsource(found)
