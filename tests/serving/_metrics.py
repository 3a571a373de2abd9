"""Reading of what `GET /metrics` answers."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families


def samples(service: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the numbers that a service has for Prometheus, by name and labels."""
    # On a connection of its own: one that is kept ends with its worker.
    answer = httpx.get(f"{service.url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(service: Any, name: str, **labels: str) -> float:
    """Return one number, 0 where there is none yet."""
    return samples(service).get((name, frozenset(labels.items())), 0.0)
