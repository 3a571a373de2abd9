"""Versions of the model over HTTP: what is said of them, the gate, and what is refused; nothing is trained here."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from superion.models.artefact import Artefact
from superion.models.predictor import RELEASE_FOLDER

from ..models import _builders as models
from ..training._noise import MLFLOW
from .conftest import Service, eventually, running

pytestmark = MLFLOW

REGISTER = """
import sys
import mlflow
from pathlib import Path
from superion.training import registry, tracking
tracking.client()
for folder in sys.argv[1:]:
    with mlflow.start_run(run_name=Path(folder).name) as run:
        mlflow.log_params({"data": "ours", "data_digest": "abc", "n_rows": 36, "parent": "superion/1"})
        mlflow.log_metrics({"censored_at_-15.mae": 0.5, "odd": float("nan")})
        uri = tracking.log_model(Path(folder))
    registry.register(run.info.run_id, uri)
"""


def register(home: Path, *folders: Path) -> None:
    """Register artefacts as a training would."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", REGISTER, *map(str, folders)],
        env={**os.environ, "SUPERION_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service whose registry holds the release model, a small one (2) and a damaged one (3)."""
    folder = tmp_path_factory.mktemp("models")
    small = models.saved(folder / "small")
    shutil.copytree(small, folder / "broken")
    (folder / "broken" / "weights.safetensors").write_bytes(b"damaged")
    with running(folder / "home") as found:
        assert eventually(lambda: "the registry is ready" in found.log.read_text(), 120)
        register(found.home, small, folder / "broken")
        yield found


def error_of(answer: Any) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def aliases(service: Service) -> dict[str, str | None]:
    """Return what the aliases stand for."""
    found = service.client.get("/models").json()
    return {name: found[name] for name in ("champion", "challenger", "rollback")}


def holdout_of(service: Service, formulas: list[str]) -> bytes:
    """Return a table whose values are what the champion predicts, which none can do better than."""
    answer = service.predict(*formulas).json()["predictions"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["formula", "conductivity_S_per_cm", "doi"])
    for number, (formula, one) in enumerate(zip(formulas, answer, strict=True)):
        writer.writerow([formula, one["conductivity"]["S_per_cm"], f"10.1/{number}"])
    return out.getvalue().encode()


def test_versions_are_listed_newest_first_with_what_is_known_of_them(served: Service) -> None:
    found = served.client.get("/models").json()
    assert [one["version"] for one in found["models"]] == ["3", "2", "1"]
    assert aliases(served) == {"champion": "1", "challenger": "3", "rollback": None}
    second, first = found["models"][1:]
    assert (second["name"], second["parent"], second["gate"]) == ("small", "superion/1", None)
    assert second["data"] == {"name": "ours", "digest": "abc", "n_rows": 36}
    assert second["metrics"] == {"censored_at_-15.mae": 0.5}
    assert (first["name"], first["aliases"]) == ("release", ["champion"])
    detail = served.client.get("/models/1").json()
    assert detail["card"] == (RELEASE_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert detail["training"] == dict(Artefact.load(RELEASE_FOLDER).training)
    assert {key: detail[key] for key in first} == first
    assert served.client.get("/models/champion").json() == detail


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/models/99", None, 404, "not_found"),
        ("GET", "/models/..%2F..", None, 404, "not_found"),
        ("GET", "/models/3", None, 409, "invalid_artefact"),
        ("POST", "/models/99/gate", None, 404, "not_found"),
        ("POST", "/models/2/gate", None, 409, "no_holdout"),
        ("POST", "/models/99/promote", {}, 404, "not_found"),
        ("POST", "/models/3/promote", {}, 409, "invalid_artefact"),
        ("POST", "/models/3/promote", {"force": True}, 409, "invalid_artefact"),
        ("POST", "/models/2/promote", {"force": "yes"}, 400, "invalid_request"),
        ("POST", "/models/2/promote", {"forced": True}, 400, "invalid_request"),
        ("POST", "/models/rollback", None, 404, "not_found"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    served: Service, method: str, path: str, body: Any, status: int, code: str
) -> None:
    before = aliases(served)
    answer = served.client.request(method, path, json=body)
    assert error_of(answer) == (status, code)
    assert str(served.home) not in answer.text
    assert aliases(served) == before
    assert served.predict("LiF").json()["model"]["version"] == "1"


def test_a_named_version_answers_beside_the_champion(served: Service) -> None:
    for name, version, alias in (("2", "2", None), ("1", "1", "champion"), ("champion", "1", "champion")):
        model = served.predict("LiF", model=name).json()["model"]
        assert (model["version"], model["alias"]) == (version, alias)
    assert served.predict("LiF", model="2").json()["predictions"] != served.predict("LiF").json()["predictions"]
    for name in ("3", "challenger"):
        assert error_of(served.predict("LiF", model=name)) == (409, "invalid_artefact")
    assert error_of(served.predict("LiF", model="nobody")) == (404, "not_found")


def test_the_gate_on_the_holdout_decides_over_promotion(served: Service) -> None:
    formulas = [
        f"Li{3 + 0.1 * number:.1f}{metal}S4{halide}" for number in range(6) for metal in ("In", "Ga") for halide in "FI"
    ]
    sent = {"file": ("holdout.csv", holdout_of(served, formulas))}
    assert served.client.post("/datasets", files=sent, data={"purpose": "holdout"}).status_code == 201
    gate = served.client.post("/models/2/gate").json()["gate"]
    assert (gate["champion"], gate["verdict"], gate["on"], gate["n"]) == ("champion 1", "worse", "holdout", 24)
    assert gate["censored_at_-15"]["champion_mae"] < 1e-6 < gate["censored_at_-15"]["mae"]

    refused = served.client.post("/models/2/promote", json={})
    assert error_of(refused) == (409, "gate_refused")
    assert aliases(served)["champion"] == "1"
    promoted = served.client.post("/models/2/promote", json={"force": True}).json()
    assert (promoted["champion"], promoted["rollback"], promoted["gate"]) == ("2", "1", gate)
    assert eventually(lambda: served.predict("LiF").json()["model"]["version"] == "2", 20)

    back = served.client.post("/models/1/gate").json()["gate"]
    assert (back["champion"], back["verdict"]) == ("champion 2", "better")
    assert served.client.post("/models/1/promote").json()["gate"]["verdict"] == "better"
    assert eventually(lambda: served.predict("LiF").json()["model"]["version"] == "1", 20)
    assert aliases(served) == {"champion": "1", "challenger": "3", "rollback": "2"}
    assert served.client.post("/models/rollback").json()["champion"] == "2"
    assert served.client.post("/models/rollback").json() == {"champion": "1", "rollback": "2", "gate": None}
    with contextlib.closing(sqlite3.connect(served.home / "service.db")) as records:
        noted = [row[0] for row in records.execute("SELECT action FROM events WHERE action LIKE 'model.%'")]
    assert noted[-4:] == ["model.promote", "model.promote", "model.rollback", "model.rollback"]


@pytest.mark.check
def test_a_registry_that_is_locked_or_gone_is_said(run_service: Callable[..., Any], tmp_path: Path) -> None:
    with run_service() as service:
        assert eventually(lambda: "the registry is ready" in service.log.read_text(), 120)
        assert aliases(service)["champion"] == "1"
        with contextlib.closing(sqlite3.connect(service.home / "mlflow.db")) as database:
            database.execute("BEGIN EXCLUSIVE")
            for method, path in (("GET", "/models"), ("POST", "/models/1/promote")):
                answer = service.client.request(method, path)
                assert error_of(answer) == (503, "unavailable")
                assert answer.headers["retry-after"]
            assert service.predict("LiF").status_code == 200
            database.rollback()
        assert aliases(service)["champion"] == "1"
        (service.home / "mlflow.db").rename(tmp_path / "kept.db")
        answers = [service.client.get("/models"), service.client.post("/models/rollback")]
        assert [error_of(answer) for answer in answers] == [(503, "unavailable")] * 2
        assert not (service.home / "mlflow.db").exists(), "looking makes no new one"
        assert service.predict("LiF").status_code == 200
        (tmp_path / "kept.db").rename(service.home / "mlflow.db")
        assert aliases(service)["champion"] == "1"
