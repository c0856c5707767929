"""Measures of what strings and bytes mean: text, points in time, images. Named in the group ``treadle.statistics``."""

from treadle.statistics.measures._image import ImageMeasure
from treadle.statistics.measures._text import TextMeasure
from treadle.statistics.measures._time import TimeMeasure
from treadle.statistics.measures._words import in_words

__all__ = ["ImageMeasure", "TextMeasure", "TimeMeasure", "in_words"]
