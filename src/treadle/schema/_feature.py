"""One feature: what a column, or a field inside one, should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

FeatureType = Literal["int", "float", "string", "bool", "bytes", "timestamp", "struct"]
Semantic = Literal["category", "text", "image", "url", "time", "embedding", "identifier"]
Lifecycle = Literal["planned", "alpha", "beta", "production", "debug", "deprecated", "disabled"]
Value = int | float | str | bool
Bound = int | float | datetime

TYPES: tuple[str, ...] = get_args(FeatureType)
SEMANTICS: tuple[str, ...] = get_args(Semantic)
LIFECYCLES: tuple[str, ...] = get_args(Lifecycle)
SEVERITIES = ("error", "warning", "quarantine", "ignore")
DRIFT = ("l_infinity", "jensen_shannon", "missing", "psi", "kolmogorov_smirnov", "wasserstein", "cramers_v", "p_value")
"""The names of the drift thresholds, as they stand in a schema's ``drift`` table."""


def is_reserved(name: str) -> bool:
    """Whether a column name belongs to Treadle (``__row_id__`` and its kind)."""
    return name.startswith("__") and name.endswith("__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one column should be, or one field of a struct. Every constraint is optional but the type.

    Raises:
        SchemaError: A constraint is impossible, or does not fit the type.

    Examples:
        >>> Feature(name="fare", type="float", min=0, unit="USD").required
        True
    """

    name: str
    """The column's name. Names with two underscores at both ends belong to Treadle."""
    type: FeatureType
    """One of ``int float string bool bytes timestamp struct``; of a list, the type of its items."""
    fields: Mapping[str, Feature] = field(default_factory=dict)
    """Of a ``struct``: name -> what that field should be; of a list of structs, what the fields of its items should be.
    Presence is then measured where there is a struct, not in rows."""
    list: bool = False
    """Whether a row holds a list of values. Domain, range and drift are then those of the items."""
    required: bool = True
    """Whether the column (in a request: the field) must be there. A null may still stand in it. Always false in the
    stages ``planned``, ``alpha``, ``debug``, ``deprecated`` and ``disabled``."""
    min_fraction: float = 0.0
    """The least share of rows that must have a value, 0 to 1."""
    min_count: int | None = None
    """The least number of rows that must have a value."""
    values: tuple[Value, ...] | None = None
    """The domain, for ``int``, ``string`` and ``bool``."""
    min: Bound | None = None
    """The least value, for ``int``, ``float`` and ``timestamp`` (a naive datetime)."""
    max: Bound | None = None
    """The largest value."""
    pattern: str | None = None
    """A regular expression (RE2) that the whole of every string must match."""
    min_length: int | None = None
    """The least length of a string in characters, of bytes in bytes."""
    max_length: int | None = None
    """The largest length."""
    min_words: int | None = None
    """The least number of words of a string, parted by white space."""
    max_words: int | None = None
    """The largest number of words of a string."""
    vocabulary: tuple[str, ...] = ()
    """Words that are known; for ``min_coverage``."""
    min_coverage: float | None = None
    """The least share of all words that must be in the vocabulary, 0 to 1."""
    min_word_length: float | None = None
    """The least mean length of words, in characters: shorter ones are no text."""
    min_items: int | None = None
    """The least number of items of a list."""
    max_items: int | None = None
    """The largest number of items of a list."""
    shape: tuple[int, ...] | None = None
    """The shape of a list that is a tensor; a list holds the product of its sizes, row by row."""
    unique: bool = False
    """Whether no value may occur twice."""
    min_unique: int | None = None
    """The least number of distinct values."""
    max_unique: int | None = None
    """The largest number of distinct values."""
    min_domain_mass: float = 1.0
    """The least share of the values that must lie in the domain or range, match the pattern, have the length and be
    of the semantic domain, 0 to 1."""
    min_class_share: float | None = None
    """The least share that every value (every one listed, if there is a list) must have, 0 to 1: of a label."""
    not_in: tuple[str, ...] = ()
    """Environments that do not have this feature: a label is not in ``SERVING``."""
    lifecycle: Lifecycle = "production"
    """The stage: a feature that is ``planned``, ``alpha``, ``debug`` or ``deprecated`` need not be there and never
    stops; one that is ``disabled`` is not looked at."""
    semantic: Semantic | None = None
    """What the values stand for: ``category text image url time embedding identifier``."""
    format: str | None = None
    """Of a ``time`` in strings: how it is written (``%Y-%m-%d``)."""
    unit: str = ""
    """The unit of measurement, for people and for comparison between schemas."""
    tags: tuple[str, ...] = ()
    """Words of the team's own."""
    pii: str = ""
    """The kind of personal data (``name``, ``email``, ``location``…); empty: none."""
    produced_by: str = ""
    """The upstream model that computes the column (``fraud@sha256:…``)."""
    l_infinity: float | None = None
    """Drift: the largest L-infinity distance, 0 to 1."""
    jensen_shannon: float | None = None
    """Drift: the largest Jensen-Shannon divergence (base 2), 0 to 1."""
    missing: float | None = None
    """Drift: the largest absolute difference of the shares of missing values, 0 to 1."""
    psi: float | None = None
    """Drift: the largest population stability index, from 0."""
    kolmogorov_smirnov: float | None = None
    """Drift: the largest Kolmogorov-Smirnov distance of numbers, 0 to 1."""
    wasserstein: float | None = None
    """Drift: the largest Wasserstein distance of numbers, in standard deviations of the baseline."""
    cramers_v: float | None = None
    """Drift: the largest effect of a chi-squared test (Cramér's V), 0 to 1."""
    p_value: float | None = None
    """Drift: a distance above its threshold counts only if its p-value is below this one."""
    severity: Mapping[str, str] = field(default_factory=dict)
    """Policy: reason code of an anomaly -> ``error`` (stop), ``warning`` (go on and say so), ``quarantine`` (set the
    rows aside and go on) or ``ignore``."""
    description: str = ""
    """What the column means, for people."""

    def __post_init__(self) -> None:
        from treadle.schema._feature_rules import check_feature

        check_feature(self)
        if not self.stops:
            object.__setattr__(self, "required", False)

    @property
    def stops(self) -> bool:
        """Whether the feature is in a stage in which data that lacks it, or breaks its rules, is stopped."""
        return self.lifecycle in ("beta", "production")

    def inside(self, path: str) -> Iterator[tuple[str, Feature]]:
        """The fields of a struct that stands at ``path``, each with its own path, as statistics name them.

        Examples:
            >>> price = Feature(name="price", type="float")
            >>> orders = Feature(name="orders", type="struct", list=True, fields={"price": price})
            >>> [at for at, _ in orders.inside("orders")]
            ['orders[].price']
        """
        for name, feature in self.fields.items():
            yield f"{path}[].{name}" if self.list else f"{path}.{name}", feature

    @property
    def items(self) -> tuple[int | None, int | None]:
        """The least and the largest number of items of a list; ``None`` where there is no limit."""
        if self.shape is not None:
            count = 1
            for size in self.shape:
                count *= size
            return count, count
        return self.min_items, self.max_items
