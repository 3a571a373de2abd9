"""The service of a group on a real PostgreSQL server: it answers with the champion, and outlives the database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from .. import _postgres
from ..models import _builders as models
from .conftest import SERVE, running

REGISTER = """
import sys
import mlflow
from pathlib import Path
from superion.training import registry, tracking
client = tracking.client()
with mlflow.start_run() as run:
    uri = tracking.log_model(Path(sys.argv[1]))
print(registry.promote(registry.register(run.info.run_id, uri)[0]).version)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[_postgres.Postgres]:
    """Yield a database server."""
    with _postgres.running() as found:
        yield found


@contextmanager
def stopped(server: _postgres.Postgres) -> Iterator[None]:
    """Have the database stopped for a while."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def promote(home: Path, uri: str, folder: Path) -> str:
    """Register an artefact as somebody on another machine would, and make it champion; returns its version."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", REGISTER, str(folder)],
        env={**os.environ, "SUPERION_HOME": str(home), "MLFLOW_TRACKING_URI": uri},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def version(service: Any) -> str:
    """Return the version that answers."""
    answer = service.predict("LiF")
    assert answer.status_code == 200
    return str(answer.json()["model"]["version"])


def errors(service: Any) -> list[dict[str, Any]]:
    """Return what the log holds above the level of information."""
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    return [line for line in lines if line["level"] in ("error", "warning")]


@pytest.mark.check
def test_a_group_is_served_through_a_stop_of_the_database(
    server: _postgres.Postgres, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    """One long story, because each step begins where the one before it ended."""
    server.run("CREATE DATABASE story")
    uri = server.uri("story")
    # Two workers come to an empty database at once: one makes the tables and registers the release model.
    with running(tmp_path / "home", "--workers", "2", MLFLOW_TRACKING_URI=uri) as service:
        assert wait_for(lambda: service.log.read_text().count("model loaded") == 2)
        assert version(service) == "1"
        assert errors(service) == []

        # A model that is promoted elsewhere is taken by both, from the artefacts that they share.
        assert promote(service.home, uri, models.saved(tmp_path / "ours", name="ours")) == "2"
        assert wait_for(lambda: service.log.read_text().count('"version": "2", "before": "1"') == 2, 30)
        assert {version(service) for _ in range(8)} == {"2"}

        with stopped(server):
            assert wait_for(lambda: len(errors(service)) >= 2)
            time.sleep(11)  # two looks more, of which nothing may be heard
            told = errors(service)
            heard = Counter((line["pid"], line["message"]) for line in told)
            assert set(heard.values()) == {1}, "each worker says it once"
            assert {message for _, message in heard} == {
                "the champion was not looked up; the model stays, if there is one",
                "no shadow: the shadow was not looked up",
            }
            assert all("refused" in line["reason"] for line in told)
            assert server.password not in service.log.read_text()
            assert {version(service) for _ in range(8)} == {"2"}
            assert service.client.get("/readyz").status_code == 200
            # What needs the registry says so, in the one shape and without the address of the database.
            for answer in (service.client.get("/models"), service.client.post("/models/rollback")):
                assert answer.status_code == 503
                assert answer.json()["error"]["code"] == "unavailable"
                assert "127.0.0.1" not in answer.text
                assert answer.headers["retry-after"]

        assert wait_for(lambda: service.log.read_text().count("well again") == 2)
        assert service.client.get("/models").json()["champion"] == "2"
        assert promote(service.home, uri, models.saved(tmp_path / "next", name="next")) == "3"
        assert wait_for(lambda: service.log.read_text().count('"version": "3", "before": "2"') == 2, 30)


@pytest.mark.check
def test_a_service_that_starts_before_its_database(
    server: _postgres.Postgres, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    server.run("CREATE DATABASE late")
    (tmp_path / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    environment = {**os.environ, "SUPERION_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": server.uri("late")}
    with ExitStack() as stack:
        database = stack.enter_context(ExitStack())
        database.enter_context(stopped(server))
        log = stack.enter_context((tmp_path / "log").open("w"))
        command = [sys.executable, "-c", SERVE, "--port", str(port), "--workers", "1"]
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=log)
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60))

        def answers(path: str, status: int) -> bool:
            with suppress(httpx.TransportError):
                return client.get(path).status_code == status
            return False

        assert wait_for(lambda: answers("/livez", 200))
        assert wait_for(lambda: "was not looked up" in (tmp_path / "log").read_text())
        time.sleep(6)  # another look, which is not heard
        assert (tmp_path / "log").read_text().count("champion was not looked up") == 1
        for answer in (client.get("/readyz"), client.post("/predict", json={"materials": [{"formula": "LiF"}]})):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "not_ready"
            assert answer.headers["retry-after"]
        database.close()
        assert wait_for(lambda: answers("/readyz", 200))
        answer = client.post("/predict", json={"materials": [{"formula": "LiF"}]})
        assert answer.json()["model"] == {"name": "superion", "version": "1", "alias": "champion"}
