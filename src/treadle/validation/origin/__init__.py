"""Where data come from: sources that deliver, models that compute columns."""

from treadle.validation.origin._lineage import PRODUCED_BY, lineage_of, lineage_of_files, mark_lineage
from treadle.validation.origin._source import SourceLimits, SpanSeen, check_source

__all__ = ["PRODUCED_BY", "SourceLimits", "SpanSeen", "check_source", "lineage_of", "lineage_of_files", "mark_lineage"]
