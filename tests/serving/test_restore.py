"""The drill of docs/operations.md: copy a home that is in use, and serve from the copy in another place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..models import _builders as models
from .conftest import running

SUPERION = "from superion.cli import main; main()"

REGISTER = """
import sys
import mlflow
from pathlib import Path
from superion.training import registry, tracking
client = tracking.client()
with mlflow.start_run() as run:
    uri = tracking.log_model(Path(sys.argv[1]))
print(registry.register(run.info.run_id, uri)[0])
"""

MATERIALS = {"materials": [{"formula": "Li6PS5Cl"}, {"formula": "Li7La3Zr2O12"}]}


def run(home: Path, *command: str) -> str:
    """Run Python with a home; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", *command],
        env={**os.environ, "SUPERION_HOME": str(home)},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def busy(tmp_path: Path, wait_for: Callable[..., Any]) -> Iterator[tuple[Any, httpx.Client]]:
    """Yield a service with a key, a champion of its own and somebody who asks all the time, and a client."""
    home = tmp_path / "home"
    with running(home, "--workers", "1") as service:
        assert wait_for(lambda: "the registry is ready" in service.log.read_text())
        token = run(home, SUPERION, "key", "new", "ada", "--role", "admin")
        assert run(home, REGISTER, str(models.saved(tmp_path / "ours", name="ours"))) == "2"
        run(home, SUPERION, "promote", "2")
        with client_of(service.url, token) as client:
            assert wait_for(lambda: client.post("/predict", json=MATERIALS).json()["model"]["version"] == "2")
            table = "formula,conductivity_S_per_cm\nLi6PS5Cl,1e-3\nLi3N,2e-4\n"
            answer = client.post("/datasets", files={"file": ("own.csv", table)}, data={"name": "ours"})
            assert answer.status_code == 201
            stop = threading.Event()

            def ask() -> None:
                with client_of(service.url, token) as other:
                    while not stop.wait(0.05):
                        assert other.post("/predict", json=MATERIALS).status_code == 200

            thread = threading.Thread(target=ask)
            thread.start()
            try:
                yield service, client
            finally:
                stop.set()
                thread.join()


def client_of(url: str, token: str) -> httpx.Client:
    """Return a client with a key."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=120)


@pytest.mark.check
def test_a_copy_serves_the_same_from_another_place(busy: tuple[Any, httpx.Client], tmp_path: Path) -> None:
    service, client = busy
    before = client.post("/predict", json=MATERIALS).json()
    models_before, datasets_before = client.get("/models").json(), client.get("/datasets").json()
    assert [dataset["name"] for dataset in datasets_before["datasets"]] == ["ours"]
    run(service.home, SUPERION, "backup", str(tmp_path / "copy"))
    token = client.headers["authorization"].removeprefix("Bearer ")
    kept = {path: path.stat().st_mtime_ns for path in (service.home / "artifacts").rglob("*")}

    # The first home is still there and in use: nothing of the second may come from it or go to it.
    (tmp_path / "elsewhere").mkdir()
    restored = tmp_path / "elsewhere" / "restored"
    shutil.copytree(tmp_path / "copy", restored)
    with running(restored, "--workers", "1") as second, client_of(second.url, token) as other:
        assert second.client.post("/predict", json=MATERIALS).status_code == 401
        assert run(restored, SUPERION, "key", "list").splitlines()[1].startswith("ada ")
        after = other.post("/predict", json=MATERIALS).json()
        assert after == before
        assert other.get("/models").json() == models_before
        assert other.get("/datasets").json() == datasets_before
        assert run(restored, REGISTER, str(models.saved(tmp_path / "next", name="next"))) == "3"
        folders = run(
            restored,
            "from superion.training import registry\n"
            "for version in '123': print(registry.resolve(version).folder)\n"
            "from mlflow import MlflowClient\n"
            "for run in MlflowClient().search_runs(['1']): print(run.info.artifact_uri.removeprefix('file://'))",
        )
        assert len(folders.splitlines()) == 6
        assert all(Path(folder).is_relative_to(restored) for folder in folders.splitlines())
    assert {path: path.stat().st_mtime_ns for path in (service.home / "artifacts").rglob("*")} == kept
