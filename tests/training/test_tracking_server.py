"""MLflow's own tracking server over HTTP, in a process of its own, with a store behind it that only it can reach."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import psutil
import pytest

from superion import home
from superion.models.predictor import Predictor
from superion.training import registry, tracking

from ..models import _builders as models
from ._noise import MLFLOW

pytestmark = [*MLFLOW, pytest.mark.check]


@pytest.fixture
def server(tmp_path: Path, mlflow_database: Path) -> Iterator[str]:
    """Yield the address of a tracking server that keeps artefacts itself."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copyfile(mlflow_database, folder / "mlflow.db")
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artefacts")]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120.0
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the tracking server did not answer in time"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def answers(url: str) -> bool:
    """Tell whether a page is there."""
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def test_models_go_through_the_server(
    server: str, superion_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.TRACKING_VARIABLE, server)
    try:
        tracking.client()
        with mlflow.start_run() as run:
            uri = tracking.log_model(models.saved(tmp_path / "ours"))
        assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
        assert registry.register(run.info.run_id, uri) == ("1", "champion")
        with mlflow.start_run() as run:
            uri = tracking.log_model(models.saved(tmp_path / "next", name="next"))
        assert registry.register(run.info.run_id, uri) == ("2", "challenger")
        assert registry.promote("challenger").version == "2"
        assert registry.rollback().version == "1"
        found = registry.resolve("champion").folder
        assert found.is_relative_to(superion_home / "models")
        assert Predictor.from_folder(found).predict(["Li3PS4"])
        assert not (superion_home / "artifacts").exists(), "the server keeps them"
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
