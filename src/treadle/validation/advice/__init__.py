"""What a careful person would ask about the data."""

from treadle.validation.advice._advice import Advice, Hunch, advise

__all__ = ["Advice", "Hunch", "advise"]
