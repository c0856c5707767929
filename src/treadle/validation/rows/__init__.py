"""What only rows can say: which are wrong, which are set aside, which differ from those of serving or of training."""

from treadle.validation.rows._conditions import StatisticsCheck, installed_check, run_check, statistics_rule
from treadle.validation.rows._rows import RowCheck, RowFindings, Rows, check_rows
from treadle.validation.rows._set_aside import Parted, set_aside
from treadle.validation.rows._skew import FeatureSkew, Joined, SkewReport, feature_skew
from treadle.validation.rows._support import Coverage, outside_support

__all__ = [
    "Coverage",
    "FeatureSkew",
    "Joined",
    "Parted",
    "RowCheck",
    "RowFindings",
    "Rows",
    "SkewReport",
    "StatisticsCheck",
    "check_rows",
    "feature_skew",
    "installed_check",
    "outside_support",
    "run_check",
    "set_aside",
    "statistics_rule",
]
