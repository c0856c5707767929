"""The schema: its features, its two special columns, its policy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.errors import SchemaError
from treadle.files import write_text
from treadle.schema._feature import SEVERITIES, Feature
from treadle.schema._paths import Chain, chains, put, without
from treadle.schema._rule import RowLimits, Rule

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Schema:
    """What a data set should be: an ordered set of features.

    Raises:
        SchemaError: ``event_time`` or ``key`` is not among the features, or ``event_time`` is no timestamp.
    """

    features: Mapping[str, Feature]
    """Name -> feature, in the order of the columns."""
    event_time: str | None = None
    """The timestamp feature that says when a row happened; windows, delays and time splits run on it."""
    key: str | None = None
    """The feature that names a row, if one does; otherwise a row is named by file content and row number."""
    severity: Mapping[str, str] = field(default_factory=dict)
    """Policy for all features: reason code of an anomaly -> ``error``, ``warning``, ``quarantine`` or ``ignore``."""
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Policy of one environment: its name -> such a table. A feature's own policy comes first, then that of the
    environment, then ``severity``."""
    entities: tuple[str, ...] = ()
    """The features that say whom or what a row is about; splits and joins keep an entity together."""
    label: str | None = None
    """The feature that is predicted; its classes are watched for imbalance and shift."""
    rows: RowLimits = field(default_factory=RowLimits)
    """How many rows there should be."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Name -> a condition over rows or statistics."""
    chains: Mapping[str, Chain] = field(init=False, repr=False, compare=False)
    """Path -> the feature there, after the structs around it: every feature, followed by what is inside it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "chains", self._chains())
        for name, feature in self.features.items():
            if name != feature.name:
                raise SchemaError(f"Schema: the feature {feature.name!r} is listed as {name!r}.")
        entities = [("entities", name) for name in self.entities]
        for role, named in (("event_time", self.event_time), ("key", self.key), ("label", self.label), *entities):
            if named is not None and named not in self.features:
                raise SchemaError(f"Schema: {role} names {named!r}, which is not a feature.", where={"field": role})
        if self.event_time is not None and self.features[self.event_time].type != "timestamp":
            raise SchemaError(
                f"Schema: event_time {self.event_time!r} is not of type timestamp.", where={"field": "event_time"}
            )
        policies = [("severity", self.severity)]
        policies += [(f"environments.{name}.severity", policy) for name, policy in self.environments.items()]
        for place, policy in policies:
            for code, severity in policy.items():
                if severity not in SEVERITIES:
                    raise SchemaError(
                        f"Schema: {severity!r} is not a severity.",
                        where={"field": f"{place}.{code}"},
                        hint=f"Use one of {', '.join(SEVERITIES)}.",
                    )

    def _chains(self) -> dict[str, Chain]:
        found: dict[str, Chain] = {}
        for path, chain in chains(self.features):
            if path in found:
                what = f"Schema: {path!r} may be a column of that name or a field inside a struct."
                raise SchemaError(what, where={"feature": path}, hint="Rename the column.")
            found[path] = chain
        return found

    @property
    def paths(self) -> Mapping[str, Feature]:
        """``features``, and after each struct the fields inside it, by path (``home.city``, ``orders[].price``)."""
        return {path: chain[-1] for path, chain in self.chains.items()}

    def with_feature(self, path: str, feature: Feature) -> Schema:
        """The schema with that feature at a path of :attr:`paths`: in its place, or the last of its struct."""
        return replace(self, features=put(self.features, path, feature))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Schema:
        """Read a schema from a TOML file.

        Raises:
            SchemaError: The file is not there, is not UTF-8 or TOML, or says something impossible.
        """
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise SchemaError(f"The schema cannot be read: {error.strerror}.", where={"file": str(file)}) from error
        except UnicodeDecodeError as error:
            raise SchemaError("The schema is not UTF-8 text.", where={"file": str(file)}) from error
        try:
            return cls.loads(text)
        except SchemaError as error:
            raise SchemaError(
                error.what, where={"file": str(file), **error.where}, hint=error.hint
            ) from error.__cause__

    @classmethod
    def loads(cls, text: str) -> Schema:
        """Read a schema from TOML text."""
        from treadle.schema._toml_read import parse

        return parse(text)

    def _repr_html_(self) -> str:
        """What a notebook shows: a row a feature, with what is set."""
        from html import escape

        from treadle.schema._toml import feature_fields

        rows = ""
        for path, feature in self.paths.items():
            said = feature_fields(feature)
            kind = f"list of {feature.type}" if feature.list else feature.type
            rest = [f"{name} = {text}" for name, text in said.items() if name not in ("type", "list", "description")]
            rows += (
                f"<tr><td><b>{escape(path)}</b></td><td>{kind}</td>"
                f'<td style="text-align:left">{escape(", ".join(rest))}</td>'
                f'<td style="text-align:left">{escape(feature.description)}</td></tr>'
            )
        rules = "".join(
            f"<p>rule <b>{escape(name)}</b>: {escape(rule.rows or rule.statistics or rule.check or '')}</p>"
            for name, rule in self.rules.items()
        )
        head = "<thead><tr><th>feature</th><th>type</th><th></th><th></th></tr></thead>"
        return f"<div><p>{len(self.features):,} features</p><table>{head}{rows}</table>{rules}</div>"

    def dumps(self) -> str:
        """The schema as TOML text: features in their order, fields in a fixed order, defaults left out."""
        from treadle.schema._toml import render

        return render(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`dumps` to a file, whole or not at all."""
        write_text(path, self.dumps())

    def environment(self, name: str | None) -> Schema:
        """The schema as one environment sees it: without what is ``not_in`` it, under its policy.

        ``None`` means no environment: all features.
        """
        if name is None:
            return self
        kept = without(self.features, name)
        return replace(
            self,
            features=kept,
            event_time=self.event_time if self.event_time in kept else None,
            key=self.key if self.key in kept else None,
            label=self.label if self.label in kept else None,
            entities=tuple(entity for entity in self.entities if entity in kept),
            rules={key: rule for key, rule in self.rules.items() if name not in rule.not_in},
            severity={**self.severity, **self.environments.get(name, {})},
        )

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of a table that holds every feature.

        int64, double, string, bool, binary; timestamps are microseconds of naive local time; structs and lists of
        these.
        """
        import pyarrow as pa

        from treadle.schema._arrow import arrow_type

        return pa.schema([(feature.name, arrow_type(feature)) for feature in self.features.values()])
