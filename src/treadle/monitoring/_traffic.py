"""Reading the request log: the sealed segments of one model, by window of event time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from treadle.artifact import PREDICTION_ID_COLUMN, TIME_COLUMN, sealed_segments
from treadle.errors import MonitoringError
from treadle.monitoring._calendar import Window
from treadle.monitoring._last import last_of_each


class Traffic:
    """The request log of one model.

    Args:
        log: The log folder of the server.
        model: The model's name.
        event_time: The column that says when a request's event happened; ``None`` takes the server's clock.

    Only sealed segments are read. A prediction id that was served more than once counts once: the last answer
    given is the one that stands.
    """

    def __init__(self, log: Path, model: str, *, event_time: str | None = None) -> None:
        self.log = log
        self.model = model
        self.event_time = event_time or TIME_COLUMN

    def read(self, window: Window | None = None) -> pa.Table:
        """The requests whose event time lies in ``window`` (all, without one), in the order of the log.

        Raises:
            MonitoringError: A sealed segment cannot be read, or has no event time column.
        """
        segments = sealed_segments(self.log, self.model)
        if not segments:
            return pa.table({PREDICTION_ID_COLUMN: pa.array([], pa.string())})
        schema = pa.unify_schemas([self._schema(path) for path in segments], promote_options="permissive")
        if self.event_time not in schema.names:
            raise MonitoringError(
                f"The request log has no column {self.event_time!r}",
                where={"folder": self.log / self.model},
                hint="Name the event time column in the schema that the servable was built with.",
            )
        data = ds.dataset([str(path) for path in segments], schema=schema, format="parquet")
        table = data.to_table(filter=self._condition(schema, window))
        return last_of_each(table, PREDICTION_ID_COLUMN)

    def first_event(self) -> datetime | None:
        """The earliest event time in the log, ``None`` while nothing is sealed."""
        earliest = None
        for path in sealed_segments(self.log, self.model):
            column = pq.read_table(path, columns=[self.event_time])[self.event_time]
            value = pc.min(column).as_py()
            if value is not None and (earliest is None or value < earliest):
                earliest = value
        return earliest.replace(tzinfo=None) if earliest is not None else None

    def _schema(self, path: Path) -> pa.Schema:
        try:
            return pq.read_schema(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise MonitoringError(
                "A sealed segment of the request log cannot be read",
                where={"file": path, "because": str(error).splitlines()[0]},
                hint="Move the file away; its requests will be missing from the windows it covered.",
            ) from error

    def _condition(self, schema: pa.Schema, window: Window | None) -> ds.Expression | None:
        if window is None:
            return None
        kind = schema.field(self.event_time).type
        start, end = (pa.scalar(moment, pa.timestamp("us")).cast(kind) for moment in (window.start, window.end))
        return (ds.field(self.event_time) >= start) & (ds.field(self.event_time) < end)
