"""The checks of statistics: a function each, which says what it finds and why, not how bad it is."""

from treadle.validation.checks._column import check_type, fields_of, fits_type, known_counts
from treadle.validation.checks._data_set import check_rows_count
from treadle.validation.checks._distances import MEASURES, drift_findings, exceeded, label_shift
from treadle.validation.checks._rules import rule_findings
from treadle.validation.checks._text import check_text
from treadle.validation.checks._values import CHECKS, check_classes

__all__ = [
    "CHECKS",
    "MEASURES",
    "check_classes",
    "check_rows_count",
    "check_text",
    "check_type",
    "drift_findings",
    "exceeded",
    "fields_of",
    "fits_type",
    "known_counts",
    "label_shift",
    "rule_findings",
]
