"""One loaded version of a model: checks rows and answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from treadle.servable import Servable
from treadle.serving._layout import ModelFolder
from treadle.serving._request_log import LogSchema
from treadle.validation import Findings, RequestChecker

Row = tuple[Any, ...]
"""The values of one checked row, in the order of the schema's features; ``None`` is null."""


@dataclass(slots=True)
class Batch:
    """Rows that were answered in one run."""

    columns: list[tuple[Any, ...]]
    """The values, one tuple a feature, in the order of the schema."""
    predictions: list[float]
    findings: Findings


class ServedVersion:
    """A version that can answer. Who holds it can use it, also after the model moved on to another.

    Args:
        model: The model's name.
        number: The version's number.
        servable: What predicts.
        identity: What its folder was when it was loaded.
    """

    def __init__(self, model: str, number: int, servable: Servable, *, identity: object = None) -> None:
        self.model = model
        self.number = number
        self.label = str(number)
        """The number as metrics name it."""
        self.servable = servable
        self.identity = identity
        self.checker = RequestChecker(servable.schema)
        self.log_schema = LogSchema(servable.schema)
        # the graph may need fewer features than the schema lets in
        names = self.checker.names
        self._inputs = [(spec.name, names.index(spec.name)) for spec in servable.inputs]

    def run(self, rows: Sequence[Row]) -> Batch:
        """Predict checked rows, and note what the schema does not expect of them.

        Raises:
            InputValueError: A value is of the right type and still cannot be held by the graph.
        """
        columns = list(zip(*rows, strict=True))
        predictions = self.servable.predict_columns({name: columns[place] for name, place in self._inputs})
        return Batch(columns, predictions.tolist(), self.checker.findings(columns))


def load_version(folder: ModelFolder, number: int, *, threads: int = 1) -> ServedVersion:
    """Load a version from disk, check its digests and warm it up.

    Raises:
        ServableError: A file is missing or changed, or it does not predict here what it predicted when built.
    """
    identity = folder.identity(number)
    servable = Servable.load(folder.path_of(number), verify=True, threads=threads)
    servable.warm_up()
    return ServedVersion(folder.name, number, servable, identity=identity)
