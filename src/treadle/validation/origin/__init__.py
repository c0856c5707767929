"""Where data come from: sources that deliver, models that compute columns."""

from treadle.validation.origin._lineage import lineage_of, mark_lineage
from treadle.validation.origin._source import SourceLimits, SpanSeen, check_source

__all__ = ["SourceLimits", "SpanSeen", "check_source", "lineage_of", "mark_lineage"]
