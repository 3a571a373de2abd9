"""What Prometheus is told: of all workers together, of few labels, and nothing of a worker that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from superion.serving import metrics, record_metrics, state
from superion.serving.endpoints import Endpoint, Endpoints
from superion.serving.guard import Guard

from ._metrics import samples, value

PREDICT = {"route": "/predict", "method": "POST"}


@pytest.fixture
def more(service: Any, wait_for: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that waits until a number has grown by so much since the test began.

    Answers are counted after they have gone out.
    """
    before = samples(service)

    def grown(by: float, name: str, **labels: str) -> bool:
        key = (name, frozenset(labels.items()))
        return bool(wait_for(lambda: samples(service).get(key, 0.0) - before.get(key, 0.0) == by, 10.0))

    return grown


def test_requests_are_counted_by_route_and_status(service: Any, more: Callable[..., bool]) -> None:
    for _ in range(3):
        service.predict("LiF")
    service.client.post("/predict", content=b"{")
    assert more(3, "superion_requests_total", **PREDICT, status="200")
    assert more(1, "superion_requests_total", **PREDICT, status="400")
    assert more(4, "superion_request_seconds_count", route="/predict")
    assert more(4, "superion_request_seconds_bucket", route="/predict", le="+Inf")
    n_bytes = 3 * len(b'{"materials":[{"formula":"LiF"}]}') + 1
    assert more(n_bytes, "superion_request_body_bytes_total", route="/predict")
    assert more(1, "superion_errors_total", code="invalid_json")
    assert value(service, "superion_request_seconds_sum", route="/predict") > 0
    assert value(service, "superion_requests_in_progress", route="/predict") == 0
    assert value(service, "superion_requests_in_progress", route="/metrics") == 1


def test_predictions_are_counted(service: Any, more: Callable[..., bool]) -> None:
    service.predict("Li6PS5Cl", "Li6PS5Cl", "Li7Cm3Zr2O12", "no formula")
    service.predict("Li6PS5Cl")
    assert more(5, "superion_batch_materials_sum")
    assert more(2, "superion_batch_materials_count")
    assert more(4, "superion_materials_total", outcome="predicted")
    assert more(1, "superion_materials_total", outcome="failed")
    assert more(1, "superion_materials_outside_domain_total")
    assert value(service, "superion_cache_hits_total") >= 1
    assert value(service, "superion_cache_misses_total") >= 1
    assert value(service, "superion_cache_entries") >= 2
    assert value(service, "superion_waiting_materials") == 0
    assert value(service, "superion_model_workers", version="1") == 1
    assert 1.6e9 < value(service, "superion_model_files_timestamp_seconds") < 4e9


def test_jobs_are_counted_when_asked(superion_home: Path) -> None:
    assert value_of(record_metrics.text(), "superion_jobs", state="running") == 0
    assert not superion_home.exists(), "asking must not make a home"
    with state.connection() as opened:
        for number, job_state in enumerate(["running", "queued", "queued"]):
            opened.execute(
                "INSERT INTO jobs (id, request, state, created) VALUES (?, '{}', ?, 0)", (str(number), job_state)
            )
    found = record_metrics.text()
    counts = {name: value_of(found, "superion_jobs", state=name) for name in record_metrics.JOB_STATES}
    assert counts == {"queued": 2, "running": 1, "cancelling": 0, "succeeded": 0, "failed": 0, "cancelled": 0}
    assert value_of(found, "superion_records_readable") == 1


def test_records_that_cannot_be_read_do_not_hide_the_other_metrics(superion_home: Path) -> None:
    superion_home.mkdir(parents=True)
    state.database().write_text("garbage")
    found = record_metrics.text()
    assert value_of(found, "superion_records_readable") == 0
    assert "superion_jobs" not in found


def value_of(text: str, name: str, **labels: str) -> float:
    """Return one number of a page of metrics."""
    (found,) = (
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
    return found


def test_ten_thousand_paths_make_no_metrics_of_their_own() -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        status = 404 if scope["path"] == "/unknown" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    guard = Guard(nothing, Endpoints([Endpoint("/jobs/{id}"), Endpoint("/jobs/{id}/log")]))

    async def ask(path: str, method: str) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            assert message["type"] in ("http.response.start", "http.response.body")

        scope = {"type": "http", "path": path, "raw_path": path.encode(), "method": method, "headers": []}
        await guard(scope, receive, send)

    def n_samples() -> int:
        return sum(len(family.samples) for family in REGISTRY.collect() if family.name.startswith("superion_"))

    async def ask_all(rounds: range) -> None:
        for n in rounds:
            for path in (f"/jobs/{n}", f"/jobs/{n}/log", f"/scan/{n}", f"/{n}.php"):
                await ask(path, "GET" if n % 2 else f"M{n}")

    asyncio.run(ask_all(range(2)))
    before = n_samples()
    asyncio.run(ask_all(range(2, 2502)))
    assert n_samples() == before
    page = {sample.labels.get("route") for family in REGISTRY.collect() for sample in family.samples}
    assert {"/jobs/{id}", "/jobs/{id}/log", "/unknown"} <= page
    counted = REGISTRY.get_sample_value(
        "superion_requests_total", {"route": "/jobs/{id}", "method": "other", "status": "200"}
    )
    assert counted == 1251


def test_a_version_that_nobody_answers_with_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metrics, "_version", None)
    metrics.model("7", tmp_path)
    metrics.model("8", tmp_path)
    text = 'superion_model_workers{version="7"} 0.0\nsuperion_model_workers{version="8"} 1.0\n'
    assert REGISTRY.get_sample_value("superion_model_workers", {"version": "7"}) == 0
    assert metrics.page(text).startswith('superion_model_workers{version="8"} 1.0\n# HELP')


def test_workers_are_added_up_and_one_that_dies_leaves_its_counters_only(
    run_service: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    with run_service("--workers", "2") as service:
        assert wait_for(lambda: value(service, "superion_model_workers", version="1") == 2)
        for _ in range(12):
            assert service.predict("LiF").status_code == 200
        # Answers are counted after they have gone out: a worker that is killed in between has not counted its last.
        assert wait_for(lambda: value(service, "superion_requests_total", **PREDICT, status="200") == 12)
        folders = list((service.home / "bentoml").glob("metrics-*"))
        files = {path.name for folder in folders for path in folder.iterdir()}
        assert {"counter_1.db", "counter_2.db"} <= files
        killed = service.workers()[0]
        killed.kill()
        psutil.wait_procs([killed], timeout=10)  # while it ends, a connection that comes to it is reset
        assert wait_for(lambda: value(service, "superion_model_workers", version="1") == 1)
        assert wait_for(lambda: value(service, "superion_requests_total", **PREDICT, status="200") == 12)
        assert wait_for(lambda: value(service, "superion_model_workers", version="1") == 2)
        httpx.post(f"{service.url}/predict", json={"materials": [{"formula": "LiF"}]}, timeout=60)
        assert wait_for(lambda: value(service, "superion_requests_total", **PREDICT, status="200") == 13)
        assert {path.name for folder in folders for path in folder.iterdir()} == files
