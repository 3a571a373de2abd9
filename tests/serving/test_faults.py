"""Faults from outside while the service runs: what it does is stated here and in docs/http.md."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

pytestmark = pytest.mark.check

SERVE = "import sys; from superion.cli import main; sys.argv.insert(1, 'serve'); main()"

REGISTER = """
import sys
import mlflow
from pathlib import Path
from superion.training import registry, tracking
client = tracking.client()
with mlflow.start_run() as run:
    uri = tracking.log_model(Path(sys.argv[1]))
version = tracking.create_version(client, registry.MODEL_NAME, uri, run.info.run_id)
if sys.argv[2] == "promote":
    registry.promote(version)
else:
    client.set_registered_model_alias(registry.MODEL_NAME, "champion", version)
print(version)
"""


def register(service: Any, folder: Path, how: str) -> str:
    """Register an artefact and make it champion, by `superion promote` or past it; returns its version."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", REGISTER, str(folder), how],
        env={**os.environ, "SUPERION_HOME": str(service.home)},
        cwd=service.home,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()[-1]


@pytest.fixture
def another_model(tmp_path: Path) -> Path:
    """Return an artefact like the release model, that is not the same."""
    from superion.models.predictor import RELEASE_FOLDER

    folder = tmp_path / "another"
    shutil.copytree(RELEASE_FOLDER, folder)
    config = json.loads((folder / "config.json").read_text())
    config["training"]["note"] = "another"
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def version(service: Any) -> str:
    """Return the version that answers."""
    answer = service.predict("LiF")
    assert answer.status_code == 200
    return str(answer.json()["model"]["version"])


def seeded(service: Any, wait_for: Callable[..., Any]) -> None:
    """Wait until the registry is made."""
    assert wait_for(lambda: "the registry is ready" in service.log.read_text())


def test_a_new_champion_is_taken_without_a_refused_request(
    run_service: Callable[..., Any], another_model: Path, wait_for: Callable[..., Any]
) -> None:
    with run_service("--workers", "2") as service:
        seeded(service, wait_for)
        stop = threading.Event()
        statuses = set()

        def ask() -> None:
            with httpx.Client(base_url=service.url, timeout=60) as client:
                while not stop.is_set():
                    statuses.add(client.post("/predict", json={"materials": [{"formula": "LiF"}]}).status_code)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            assert register(service, another_model, "promote") == "2"
            taken = wait_for(lambda: service.log.read_text().count('"version": "2", "before": "1"') == 2)
        finally:
            stop.set()
            thread.join()
        assert taken, "both workers take it"
        assert version(service) == "2"
        assert statuses == {200}


def test_a_broken_champion_is_not_taken(
    run_service: Callable[..., Any], another_model: Path, wait_for: Callable[..., Any]
) -> None:
    with run_service() as service:
        seeded(service, wait_for)
        broken = another_model.with_name("broken")
        shutil.copytree(another_model, broken)
        (broken / "weights.safetensors").write_bytes(b"damaged")
        assert register(service, broken, "alias") == "2"
        assert wait_for(lambda: "weights.safetensors is damaged" in service.log.read_text())
        assert version(service) == "1"
        assert service.client.get("/readyz").status_code == 200
        assert register(service, another_model, "promote") == "3"
        assert wait_for(lambda: version(service) == "3")


def test_a_database_that_is_removed(run_service: Callable[..., Any], wait_for: Callable[..., Any]) -> None:
    with run_service() as service:
        seeded(service, wait_for)
        time.sleep(12)  # two looks, so that the worker has seen it
        (service.home / "mlflow.db").unlink()
        assert wait_for(lambda: "database is gone" in service.log.read_text())
        assert version(service) == "1"


def test_a_database_that_is_locked(run_service: Callable[..., Any], wait_for: Callable[..., Any]) -> None:
    with run_service() as service:
        seeded(service, wait_for)
        database = sqlite3.connect(service.home / "mlflow.db")
        with contextlib.closing(database):
            database.execute("BEGIN EXCLUSIVE")
            assert wait_for(lambda: "was not looked up" in service.log.read_text(), 120)
            assert version(service) == "1"
            database.rollback()
        assert wait_for(lambda: "well again" in service.log.read_text(), 120)


def test_a_home_whose_registry_was_never_filled(
    run_service: Callable[..., Any], mlflow_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    shutil.copyfile(mlflow_home / "mlflow.db", tmp_path / "home" / "mlflow.db")
    with run_service() as service:
        assert version(service) == "1"


def test_a_worker_that_is_killed_is_replaced(run_service: Callable[..., Any], wait_for: Callable[..., Any]) -> None:
    with run_service() as service:
        (worker,) = service.workers()
        worker.kill()

        def well() -> bool:
            with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=service.url, timeout=5) as client:
                return client.get("/readyz").status_code == 200
            return False

        assert wait_for(well)
        assert [one.pid for one in service.workers()] != [worker.pid]
        with httpx.Client(base_url=service.url, timeout=60) as client:
            assert client.post("/predict", json={"materials": [{"formula": "LiF"}]}).status_code == 200


def test_one_of_two_workers_that_is_killed_is_not_missed(
    run_service: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    with run_service("--workers", "2") as service:
        assert wait_for(lambda: service.log.read_text().count("model loaded") == 2)
        first, second = service.workers()
        first.kill()
        psutil.wait_procs([first], timeout=10)
        deadline = time.monotonic() + 15
        while (
            time.monotonic() < deadline
        ):  # each on a connection of its own, as the one that comes back must not refuse
            with httpx.Client(base_url=service.url, timeout=60) as client:
                assert client.post("/predict", json={"materials": [{"formula": "LiF"}]}).status_code == 200
        assert wait_for(lambda: service.log.read_text().count("model loaded") == 3)
        assert second.is_running()


def test_a_tracking_server_that_does_not_answer(tmp_path: Path, wait_for: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import typer; from superion.cli.serve import serve; typer.run(serve)",
            "--port",
            str(port),
        ],
        env={**os.environ, "SUPERION_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

            def alive() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return client.get("/livez").status_code == 200
                return False

            assert wait_for(alive)
            for answer in (client.get("/readyz"), client.post("/predict", json={"materials": [{"formula": "LiF"}]})):
                assert answer.status_code == 503
                assert answer.json()["error"]["code"] == "not_ready"
                assert answer.headers["retry-after"]
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == "", "it never said that it was ready"
