"""A version beside the champion: what it is asked, what is kept of what it says, and that no answer changes by it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import superion
from superion.errors import NotFound, Unavailable
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.material import Material
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.models.records import ModelName
from superion.models.targets import CONDUCTIVITY
from superion.models.tree_ensemble import TreeEnsemble
from superion.serving import comparison
from superion.serving.batch import Answered, Options
from superion.serving.limits import MAX_SHADOW_BATCH
from superion.serving.shadow import Shadow
from superion.training import registry
from superion.training.registry import RegisteredModel

from ._answers import refused
from ._metrics import value

REGISTER = """
import sys
import mlflow
from pathlib import Path
from superion.training import registry, tracking
client = tracking.client()
for folder in sys.argv[1:]:
    with mlflow.start_run() as run:
        uri = tracking.log_model(Path(folder))
    print(tracking.create_version(client, registry.MODEL_NAME, uri, run.info.run_id))
"""

MATERIALS = ["Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "LiF", "Li10GeP2S12"]


def without_line(artefact: Artefact) -> Artefact:
    """Return a model whose activation energies do not lean on its conductivities."""
    return replace(artefact, ensemble=replace(artefact.ensemble, meyer_neldel=None))


def shifted(folder: Path) -> Path:
    """Write the release model with one decade more in each prediction.

    Networks, forests, processes and processes on formulas are as many members each, so that four more in every leaf are
    one in the mean; at any temperature, because the energies do not follow.
    """
    artefact = without_line(Artefact.load(RELEASE_FOLDER))
    forests = {
        (target, kind): replace(forest, value=forest.value + 4.0) if target == CONDUCTIVITY else forest
        for (target, kind), forest in artefact.ensemble.trees.forests.items()
    }
    ensemble = replace(artefact.ensemble, trees=TreeEnsemble(forests))
    replace(artefact, ensemble=ensemble).save(folder)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an artefact that says one decade more than the release model."""
    return shifted(tmp_path_factory.mktemp("artefacts") / "other")


@pytest.fixture(scope="module")
def champion() -> Predictor:
    """Return the release model as version 1, without its line."""
    release = superion.load("release")
    return replace(release, artefact=without_line(release.artefact), model=ModelName("superion", "1", "champion"))


