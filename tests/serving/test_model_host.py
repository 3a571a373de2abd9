"""The life of the model in one process: what is taken, what is refused, and that the old one stays."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from superion.errors import InvalidArtefact, NotFound
from superion.models.artefact import Artefact
from superion.models.predictor import RELEASE_FOLDER
from superion.serving import model_host
from superion.serving.model_host import ModelHost, load
from superion.training import registry
from superion.training.registry import RegisteredModel


class Registry:
    """Stand in for the registry: what is champion is set by the test."""

    def __init__(self) -> None:
        self.new = False
        self.champion: RegisteredModel | Exception = RegisteredModel("1", RELEASE_FOLDER, "champion")
        self.looks = 0
        self.seeded = 0

    def resolve(self, model: str) -> RegisteredModel:
        """Return the champion, or fail as told."""
        self.looks += 1
        if isinstance(self.champion, Exception):
            raise self.champion
        return self.champion

    def seed(self) -> RegisteredModel:
        """Register the release model."""
        self.seeded += 1
        self.champion = RegisteredModel("1", RELEASE_FOLDER, "champion")
        return self.champion


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry that stands in for the real one."""
    found = Registry()
    monkeypatch.setattr(registry, "resolve", found.resolve)
    monkeypatch.setattr(registry, "registry_is_new", lambda: found.new)
    monkeypatch.setattr(registry, "seed_release", found.seed)
    return found


@pytest.fixture
def host(fake: Registry) -> Iterator[ModelHost]:
    """Yield a host that looks every hundredth of a second and has not started."""
    found = ModelHost(poll_seconds=0.01, retry_seconds=0.05)
    yield found
    found.stop()


@pytest.fixture
def copy_release(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes another artefact of the release model's files."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(RELEASE_FOLDER, folder)
        config = json.loads((folder / "config.json").read_text())
        config["training"]["copy"] = name
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


def version(host: ModelHost) -> str | None:
    """Return the version of the model that answers."""
    return None if host.predictor is None else host.predictor.model.version


def looked(fake: Registry, wait_for: Callable[..., Any], times: int = 3) -> None:
    """Wait until the host has looked several times more."""
    before = fake.looks
    assert wait_for(lambda: fake.looks >= before + times)


def test_there_is_no_model_before_one_is_loaded(host: ModelHost) -> None:
    assert host.predictor is None
    host.start(seeds=False)
    assert host.wait(60)
    assert host.predictor is not None
    assert host.predictor.model.as_dict() == {"name": "superion", "version": "1", "alias": "champion"}


def test_a_new_champion_replaces_the_old(
    host: ModelHost, fake: Registry, copy_release: Callable[[str], Path], wait_for: Callable[..., Any]
) -> None:
    host.start(seeds=False)
    assert host.wait(60)
    held = host.predictor
    fake.champion = RegisteredModel("2", copy_release("two"), "champion")
    assert wait_for(lambda: version(host) == "2")
    assert held is not None
    assert held.model.version == "1", "a request that began with the old model ends with it"


def test_the_same_files_under_another_name_are_not_loaded_again(
    host: ModelHost, fake: Registry, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    host.start(seeds=False)
    assert host.wait(60)
    before = host.predictor
    shutil.copytree(RELEASE_FOLDER, tmp_path / "same")
    fake.champion = RegisteredModel("5", tmp_path / "same", "champion")
    assert wait_for(lambda: version(host) == "5")
    assert before is not None
    assert host.predictor is not None
    assert host.predictor.artefact is before.artefact


def damage_weights(folder: Path) -> None:
    """Flip a byte in the middle of the weights."""
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / "weights.safetensors").write_bytes(content)


def forget_weights(folder: Path) -> None:
    """Make an artefact whose every prediction is NaN, in files that are sound."""
    artefact = Artefact.load(folder)
    for network in artefact.ensemble.networks:
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.full_like(tensor, float("nan")))
    replace(artefact).save(folder)


def remove_configuration(folder: Path) -> None:
    """Take the configuration away."""
    (folder / "config.json").unlink()


@pytest.mark.parametrize("spoil", [damage_weights, forget_weights, remove_configuration, shutil.rmtree])
def test_a_champion_that_does_not_work_is_not_taken(
    host: ModelHost,
    fake: Registry,
    copy_release: Callable[[str], Path],
    wait_for: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
) -> None:
    host.start(seeds=False)
    assert host.wait(60)
    folder = copy_release("broken")
    spoil(folder)
    with caplog.at_level(logging.INFO, "superion.serving"):
        fake.champion = RegisteredModel("2", folder, "champion")
        looked(fake, wait_for, 30)
        assert version(host) == "1"
        complaints = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert len(complaints) == 1, "said once, not at every look"
        assert "version 2 was not taken" in complaints[0].message
        fake.champion = RegisteredModel("3", copy_release("sound"), "champion")
        assert wait_for(lambda: version(host) == "3")
        assert wait_for(lambda: "well again" in caplog.text)


@pytest.mark.parametrize("error", [NotFound("no champion"), OSError("database is locked"), RuntimeError("anything")])
def test_a_registry_that_does_not_answer_changes_nothing(
    host: ModelHost, fake: Registry, wait_for: Callable[..., Any], error: Exception
) -> None:
    host.start(seeds=False)
    assert host.wait(60)
    fake.champion = error
    looked(fake, wait_for)
    assert version(host) == "1"
    assert fake.seeded == 0


def test_a_database_that_is_gone_does_not_bring_the_release_model_back(
    host: ModelHost,
    fake: Registry,
    copy_release: Callable[[str], Path],
    caplog: pytest.LogCaptureFixture,
    wait_for: Any,
) -> None:
    fake.champion = RegisteredModel("4", copy_release("four"), "champion")
    host.start(seeds=False)
    assert host.wait(60)
    fake.champion = RegisteredModel("1", RELEASE_FOLDER, "champion")
    fake.new = True
    assert wait_for(lambda: "database is gone" in caplog.text)
    assert version(host) == "4"


def test_an_empty_registry_is_seeded_before_the_first_load(host: ModelHost, fake: Registry) -> None:
    fake.champion = NotFound("the registry holds no superion")
    host.start(seeds=False)
    assert host.wait(60)
    assert (version(host), fake.seeded) == ("1", 1)


def test_a_service_without_a_model_tries_again(host: ModelHost, fake: Registry, wait_for: Callable[..., Any]) -> None:
    fake.champion = OSError("the tracking server does not answer")
    host.start(seeds=False)
    looked(fake, wait_for)
    assert host.predictor is None
    fake.champion = RegisteredModel("1", RELEASE_FOLDER, "champion")
    assert host.wait(60)


def test_a_model_that_answers_nonsense_is_refused(copy_release: Callable[[str], Path]) -> None:
    folder = copy_release("nonsense")
    forget_weights(folder)
    with pytest.raises(InvalidArtefact):
        load(RegisteredModel("2", folder))


def test_there_is_one_host_in_a_process() -> None:
    assert model_host.shared() is model_host.shared()
