"""The statistics of a data set: one set of counts per column, which add up over batches, files and machines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from treadle.errors import StatisticsError
from treadle.files import write_bytes
from treadle.schema import is_reserved
from treadle.statistics._feature import FeatureStatistics, measurable, statistics_type
from treadle.statistics._measures import Measure, new_measure
from treadle.statistics._state import Measures, dump, parse
from treadle.statistics._view import by_path, to_json

if TYPE_CHECKING:
    from treadle.schema import Schema


class Statistics:
    """Counts of every column, mergeable: ``add`` batches here and there, ``merge``, and read.

    Merging is associative and commutative; in whatever way rows are split into batches and parts, the result is the
    same, but for the last bits of a mean, and for strings of more than 16,384 distinct values within the error that
    is stated (see ``_categories``). Columns whose names belong to Treadle (``__row_id__``) are not measured.

    Not thread-safe: one thread adds to one object.
    """

    def __init__(
        self,
        schema: Schema | None = None,
        measures: Mapping[str, Sequence[str]] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self._unlimited = exact
        self.num_rows = 0
        """How many rows were added."""
        self._features: dict[str, FeatureStatistics] = {}
        features = schema.features.items() if schema else ()
        # what is inside lists and structs is known when the first one comes
        self._declared = {name: each.type for name, each in features if not each.list and not each.fields}
        self._measures: Measures = {
            column: {name: new_measure(name) for name in names} for column, names in (measures or {}).items()
        }

    @classmethod
    def create(
        cls,
        schema: Schema | None = None,
        measures: Mapping[str, Sequence[str]] | None = None,
        *,
        exact: bool = False,
    ) -> Statistics:
        """Statistics of nothing yet.

        Args:
            schema: Gives columns that never have a value their type; other columns have the type of their values.
            measures: Column -> measures beyond those every column has (``text``, ``time``, ``image``, or a name in
                the entry point group ``treadle.statistics``).
            exact: Count every value one by one, however many there are and however much memory that takes.
        """
        return cls(schema, measures, exact=exact)

    @classmethod
    def beside(cls, num_rows: int, parts: Iterable[Statistics]) -> Statistics:
        """Statistics of different columns of the same rows, put side by side; the parts are used up."""
        whole = cls()
        whole.num_rows = num_rows
        for part in parts:
            whole._features.update(part._features)
            whole._measures.update(part._measures)
        return whole

    @property
    def features(self) -> Mapping[str, FeatureStatistics]:
        """Column -> its statistics, in the order in which the columns were first seen."""
        return MappingProxyType(self._features)

    @property
    def measures(self) -> Mapping[str, Mapping[str, Measure]]:
        """Column -> name -> what was measured beyond the statistics every column has."""
        return MappingProxyType(self._measures)

    @property
    def paths(self) -> Mapping[str, FeatureStatistics]:
        """``features``, and after each list or struct what is inside it, by path (``tags[]``, ``home.city``)."""
        return MappingProxyType(dict(by_path(self._features)))

    def add(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Measure the rows of a batch. A column that is not in it is missing in all its rows.

        Raises:
            StatisticsError: A column's type is not the one it had before, or two columns have one name.
        """
        check_names(batch.schema.names)
        before, self.num_rows = self.num_rows, self.num_rows + batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not is_reserved(name):
                for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
                    self._add_column(name, chunk, before)
                if isinstance(column, pa.ChunkedArray) and not column.num_chunks:
                    self._add_column(name, pa.array([], column.type), before)
        for name, feature in self._features.items():
            if name not in batch.schema.names:
                feature.missing += batch.num_rows

    def merge(self, other: Statistics) -> None:
        """Take in the rows behind other statistics.

        Raises:
            StatisticsError: A column has different types in the two, or was measured on one side only.
        """
        for name in [*self._features, *(name for name in other._features if name not in self._features)]:
            mine, theirs = self._features.get(name), other._features.get(name)
            if mine is None:
                mine = self._features[name] = FeatureStatistics(
                    "null", unlimited=theirs is not None and theirs.unlimited
                )
                mine.missing = self.num_rows
            if theirs is None:
                mine.missing += other.num_rows
                continue
            try:
                mine.merge(theirs)
            except StatisticsError as error:
                raise StatisticsError(error.what, where={"column": name}) from error
        self._merge_measures(other)
        self.num_rows += other.num_rows

    def settle(self) -> None:
        """Let go of memory that only counting needs; adding more rows takes it again."""
        for feature in self._features.values():
            if feature.numbers:
                _ = feature.numbers.distribution.cut

    def to_json(self) -> dict[str, Any]:
        """What people and programs read: ``{"num_rows", "features": {name: {...}}}``, plain JSON values."""
        shown = to_json(self.num_rows, self._features)
        for column, measures in self._measures.items():
            if column in shown["features"]:
                shown["features"][column]["measures"] = {name: each.to_json() for name, each in measures.items()}
        return shown

    def to_html(
        self,
        *,
        name: str = "data",
        compare: Mapping[str, Statistics] | None = None,
        distances: Mapping[str, float | None] | None = None,
    ) -> str:
        """One HTML page that needs nothing else, the same bytes for the same statistics.

        Args:
            name: What these data are called.
            compare: Another data set by its name, to stand beside this one.
            distances: How far the two are apart, by column.
        """
        from treadle.statistics.html import page

        return page({name: self, **(compare or {})}, distances)

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "data",
        compare: Mapping[str, Statistics] | None = None,
        distances: Mapping[str, float | None] | None = None,
    ) -> None:
        """Write :meth:`to_html` to a file, whole or not at all; arguments as there."""
        write_bytes(path, self.to_html(name=name, compare=compare, distances=distances).encode())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from treadle.statistics.html import fragment

        return fragment(self)

    def to_bytes(self) -> bytes:
        """The statistics as bytes; equal statistics have equal bytes."""
        return dump(self.num_rows, self._features, self._measures)

    @classmethod
    def from_bytes(cls, data: bytes) -> Statistics:
        """The statistics behind :meth:`to_bytes`.

        Raises:
            StatisticsError: The bytes are not whole, or of another format.
        """
        return cls._from(data, None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_bytes` to a file, whole or not at all."""
        write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Statistics:
        """Read statistics that :meth:`save` wrote.

        Raises:
            StatisticsError: The file is not there, not whole, or of another format.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise StatisticsError(f"The statistics cannot be read: {error.strerror}.", where={"file": path}) from error
        return cls._from(data, {"file": path})

    @classmethod
    def _from(cls, data: bytes, where: dict[str, object] | None) -> Statistics:
        statistics = cls()
        statistics.num_rows, statistics._features, statistics._measures = parse(data, where)
        statistics._unlimited = any(feature.unlimited for feature in statistics._features.values())
        return statistics

    def _add_column(self, name: str, column: pa.Array, rows_before: int) -> None:
        kind = statistics_type(column.type)
        feature = self._features.get(name)
        if feature is None:
            feature = FeatureStatistics(
                self._declared.get(name, "null") if kind == "null" else kind, unlimited=self._unlimited
            )
            feature.missing = rows_before
            self._features[name] = feature
        try:
            feature.measure(column)
        except StatisticsError as error:
            what = f"The column holds {kind} after {feature.type}." if kind != feature.type else error.what
            raise StatisticsError(what, where={"column": name}) from error
        for measure in self._measures.get(name, {}).values():
            values = measurable(column).drop_null()
            if len(values):
                try:
                    measure.add(values)
                except StatisticsError as error:
                    raise StatisticsError(error.what, where={"column": name}) from error

    def _merge_measures(self, other: Statistics) -> None:
        if not other.num_rows:
            return
        if not self.num_rows and not self._measures:
            fresh = Statistics(measures={column: list(names) for column, names in other._measures.items()})
            self._measures = fresh._measures
        names = [{(column, name) for column, of in each._measures.items() for name in of} for each in (self, other)]
        if names[0] != names[1]:
            column, name = min(names[0] ^ names[1])
            raise StatisticsError(
                f"The measure {name!r} was taken on one side only.",
                where={"column": column},
                hint="Ask for the same measures of both.",
            )
        for column, measures in other._measures.items():
            for name, measure in measures.items():
                self._measures[column][name].merge(measure)


def check_names(names: Sequence[str]) -> None:
    """Refuse names that stand more than once: their values would be added up.

    Raises:
        StatisticsError: One does.
    """
    if len(set(names)) != len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise StatisticsError("The column name stands more than once.", where={"column": name})