class Registry:
    """Stand in for the registry: which version is the shadow is set by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version: str | None = "2"
        self.error: Exception | None = None

    def shadow_version(self) -> str | None:
        """Return the version, or fail as told."""
        if self.error is not None:
            raise self.error
        return self.version

    def resolve(self, version: str) -> RegisteredModel:
        """Return the folder of a version."""
        if version == "9":
            raise NotFound("the registry holds no superion '9'", field="model")
        return RegisteredModel(version, self.folder)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, other: Path) -> Registry:
    """Return a registry that stands in for the real one."""
    found = Registry(other)
    monkeypatch.setattr(registry, "shadow_version", found.shadow_version)
    monkeypatch.setattr(registry, "resolve", found.resolve)
    return found


@pytest.fixture
def shadow(champion: Predictor) -> Iterator[Shadow]:
    """Yield a shadow that has neither looked nor started."""
    found = Shadow(champion=lambda: champion, size=MAX_SHADOW_BATCH, wait_seconds=0.05, retry_seconds=0.0)
    yield found
    found.stop()


def ask(model: Predictor, items: Sequence[object], temperature: Any = 25.0, confidence: float = 0.9) -> Answered:
    """Return materials and what a model answers."""
    read = model.read(items)
    report = model.answer(read, temperature, confidence)
    return Answered(model, Options(temperature, confidence), read, report.predictions)


def compared(shadow: Shadow, n: int, wait_for: Callable[..., Any]) -> comparison.Sums:
    """Return what was found once so many materials are through."""

    def found() -> comparison.Sums | None:
        shadow.comparisons.flush()
        sums = comparison.read("2", "1")[1]
        return sums if sums.n + sums.n_failed >= n else None

    sums = wait_for(found, 30.0)
    assert sums is not None, comparison.read("2", "1")
    assert isinstance(sums, comparison.Sums)
    return sums


def test_what_both_say_is_compared(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, wait_for: Callable[..., Any], cif: str
) -> None:
    shadow.look()
    assert shadow.predictor is not None
    assert (shadow.predictor.model.version, shadow.problem) == ("2", None)
    shadow.start(lambda: False)
    answered = ask(champion, [*MATERIALS, {"cif": cif}, "no formula"], (100.0, 25.0))
    shadow.offer(answered)
    sums = compared(shadow, 6, wait_for)
    assert (sums.n, sums.n_failed, sums.n_dropped) == (6, 0, 0)
    assert sums.sum_difference / 6 == pytest.approx(1.0, abs=1e-5)
    assert sums.sum_absolute / 6 == pytest.approx(1.0, abs=1e-5)
    assert sums.sum_squares / 6 == pytest.approx(1.0, abs=1e-5)
    assert sums.n_outside_domain == 1, "LiF"
    assert sums.seconds > 0
    estimates = [one.conductivity[0].log10 for one in answered.predictions[:6]]  # type: ignore[union-attr]
    assert sums.n_outside_interval == sum(one.mean + 1.0 > one.upper for one in estimates)


def test_a_mean_outside_the_champions_interval_is_counted(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, wait_for: Callable[..., Any]
) -> None:
    shadow.look()
    shadow.start(lambda: False)
    shadow.offer(ask(champion, MATERIALS, confidence=0.05))
    assert compared(shadow, 5, wait_for).n_outside_interval == 5


def test_materials_outside_the_shadows_domain_are_counted(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, wait_for: Callable[..., Any]
) -> None:
    shadow.look()
    shadow.start(lambda: False)
    # LiF is near to what was learned from by its distance, and novel all the same.
    asked = ["Li6PS5Cl", "LiF"]
    shadow.offer(ask(champion, asked))
    assert compared(shadow, 2, wait_for).n_outside_domain == 1
    assert shadow.predictor is not None
    assert shadow.predictor.inside([Material(Formula.parse(text)) for text in asked]) == [True, False]


def test_a_material_is_compared_once_and_only_as_the_champion_answered(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, wait_for: Callable[..., Any]
) -> None:
    shadow.look()
    shadow.start(lambda: False)
    shadow.offer(ask(champion.named("7", None), ["LiI"]))
    for _ in range(3):
        shadow.offer(ask(champion, ["Li6PS5Cl", "PS5ClLi6"]))
    shadow.offer(ask(champion, ["Li6PS5Cl"], 60.0))
    assert compared(shadow, 2, wait_for).n == 2


def test_requests_go_first_and_what_is_too_much_is_dropped_and_counted(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, wait_for: Callable[..., Any]
) -> None:
    shadow.look()
    busy = threading.Event()
    busy.set()
    asked = threading.Event()

    def waits() -> bool:
        asked.set()
        return busy.is_set()

    shadow.start(waits)
    shadow.offer(ask(champion, [f"Li{n}Cl" for n in range(1, MAX_SHADOW_BATCH + 8)]))
    assert asked.wait(10)
    shadow.comparisons.flush()
    assert comparison.read("2", "1")[1] == comparison.Sums(n_dropped=7)
    busy.clear()
    sums = compared(shadow, MAX_SHADOW_BATCH, wait_for)
    assert (sums.n, sums.n_dropped) == (MAX_SHADOW_BATCH, 7)


def test_a_material_that_the_shadow_fails_on_is_one(
    shadow: Shadow,
    fake: Registry,
    champion: Predictor,
    superion_home: Path,
    wait_for: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = Predictor.log10_conductivity_and_novelty

    def broken(self: Predictor, materials: Any, temperatures: Any) -> Any:
        if any("Cs" in material.formula for material in materials):
            raise ZeroDivisionError("SECRET Cs3LiCl4")
        return whole(self, materials, temperatures)

    shadow.look()
    answered = ask(champion, [*MATERIALS, "Cs3LiCl4"])
    monkeypatch.setattr(Predictor, "log10_conductivity_and_novelty", broken)
    shadow.start(lambda: False)
    with caplog.at_level(logging.INFO, "superion.serving"):
        shadow.offer(answered)
        sums = compared(shadow, 6, wait_for)
    assert (sums.n, sums.n_failed) == (5, 1)
    assert "the shadow failed on a material" in caplog.text
    assert all("Cs3" not in record.getMessage() for record in caplog.records)


def test_a_shadow_that_does_not_work_is_not_asked(
    shadow: Shadow, fake: Registry, other: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.folder = tmp_path / "none"
    for _ in range(3):
        shadow.look()
    assert shadow.predictor is None
    assert shadow.problem is not None
    assert "version 2" in shadow.problem
    assert str(tmp_path) not in shadow.problem
    assert caplog.text.count("no shadow: version 2") == 1
    fake.version = "9"
    shadow.look()
    assert shadow.problem == "version 9 is not in the registry"
    fake.version, fake.folder = "3", other
    shadow.look()
    assert shadow.predictor is not None
    assert (shadow.predictor.model.version, shadow.problem) == ("3", None)


def test_a_registry_that_does_not_answer_leaves_the_shadow(shadow: Shadow, fake: Registry) -> None:
    shadow.look()
    before = shadow.predictor
    assert before is not None
    fake.error = Unavailable("the model registry does not answer")
    shadow.look()
    assert shadow.predictor is before
    fake.error = None
    shadow.look()
    assert (shadow.predictor, shadow.problem) == (before, None)


@pytest.mark.parametrize("version", [None, "1"])
def test_none_and_the_champion_are_no_shadow(
    shadow: Shadow, fake: Registry, champion: Predictor, superion_home: Path, version: str | None
) -> None:
    shadow.look()
    assert shadow.predictor is not None
    fake.version = version
    shadow.look()
    assert shadow.predictor is None
    shadow.offer(ask(champion, ["LiF"]))
    shadow.comparisons.flush()
    assert not superion_home.exists()


def test_sums_are_kept_while_the_records_cannot_be_written(superion_home: Path) -> None:
    found = comparison.Comparisons()
    found.drop("2", "1", 3)
    superion_home.parent.mkdir(parents=True, exist_ok=True)
    superion_home.write_text("in the way")
    with pytest.raises(Unavailable):
        found.flush()
    superion_home.unlink()
    found.fail("2", "1")
    found.flush()
    found.drop("2", "1", 1)
    found.flush()
    since, sums = comparison.read("2", "1")
    assert since is not None
    assert sums == comparison.Sums(n_failed=1, n_dropped=4)
    assert comparison.read("3", "1") == (None, comparison.Sums())


@pytest.mark.check
def test_a_shadow_of_a_service(
    run_service: Callable[..., Any], other: Path, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    def put(version: str | None) -> Any:
        return service.client.put("/shadow", json={"version": version})

    def shown(n: int) -> Any:
        found = service.client.get("/shadow").json()
        return found if found["n"] >= n else None

    broken = tmp_path / "broken"
    shutil.copytree(other, broken)
    (broken / "weights.safetensors").write_bytes(b"damaged")
    with run_service() as service:
        assert wait_for(lambda: "the registry is ready" in service.log.read_text())
        nothing = service.client.get("/shadow").json()
        assert (nothing["version"], nothing["champion"], nothing["n"], nothing["since"]) == (None, "1", 0, None)
        registered = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", REGISTER, str(other), str(broken)],
            env={**os.environ, "SUPERION_HOME": str(service.home)},
            cwd=service.home,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert registered.stdout.split() == ["2", "3"], registered.stderr
        before = service.predict(*MATERIALS).content
        refused(put("3"), 409, "invalid_artefact", "version")
        refused(put("99"), 404, "not_found", "model")
        refused(put("1"), 409, "is_champion", "version")
        assert put("2").json() == nothing | {"version": "2"}
        answers = [service.predict("Li5.4321PS4.4321Cl1.5679", *MATERIALS) for _ in range(2)]
        assert answers[0].json()["predictions"][1:] == service.predict(*MATERIALS).json()["predictions"]
        assert service.predict(*MATERIALS).content == before
        found = wait_for(lambda: shown(6))
        assert found["n"] == 6
        for name in ("mean_difference", "mean_absolute_difference", "root_mean_square_difference"):
            assert found[name] == pytest.approx(1.0, abs=1e-5)
        assert (found["share_outside_domain"], found["n_failed"], found["problem"]) == (pytest.approx(1 / 6), 0, None)
        assert found["since"] is not None
        assert value(service, "superion_shadow_materials_total", outcome="compared") == 6
        assert value(service, "superion_shadow_absolute_difference_decades_sum") == pytest.approx(6.0, abs=1e-4)
        assert put(None).json() == nothing
        service.predict("Li9N2Cl3")
        assert service.stop() == 0
        kept = b"".join(path.read_bytes() for path in service.home.glob("service.db*"))
        for text in (b"5.4321", b"Li9N2Cl3"):
            assert text not in kept
            assert text not in service.log.read_bytes()
