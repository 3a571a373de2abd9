"""Metrics that are read from the service's records when somebody asks for them: jobs by state."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from superion.errors import Unavailable
from superion.serving import state

JOB_STATES = ("queued", "running", "cancelling", "succeeded", "failed", "cancelled")


class _Records(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics; where the records cannot be read, only that they cannot."""
        try:
            counts = _jobs()
        except Unavailable:
            counts = None
        readable = GaugeMetricFamily("superion_records_readable", "Whether the records of the service can be read.")
        readable.add_metric([], float(counts is not None))
        yield readable
        if counts is not None:
            jobs = GaugeMetricFamily("superion_jobs", "Training jobs, by state.", labels=["state"])
            for name, n in counts.items():
                jobs.add_metric([name], n)
            yield jobs


def text() -> str:
    """Return the metrics as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Records())
    return generate_latest(registry).decode()


def _jobs() -> dict[str, int]:
    """Return the number of jobs of each state; raises Unavailable."""
    counts = dict.fromkeys(JOB_STATES, 0)
    if state.exists():
        with state.reading() as opened:
            rows = opened.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall()
        counts |= {row[0]: row[1] for row in rows}
    return counts
