"""What code a function reaches, as parts of a fingerprint: sources are read, never imported. See docs/adr/0006.

From the outside in: `CodeReader` (named parts of one function), `Readings` (what sources say of it, kept between runs),
`Reach` (from name to name), `Modules` and
`Distributions` (where they are), `Facts` (what one source says), and below them names and scopes.
"""

from treadle.pipeline.code._code import Code, CodeReader
from treadle.pipeline.code._facts import FACTS_VERSION, Facts, read_facts
from treadle.pipeline.code._modules import SourceMemory
from treadle.pipeline.code._reading import KeptReading, kept_reading
from treadle.pipeline.code._values import Describer, NotComparableError

__all__ = [
    "FACTS_VERSION",
    "Code",
    "CodeReader",
    "Describer",
    "Facts",
    "KeptReading",
    "NotComparableError",
    "SourceMemory",
    "kept_reading",
    "read_facts",
]
