"""What the server counts, as Prometheus reads it.

The event loop counts in plain integers and dicts; only a scrape makes metric families of them. That keeps a
request's share of the counting below a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from treadle.serving._models import Models
    from treadle.serving._request_log import RequestLog

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics(Collector):
    """The counters of one server. Counted on the event loop, read by scrapes.

    Args:
        models: The models, for what is loaded.
        log: The request log, if there is one.
    """

    def __init__(self, models: Models, log: RequestLog | None) -> None:
        self._models = models
        self._log = log
        self._requests: dict[tuple[str, str, str], int] = {}
        self._seconds: dict[str, list[int]] = {}
        self._seconds_sum: dict[str, float] = {}
        self._rows: dict[tuple[str, str], int] = {}
        self._batches: dict[tuple[str, str], int] = {}
        self._findings: dict[tuple[str, str, str, str], int] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def request(self, model: str, version: str, code: str, seconds: float) -> None:
        """Count an answered or refused request.

        Args:
            model: The model's name; ``""`` where the request named none that is served.
            version: The version that answered; ``""`` where none did.
            code: The outcome, in the words of the protocol.
            seconds: From the first byte read to the answer handed to the network.
        """
        key = (model, version, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        buckets = self._seconds.get(model)
        if buckets is None:
            buckets = self._seconds[model] = [0] * (len(_BOUNDS) + 1)
            self._seconds_sum[model] = 0.0
        buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds_sum[model] += seconds

    def batch(self, model: str, version: str, num_rows: int, findings: dict[tuple[str, str], int]) -> None:
        """Count one run of a model and what the schema did not expect in it."""
        key = (model, version)
        self._rows[key] = self._rows.get(key, 0) + num_rows
        self._batches[key] = self._batches.get(key, 0) + 1
        for (feature, kind), count in findings.items():
            found = (model, version, feature, kind)
            self._findings[found] = self._findings.get(found, 0) + count

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The metric families; called by the registry."""
        version = ["model", "version"]
        yield _counter("treadle_requests", "Requests by outcome.", [*version, "code"], self._requests)
        yield self._histogram()
        yield _counter("treadle_rows", "Rows predicted.", version, self._rows)
        yield _counter(
            "treadle_batches", "Runs of a model; rows over batches is the mean batch.", version, self._batches
        )
        yield _counter(
            "treadle_findings",
            "Values served although null, out_of_domain, out_of_range, no_match, wrong_length or wrong_items.",
            [*version, "feature", "kind"],
            self._findings,
        )
        yield from self._collect_models()
        if self._log is not None:
            yield from _collect_log(self._log)

    def _histogram(self) -> Metric:
        family = HistogramMetricFamily("treadle_request_seconds", "Time to answer a request.", labels=["model"])
        for model, buckets in self._seconds.items():
            total, cumulated = 0, []
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets, strict=True):
                total += count
                cumulated.append((bound, total))
            family.add_metric([model], cumulated, self._seconds_sum[model])
        return family

    def _collect_models(self) -> Iterator[Metric]:
        champion = GaugeMetricFamily("treadle_champion_version", "The version that answers.", labels=["model"])
        info = GaugeMetricFamily("treadle_model_info", "Versions loaded.", labels=["model", "version", "digest"])
        loads = CounterMetricFamily("treadle_model_loads", "Versions loaded or refused.", labels=["model", "outcome"])
        for name, model in self._models.by_name.items():
            if model.current is not None:
                champion.add_metric([name], model.current.number)
            for number in sorted(model.loaded_numbers()):
                loaded = model.peek(number)
                if loaded is not None:
                    info.add_metric([name, str(number), loaded.servable.digest], 1)
            loads.add_metric([name, "loaded"], model.num_loads)
            loads.add_metric([name, "refused"], model.num_failed_loads)
        yield from (champion, info, loads)
        yield _gauge("treadle_ready", "1 where every champion can answer.", float(self._models.ready))


def _collect_log(log: RequestLog) -> Iterator[Metric]:
    counts = log.counts
    outcomes = {
        ("written",): counts.written,
        ("dropped_queue_full",): counts.dropped_queue_full,
        ("dropped_write_failed",): counts.dropped_write_failed,
    }
    yield _counter("treadle_request_log_rows", "Rows given to the request log.", ["outcome"], outcomes)
    sealed = {(): counts.sealed_segments}
    yield _counter("treadle_request_log_sealed_segments", "Segments sealed.", [], sealed)
    yield _counter("treadle_request_log_sealed_rows", "Rows in sealed segments.", [], {(): counts.sealed_rows})
    yield _counter("treadle_request_log_seals", "Sealings on demand that are done.", [], {(): counts.seals})
    yield _gauge("treadle_request_log_open_rows", "Rows not sealed yet.", log.open_rows)
    yield _gauge("treadle_request_log_pending_bytes", "Requests that wait to be written.", log.pending_bytes)


def _counter(name: str, text: str, labels: list[str], values: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in list(values.items()):  # key: the labels' values, a tuple
        family.add_metric(list(key), value)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
