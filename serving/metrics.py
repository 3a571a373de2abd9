"""What the service counts for Prometheus; `GET /metrics` has it of all workers together.

Each worker keeps its numbers in files of its own (under `PROMETHEUS_MULTIPROC_DIR`, which the supervisor sets before it
starts them), and whichever is asked adds them up. The files are named after the worker's index and not its process, so
that a worker which keeps dying leaves no new ones. No label holds anything that a client chooses: a path is that of an
endpoint, a method is one of the usual ones, a code is one of our own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import prometheus_client.values
from prometheus_client import Counter, Gauge, Histogram

INDEX_VARIABLE = "SUPERION_WORKER_INDEX"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemin")
RESERVED_BYTES = 256 * 1024
"""Room of each file, far above what the numbers take. They are written through memory, and on a full disk a page that
has no room yet would end the process."""


def _reserve() -> None:
    """Give the numbers of this worker their files."""
    folder, index = os.environ.get(FOLDER_VARIABLE), os.environ.get(INDEX_VARIABLE)
    if not folder or not index:
        return
    for name in FILES:
        with (Path(folder) / f"{name}_{index}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
    by_index = prometheus_client.values.MultiProcessValue(lambda: index)  # type: ignore[no-untyped-call]
    prometheus_client.values.ValueClass = by_index


_reserve()

METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
"""Methods that are counted by their names."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
BATCH_MATERIALS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 48.0, 64.0, 128.0)
BATCH_ATOMS = (0.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0)
DECADES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)

_requests = Counter("superion_requests", "Requests that were answered.", ["route", "method", "status"])
_seconds = Histogram(
    "superion_request_seconds", "Time from arrival to the end of the answer.", ["route"], buckets=SECONDS
)
_in_progress = Gauge("superion_requests_in_progress", "Requests in work.", ["route"], multiprocess_mode="livesum")
_bytes = Counter("superion_request_body_bytes", "Bytes of bodies received.", ["route"])
_errors = Counter("superion_errors", "Answers that are errors, by their code.", ["code"])

_batch_materials = Histogram("superion_batch_materials", "Materials of a batch.", buckets=BATCH_MATERIALS)
_batch_atoms = Histogram("superion_batch_atoms", "Atoms in the cells of a batch.", buckets=BATCH_ATOMS)
_hits = Counter("superion_cache_hits", "Materials that were answered from memory.")
_misses = Counter("superion_cache_misses", "Materials that were not in memory.")
_entries = Gauge("superion_cache_entries", "Predictions in memory.", multiprocess_mode="livesum")
_waiting = Gauge("superion_waiting_materials", "Materials of unanswered requests.", multiprocess_mode="livesum")
_materials = Counter("superion_materials", "Materials that were answered.", ["outcome"])
_outside = Counter("superion_materials_outside_domain", "Materials outside the compositions the model learned from.")

_workers = Gauge(
    "superion_model_workers", "Workers that answer with a version.", ["version"], multiprocess_mode="livesum"
)
_files = Gauge(
    "superion_model_files_timestamp_seconds",
    "When the files of the model that answers came to this machine.",
    multiprocess_mode="livemin",
)

_shadowed = Counter("superion_shadow_materials", "Materials of the shadow, by what became of them.", ["outcome"])
_shadow_difference = Histogram(
    "superion_shadow_absolute_difference_decades",
    "Absolute difference of log10(S/cm) between shadow and champion.",
    buckets=DECADES,
)
_shadow_seconds = Histogram(
    "superion_shadow_seconds", "Time that the shadow took over a batch, by material.", buckets=SECONDS
)


class RouteMetrics:
    """Count the requests of one route; looking the numbers up once makes counting cheap."""

    def __init__(self, route: str) -> None:
        self._route = route
        self._in_progress = _in_progress.labels(route)
        self._seconds = _seconds.labels(route)
        self._bytes = _bytes.labels(route)
        self._answered: dict[tuple[str, int], Counter] = {}

    def begin(self) -> None:
        """Count a request that has arrived."""
        self._in_progress.inc()

    def end(self, method: str, status: int, seconds: float, n_bytes: int) -> None:
        """Count a request that is over; the status is 0 where the client left before it had one."""
        method = method if method in METHODS else "other"
        counter = self._answered.get((method, status))
        if counter is None:
            counter = _requests.labels(self._route, method, str(status) if status else "none")
            self._answered[method, status] = counter
        counter.inc()
        self._seconds.observe(seconds)
        self._in_progress.dec()
        if n_bytes:
            self._bytes.inc(n_bytes)


_routes: dict[str, RouteMetrics] = {}


def route(template: str) -> RouteMetrics:
    """Return the numbers of a route; a template is one of the service's own, never a path as it was asked for."""
    found = _routes.get(template)
    if found is None:
        found = _routes[template] = RouteMetrics(template)
    return found


def refused(code: str) -> None:
    """Count an answer that is an error; the code is one of the service's own."""
    _errors.labels(code).inc()


def batch(n_materials: int, n_atoms: int) -> None:
    """Count a batch of predictions and its size."""
    _batch_materials.observe(n_materials)
    _batch_atoms.observe(n_atoms)


def cache(hits: int, misses: int, size: int) -> None:
    """Count look-ups in the memory of predictions, and note how many it holds."""
    if hits:
        _hits.inc(hits)
    if misses:
        _misses.inc(misses)
    _entries.set(size)


def queue(n_materials: int) -> None:
    """Note how many materials wait or are computed."""
    _waiting.set(n_materials)


def predicted(n: int, n_failed: int, n_outside_domain: int) -> None:
    """Count answers for materials: how many, and how many of them are errors or lie outside the domain."""
    if n > n_failed:
        _materials.labels("predicted").inc(n - n_failed)
    if n_failed:
        _materials.labels("failed").inc(n_failed)
    if n_outside_domain:
        _outside.inc(n_outside_domain)


_version: str | None = None


def model(version: str, folder: Path) -> None:
    """Note which version this worker answers with from now on, and where its files lie."""
    global _version
    if version == _version:
        return
    if _version is not None:
        _workers.labels(_version).set(0)
    _workers.labels(version).set(1)
    _files.set(folder.stat().st_mtime)
    _version = version


def shadowed(differences: list[float], n_failed: int, seconds: float) -> None:
    """Count materials that the shadow was asked for: differences [log10(S/cm)], failures, and the time it took."""
    for difference in differences:
        _shadow_difference.observe(abs(difference))
    n = len(differences) + n_failed
    if differences:
        _shadowed.labels("compared").inc(len(differences))
    if n_failed:
        _shadowed.labels("failed").inc(n_failed)
    if n:
        _shadow_seconds.observe(seconds / n)


def shadow_dropped(n: int) -> None:
    """Count materials that the shadow was not asked for, because too many waited."""
    _shadowed.labels("dropped").inc(n)


_EMPTY = re.compile(r'^superion_model_workers\{version="[^"]*"\} 0\.0\n', re.MULTILINE)


def page(text: str) -> str:
    """Return the text of `GET /metrics`: that of all workers, with what is read from the service's records."""
    from superion.serving import record_metrics

    # A version that no worker answers with any more would stay as a line of its own for ever.
    return _EMPTY.sub("", text) + record_metrics.text()
