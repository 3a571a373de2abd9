"""Artefacts in an object store: `SUPERION_ARTIFACTS=s3://...`, against a stand-in that speaks the protocol.

The store is moto's server in a thread: it answers the requests of boto3 over HTTP as S3 does, and keeps the objects in
memory. What it does not show is a real store's speed, its limits and its ways to fail.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from superion import home
from superion.errors import InvalidArtefact, InvalidValue, Unavailable
from superion.models.predictor import Predictor
from superion.training import places, registry, runs, tracking

from ..models import _builders as models
from . import _builders
from ._noise import MLFLOW
from .conftest import quick_request

pytestmark = MLFLOW

BUCKET = "artefacts"
PLACE = f"s3://{BUCKET}/superion"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Yield the address of the store."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def store(endpoint: str, mlflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return boto3's client of a store with an empty bucket, which artefacts are told to go to."""
    import boto3
    from mlflow.store.artifact import s3_artifact_repo

    for name, value in {
        home.ARTIFACTS_VARIABLE: f"{PLACE}/",
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    s3_artifact_repo._cached_get_s3_client.cache_clear()
    found = boto3.client("s3", endpoint_url=endpoint)
    found.create_bucket(Bucket=BUCKET)
    for key in keys(found):
        found.delete_object(Bucket=BUCKET, Key=key)
    return found


def keys(store: Any) -> list[str]:
    """Return the keys of all objects."""
    return [entry["Key"] for entry in store.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def registered(folder: Path) -> str:
    """Register an artefact; returns its version."""
    tracking.client()
    with mlflow.start_run() as run:
        uri = tracking.log_model(folder)
    return registry.register(run.info.run_id, uri)[0]


def test_a_model_is_trained_into_the_store_and_promoted_from_it(store: Any, mlflow_home: Path, tmp_path: Path) -> None:
    assert registered(models.saved(tmp_path / "first")) == "1"
    answer = runs.run(quick_request(_builders.synthetic_csv(tmp_path / "own.csv")))
    assert answer["version"] == "2"
    names = {Path(key).name for key in keys(store)}
    assert {"weights.safetensors", "config.json", "domain.npz", "calibration.json", "gate.json"} <= names
    assert all(key.startswith("superion/") for key in keys(store))
    assert not (mlflow_home / "artifacts").exists()

    shutil.rmtree(mlflow_home / "models", ignore_errors=True)  # as on a machine that has never seen the model
    assert registry.promote("2").version == "2"
    assert Predictor.from_folder(registry.resolve("champion").folder).predict(["Li3PS4"])
    assert registry.rollback().version == "1"


def test_an_artefact_that_comes_back_incomplete_is_refused(
    store: Any, mlflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registered(models.saved(tmp_path / "first")) == "1"
    assert registered(models.saved(tmp_path / "second", name="second")) == "2"
    weights = [key for key in keys(store) if key.endswith("weights.safetensors")]
    whole = {key: store.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in weights}

    for key, content in whole.items():
        store.put_object(Bucket=BUCKET, Key=key, Body=content[:-1])
    with pytest.raises(InvalidArtefact, match=r"weights\.safetensors is damaged"):
        registry.promote("2")
    for key in weights:
        store.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(InvalidArtefact, match=r"weights\.safetensors"):
        registry.resolve("1")
    assert not (mlflow_home / "models" / "champion.json").exists()
    assert list((mlflow_home / "models").glob("*")) == [], "nothing of it stays"

    # It is not fetched again at once, which would be every five seconds for ever; later it is.
    for key, content in whole.items():
        store.put_object(Bucket=BUCKET, Key=key, Body=content)
    with pytest.raises(InvalidArtefact):
        registry.resolve("1")
    monkeypatch.setattr(places, "_damaged", {})
    assert registry.promote("2").version == "2"


def test_a_store_that_does_not_answer(
    store: Any, endpoint: str, mlflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.artifact import s3_artifact_repo

    assert registered(models.saved(tmp_path / "first")) == "1"
    s3_artifact_repo._cached_get_s3_client.cache_clear()
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="version 1 cannot be fetched from its store"):
        registry.resolve("champion")
    assert not list(mlflow_home.glob("fetched-*"))


def test_another_place_is_another_experiment(
    store: Any, mlflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group begins in its home and moves to a store: what was registered before stays where it is."""
    monkeypatch.delenv(home.ARTIFACTS_VARIABLE)
    assert registered(models.saved(tmp_path / "first")) == "1"
    monkeypatch.setenv(home.ARTIFACTS_VARIABLE, PLACE)
    assert registered(models.saved(tmp_path / "second", name="second")) == "2"
    assert keys(store)
    monkeypatch.setenv(home.ARTIFACTS_VARIABLE, str(tmp_path / "shelf"))
    assert registered(models.saved(tmp_path / "third", name="third")) == "3"
    assert (tmp_path / "shelf" / "models").is_dir()
    monkeypatch.setenv(home.ARTIFACTS_VARIABLE, PLACE)
    assert registered(models.saved(tmp_path / "fourth", name="fourth")) == "4"
    found = {entry.name: entry.artifact_location for entry in tracking.client().search_experiments()}
    shelf = (tmp_path / "shelf").as_uri()
    assert found.pop("Default")
    assert found == {
        "superion": (mlflow_home / "artifacts").as_uri(),
        f"superion at {PLACE}": PLACE,
        f"superion at {shelf}": shelf,
    }
    shutil.rmtree(mlflow_home / "models", ignore_errors=True)
    assert [registry.resolve(version).version for version in "1234"] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("given", ["artifacts", "./here", "s3:bucket"])
def test_a_place_that_depends_on_the_working_directory_is_refused(
    mlflow_home: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(home.ARTIFACTS_VARIABLE, given)
    with pytest.raises(InvalidValue, match="s3://bucket/superion or an absolute path is right") as caught:
        tracking.client()
    assert (caught.value.field, caught.value.value) == (home.ARTIFACTS_VARIABLE, given)


def test_a_place_that_is_too_long_for_the_database_is_refused(
    mlflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.ARTIFACTS_VARIABLE, f"s3://bucket/{'x' * 150}")
    with pytest.raises(InvalidValue, match="at most 150 characters"):
        tracking.client()
