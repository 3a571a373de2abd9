"""What whoever runs the service relies on: probes, documentation, registry, start and stop."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from superion.serving.routes import ROUTES

SERVE = "import sys; from superion.cli import main; sys.argv.insert(1, 'serve'); main()"

ASK_REGISTRY = """
import json, os, sys
from mlflow import MlflowClient
uri = "sqlite:///" + os.path.join(os.environ["SUPERION_HOME"], "mlflow.db")
client = MlflowClient(uri, uri)
versions = client.search_model_versions("name='superion'")
champion = client.get_model_version_by_alias("superion", "champion")
print(json.dumps({"versions": [v.version for v in versions], "champion": champion.version}))
"""


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_probes(service: Any, path: str) -> None:
    assert service.client.get(path).status_code == 200


def test_metrics_count_requests_by_status(service: Any) -> None:
    service.predict("LiF")
    service.client.post("/predict", content=b"{")
    answer = service.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    for status in (200, 400):
        assert re.search(rf'request_total{{[^}}]*endpoint="/predict"[^}}]*http_response_code="{status}"', answer.text)


def test_paths_that_are_not_make_no_metrics_of_their_own(service: Any) -> None:
    service.client.get("/before")
    before = len(service.client.get("/metrics").text.splitlines())
    for number in range(20):
        service.client.get(f"/scan/{number}")
    after = service.client.get("/metrics").text
    assert "/scan" not in after
    assert len(after.splitlines()) == before


def test_every_request_has_an_identifier(service: Any) -> None:
    assert service.client.get("/livez", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    found = service.client.get("/nope", headers={"X-Request-Id": "bad id!"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", found)


def test_the_log_tells_of_each_request(service: Any) -> None:
    service.client.post("/predict", json={"materials": [{"formula": "LiF"}, {}]}, headers={"X-Request-Id": "logged-1"})
    found: list[Any] = []
    deadline = time.monotonic() + 20.0
    while not found and time.monotonic() < deadline:  # the line is written after the answer has gone out
        time.sleep(0.05)
        lines = [json.loads(line) for line in service.log.read_text().splitlines()]
        found = [line for line in lines if line.get("request_id") == "logged-1"]
    (line,) = found
    expected = {"path": "/predict", "method": "POST", "status": 200, "n_materials": 2, "n_failed": 1}
    assert expected.items() <= line.items()
    assert line["model_version"] == "1"


def references(document: Any) -> list[str]:
    """Return every $ref within a document."""
    if isinstance(document, dict):
        own = [document["$ref"]] if "$ref" in document else []
        return own + [ref for value in document.values() for ref in references(value)]
    if isinstance(document, list):
        return [ref for value in document for ref in references(value)]
    return []


def test_documentation(service: Any) -> None:
    answer = service.client.get("/docs.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= set(schemas)
    post = document["paths"]["/predict"]["post"]
    assert {"200", "400", "413", "415", "429", "500", "503", "504"} == set(post["responses"])
    body = schemas["PredictBody"]
    assert set(body["properties"]) == {"materials", "temperature_C", "confidence", "detail"}
    assert body["required"] == ["materials"]
    assert {branch["type"] for branch in body["properties"]["temperature_C"]["anyOf"]} == {"number", "array"}
    assert set(schemas["MaterialBody"]["properties"]) == {"id", "formula", "cif", "structure"}


def test_documentation_names_what_is_answered(service: Any, cif: str) -> None:
    schemas = service.client.get("/docs.json").json()["components"]["schemas"]
    answer = service.predict({"id": 1, "cif": cif}, {"formula": "?"}, temperature_C=[25]).json()
    assert set(answer) == set(schemas["Answer"]["properties"])
    good, bad = answer["predictions"]
    assert set(good) == set(schemas["Prediction"]["properties"])
    assert set(bad) == {"error"}
    assert set(good["conductivity"][0]) == set(schemas["Conductivity"]["properties"])
    assert set(good["domain"]) == set(schemas["Domain"]["properties"])
    assert set(bad["error"]) == set(schemas["MaterialError"]["properties"])
    assert set(good["li_metal"]) == set(schemas["LithiumMetal"]["properties"])
    assert set(good["li_metal"]["dendrites"]) == set(schemas["Dendrites"]["properties"])
    assert set(good["band_gap_eV"]) == set(schemas["BandGap"]["properties"])
    (detailed,) = service.predict("Li6PS5Cl", detail=["staircase"]).json()["predictions"]
    hull = detailed["li_metal"]["hull"]
    assert set(hull) == set(schemas["Hull"]["properties"])
    assert set(hull["staircase"][0]) == set(schemas["Step"]["properties"])
    assert set(hull["staircase"][0]["products"][0]) == set(schemas["Phase"]["properties"])


def test_the_page_calls_nobody(service: Any) -> None:
    page = service.client.get("/")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!--", "")
    for name in re.findall(r'(?:src|href)="(static_content/[^"]+)"', page.text):
        assert service.client.get(f"/{name}").status_code == 200


def test_bentoml_can_be_asked_for_its_schema(service: Any) -> None:
    routes = service.client.get("/schema.json").json()["routes"]
    assert {route["route"] for route in routes} == {route.path for route in ROUTES}


def test_the_release_model_is_registered(service: Any, wait_for: Callable[..., Any]) -> None:
    assert wait_for(lambda: "the registry is ready" in service.log.read_text())
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_REGISTRY],
        env={**os.environ, "SUPERION_HOME": str(service.home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.returncode == 0, asked.stderr
    found = json.loads(asked.stdout.splitlines()[-1])
    assert [int(version) for version in found["versions"]] == [1]
    assert int(found["champion"]) == 1
    assert service.predict("LiF").json()["model"] == {"name": "superion", "version": "1", "alias": "champion"}


def test_everything_written_lies_under_the_home(service: Any, wait_for: Callable[..., Any]) -> None:
    assert wait_for(lambda: "the registry is ready" in service.log.read_text())
    beside = {path.name for path in service.home.parent.iterdir()}
    assert beside == {"home", "home.log"}
    assert {path.name for path in service.home.iterdir()} >= {"mlflow.db", "artifacts", "bentoml"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_every_process(run_service: Callable[..., Any], number: signal.Signals) -> None:
    with run_service("--workers", "2") as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        assert len(family) >= 2
        service.process.send_signal(number)
        assert service.process.wait(30) == 0
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        assert "Traceback" not in service.log.read_text()
        assert list((service.home / "bentoml").glob("metrics-*")) == []
        assert list(service.home.glob("*.tmp")) == []


def test_workers_do_not_outlive_a_supervisor_that_is_killed(run_service: Callable[..., Any]) -> None:
    with run_service() as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        service.process.kill()
        service.process.wait()
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []


def refuse(*options: str) -> str:
    """Hold that a call is refused as a usage error; returns what it says."""
    command = [sys.executable, "-c", SERVE, *options]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refuse("--port", str(port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_are_let_in_on_request_only(host: str) -> None:
    message = refuse("--host", host, "--port", "0")
    assert "no API keys" in message
    assert "--allow-remote-without-keys" in message


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_of_another_machine(host: str) -> None:
    assert "no address of this machine" in refuse("--host", host, "--port", "0", "--allow-remote-without-keys")


def test_the_example_runs(service: Any, root: Path) -> None:
    command = [sys.executable, str(root / "examples" / "predict_over_http.py"), service.url]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert len(finished.stdout.splitlines()) == 5
