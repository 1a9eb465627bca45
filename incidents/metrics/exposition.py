"""The exposition: samples in Prometheus' formats, written by the Prometheus library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isinf

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from incidents.metrics.catalogue import (
    BUILD,
    DATABASE_FAMILIES,
    FAMILIES,
    REPLICA_FAMILIES,
    UP,
    Family,
)
from incidents.metrics.samples import Histogram, Labels, Samples, Value

DATABASES = (UP, BUILD, *DATABASE_FAMILIES, *REPLICA_FAMILIES)
"""The metrics that need only a database, and no daemon."""


class SampleCollector(Collector):
    """A collector that calls `take` for each scrape; metrics without samples are listed too."""

    def __init__(
        self, take: Callable[[], Samples], families: tuple[Family, ...] = FAMILIES
    ) -> None:
        self._take = take
        self._families = families

    def describe(self) -> Iterator[Metric]:
        """The metrics without samples."""
        return map(_family, self._families)

    def collect(self) -> Iterator[Metric]:
        """The metrics with their samples."""
        found = self._take()
        for family in self._families:
            metric = _family(family)
            for labels, value in found.of(family.name).items():
                _add(metric, family, labels, value)
            yield metric


def text(samples: Samples) -> bytes:
    """The metrics from the database in Prometheus text format 0.0.4."""
    registry = CollectorRegistry()
    registry.register(SampleCollector(lambda: samples, DATABASES))
    return generate_latest(registry)


_KINDS: dict[str, Callable[..., Metric]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "histogram": HistogramMetricFamily,
}


def _family(family: Family) -> Metric:
    if family.kind == "info":
        return InfoMetricFamily(family.name.removesuffix("_info"), family.help)
    return _KINDS[family.kind](family.name, family.help, labels=family.labels)


def _add(metric: Metric, family: Family, labels: Labels, value: Value) -> None:
    if isinstance(metric, HistogramMetricFamily) and isinstance(value, Histogram):
        buckets = [
            ("+Inf" if isinf(bound_s) else repr(bound_s), float(count))
            for bound_s, count in value.buckets()
        ]
        metric.add_metric(labels, buckets, value.sum_s)
    elif isinstance(metric, InfoMetricFamily):
        metric.add_metric([], dict(zip(family.labels, labels, strict=True)))
    elif isinstance(metric, GaugeMetricFamily | CounterMetricFamily):
        assert not isinstance(value, Histogram)
        metric.add_metric(labels, value)
