"""What whoever runs the service relies on: probes, documentation, registry, start and stop."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from superion.serving import keys
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
    for reference in references(document):
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind]
    post = document["paths"]["/predict"]["post"]
    expected = {"200", "400", "401", "403", "404", "405", "409", "413", "415", "429", "500", "503", "504"}
    assert set(post["responses"]) == expected
    body = schemas["PredictBody"]
    assert set(body["properties"]) == {"materials", "temperature_C", "confidence", "detail", "model"}
    assert body["required"] == ["materials"]
    assert {branch["type"] for branch in body["properties"]["temperature_C"]["anyOf"]} == {"number", "array"}
    assert set(schemas["MaterialBody"]["properties"]) == {"id", "formula", "cif", "poscar", "structure"}


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


@pytest.mark.skipif(sys.platform != "linux", reason="sockets of one address share connections on Linux only")
def test_workers_share_the_connections_of_a_crowd(
    run_service: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    with run_service("--workers", "2") as service, contextlib.ExitStack() as crowd:
        assert wait_for(lambda: service.log.read_text().count("model loaded") == 2)
        assert wait_for(lambda: min(len(of_status(worker, "LISTEN")) for worker in service.workers()) > 1)
        address = service.client.base_url.host, service.client.base_url.port
        connections = [crowd.enter_context(contextlib.closing(HTTPConnection(*address))) for _ in range(48)]
        busy = service.workers()[0]
        busy.suspend()  # as one is that looks elsewhere while many come
        for connection in connections:
            connection.connect()
        time.sleep(0.5)
        busy.resume()
        for connection in connections:
            connection.request("GET", "/livez")
            assert connection.getresponse().read() is not None
        counts = [len(of_status(worker, "ESTABLISHED")) for worker in service.workers()]
        assert sum(counts) >= 48
        assert min(counts) >= 6  # fewer by chance once in some millions of times


@pytest.mark.check
def test_a_service_that_is_ready_refuses_nobody(tmp_path: Path, wait_for: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "--port", str(port), "--workers", "2"],
            env={**os.environ, "SUPERION_HOME": str(tmp_path / "home")},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )

    def first() -> psutil.Process | None:
        children = psutil.Process(process.pid).children()
        return next((one for one in children if "--index 1" in " ".join(one.cmdline())), None)

    def status(path: str, **options: Any) -> int | None:
        with contextlib.suppress(httpx.TransportError), httpx.Client(timeout=2) as client:
            return client.request("POST" if options else "GET", f"http://127.0.0.1:{port}{path}", **options).status_code
        return None

    try:
        slow = wait_for(first)
        slow.suspend()  # so that the second worker has a model before it
        assert wait_for(lambda: "model loaded" in log.read_text())
        time.sleep(1.0)
        assert status("/readyz") is None
        slow.resume()
        assert wait_for(lambda: status("/readyz") == 200)
        # Each on a connection of its own, which may come to either worker.
        material = {"materials": [{"formula": "LiF"}]}
        assert [status("/predict", json=material) for _ in range(20)] == [200] * 20
    finally:
        process.terminate()
        process.wait(30)


def of_status(worker: psutil.Process, status: str) -> list[Any]:
    """Return the connections of a worker that have a status."""
    return [one for one in worker.net_connections("tcp") if one.status == status]


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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "0.0.0.0"), "--host 0.0.0.0 lets other machines in"),
        (("--host", "::"), "--host :: lets other machines in"),
        (("--require-keys",), "--require-keys is given"),
    ],
)
def test_other_machines_are_let_in_with_a_good_key_only(options: tuple[str, ...], says: str) -> None:
    for _ in range(2):
        message = refuse(*options, "--port", "0")
        assert says in message and "no API key" in message
        assert "superion key new NAME --role admin" in message
        if not keys.list_keys():
            keys.new_key("ada", "admin")
        keys.revoke("ada")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_of_another_machine(host: str) -> None:
    keys.new_key("ada", "admin")
    assert "no address of this machine" in refuse("--host", host, "--port", "0")


def test_the_example_runs(service: Any, root: Path) -> None:
    command = [sys.executable, str(root / "examples" / "predict_over_http.py"), service.url]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert len(finished.stdout.splitlines()) == 5
