"""The standard artifact types and the contract of their bytes on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from treadle.artifact._digest import digest_tree
from treadle.artifact._view import view_of

A = TypeVar("A", bound="Artifact")


@dataclass(frozen=True)
class Artifact:
    """An immutable directory of bytes, addressed by its digest. Subclass it for a type of your own.

    An artifact handed to a function has been verified against its digest; the function must not write to it.
    """

    type_name: ClassVar[str] = "Artifact"
    """The type's name in metadata; the class name unless a subclass says otherwise."""

    path: Path = field(repr=False, compare=False)
    """The directory."""

    digest: str
    """``sha256:<hex>`` of the tree, as `digest_tree` computes it."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able facts that the producer recorded."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "type_name" not in cls.__dict__:
            cls.type_name = cls.__name__

    @classmethod
    def at(cls: type[A], path: str | os.PathLike[str], properties: Mapping[str, Any] | None = None) -> A:
        """The artifact in a directory outside any store; its digest is computed. For tests and notebooks."""
        return cls(Path(path), digest_tree(path), dict(properties or {}))

    @classmethod
    def brought_by(
        cls: type[A], bring: Callable[[], Path], digest: str, properties: Mapping[str, Any] | None = None
    ) -> A:
        """An artifact that lies elsewhere until its path is asked for; ``bring`` sees to a verified copy."""
        artifact = cls.__new__(cls)
        vars(artifact).update(digest=digest, properties=dict(properties or {}), _bring=bring)
        return artifact

    @property
    def is_here(self) -> bool:
        """Whether its path can be had without bringing it."""
        return "path" in vars(self)

    if not TYPE_CHECKING:  # to a type checker, `path` is always there

        def __getattr__(self, name: str) -> Any:
            bring = vars(self).get("_bring")
            if name != "path" or bring is None:
                raise AttributeError(f"{type(self).__name__!r} has no {name!r}", name=name, obj=self)
            vars(self)["path"] = bring()
            return vars(self)["path"]

    def _repr_html_(self) -> str:
        return view_of(self)


class Examples(Artifact):
    """Rows to learn from, split and ordered.

    Files (format ``treadle.examples/3``; the first two are read)::

        examples.json                 manifest: format, splits, rows per split, rows read, excluded and set aside,
                                      spans, digests of the source files, which rows are of which span
        quarantine.parquet            rows that could not be read, with their reasons; only if there are any
        <split>/part-00000.parquet    the rows: the schema's columns in order, then `__row_id__`

    Made by ingest; read by statistics, transform and evaluation.
    """


class StatisticsArtifact(Artifact):
    """Mergeable statistics of every column of one split.

    Files: as `treadle.statistics.Statistics.save` writes them, one file a split. Made by the statistics step; read
    by schema inference, validation and, as the baseline in a servable, by monitoring.
    """

    type_name = "Statistics"


class SchemaArtifact(Artifact):
    """What the data should look like.

    Files: ``schema.toml`` (see `treadle.schema.Schema`). Made by schema inference or imported from the project;
    read by validation, transform and the servable.
    """

    type_name = "Schema"


class Anomalies(Artifact):
    """Where statistics and schema disagree.

    Files: ``anomalies.json``, canonical JSON: a list of feature, reason, severity and message. Made by
    validation; read by people and gates.
    """


class TransformGraphArtifact(Artifact):
    """The traced preprocessing with its analysis results as constants.

    Files: as `treadle.transform.TransformGraph.save` writes them. Made by the transform step; read by
    materialisation and by the builder of servables.
    """

    type_name = "TransformGraph"


class TransformedExamples(Artifact):
    """Examples after the transform graph: float32 features, the label, and `__row_id__`.

    Files: ``<split>/part-00000.parquet`` and a manifest. Made by the transform step; read by training.
    """


class FeatureSelection(Artifact):
    """Which features were kept, and why.

    Files: ``selection.json`` (format ``treadle.selection/1``: method, scores, chosen) and ``report.html``, the same
    for people. Made by the selection of features; read by people.
    """


class Model(Artifact):
    """A fitted model in its framework's own safe format (never pickle).

    Files: as the framework's adapter writes them, with a manifest naming the framework. Made by training; read by
    evaluation and by the builder of servables.
    """


class Evaluation(Artifact):
    """Metrics of a model by slice.

    Files: ``evaluation.json``, canonical JSON. Made by evaluation; read by gates and people.
    """


class Verdict(Artifact):
    """Passed, failed or not evaluated, with reasons.

    Files: ``verdict.json``, canonical JSON. Made by the gate; read by push.
    """


class ServableArtifact(Artifact):
    """Everything a server needs to predict.

    Files (format ``treadle.servable/1``)::

        manifest.json    digests of the files below, inputs, feature names, task, versions
        schema.toml      the schema in the SERVING environment
        model.onnx       raw features in, predictions out
        baseline.json    statistics of the training split
        warmup.json      rows to predict before the first request
        parity.json      native model against fused graph

    Made by the servable step; read by push, evaluation, batch prediction and the server.
    """

    type_name = "Servable"


class Pushed(Artifact):
    """The record that a servable was made available to a server.

    Files: ``pushed.json``: name, version, digest, and, when it was not served already, the proof on real rows. Made by
    push.
    """


class Log(Artifact):
    """What one attempt at a node printed.

    Files: ``log.txt``, the bytes as they came. Made by the runner for each attempt that printed something.
    """


class Value(Artifact):
    """A JSON value returned by a component.

    Files: ``value.json``, canonical JSON (see `canonical_json`). Made by any component that returns a value; read by
    any parameter that is wired to it.
    """

    def read(self) -> Any:
        """The value."""
        return json.loads((self.path / "value.json").read_bytes())
