"""The saved artefact: what goes in comes out, and whatever is wrong with a file is said of that file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from superion.errors import InvalidArtefact, NotFound
from superion.featurizers import schema
from superion.featurizers.formula import Formula
from superion.models import artefact as module
from superion.models.artefact import CALIBRATION, CARD, CHECKED, CONFIG, DOMAIN, WEIGHTS, Artefact
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.models.targets import CONDUCTIVITY

from . import _builders

FILES = {CONFIG, WEIGHTS, CALIBRATION, DOMAIN, CARD}
ASKED = ["Li6PS5Cl", "Li7La3Zr2O12", "NaBr", _builders.argyrodite(), _builders.rock_salt()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _builders.saved(tmp_path / "artefact")


def change_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


def accept(folder: Path, file: str) -> None:
    """Make the configuration vouch for what a file holds now, as a forger would."""
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    change_config(folder, lambda config: config["sha256"].update({file: digest}))


def test_a_saved_model_predicts_what_it_did_before(folder: Path) -> None:
    before = Predictor(_builders.artefact(), ModelName("small", "3"))
    after = Predictor.from_folder(folder)
    for confidence in (0.5, 0.9):
        one = before.predict(ASKED, temperature_C=[25.0, 80.0], confidence=confidence).as_dict()
        other = after.predict(ASKED, temperature_C=[25.0, 80.0], confidence=confidence).as_dict()
        assert one == other


def test_saving_what_was_loaded_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    Artefact.load(folder).save(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_every_field_survives(folder: Path) -> None:
    built, found = _builders.artefact(), Artefact.load(folder)
    assert (found.name, found.card, dict(found.training)) == (built.name, built.card, dict(built.training))
    assert found.domain.known == built.domain.known
    assert found.domain.threshold == built.domain.threshold
    assert np.array_equal(found.domain.fractions, built.domain.fractions)
    assert asdict(found.ensemble.config) == asdict(built.ensemble.config)
    assert len(found.ensemble.networks) == 3
    assert not any(network.training for network in found.ensemble.networks)
    assert not any(parameter.requires_grad for network in found.ensemble.networks for parameter in network.parameters())


def test_whose_known_materials_are_survives(tmp_path: Path) -> None:
    built = _builders.domain()
    known = (replace(built.known[0], dataset="0f3a"), *built.known[1:])
    folder = _builders.saved(tmp_path / "one", domain=replace(built, known=known))
    assert Artefact.load(folder).domain.known == known
    Artefact.load(folder).save(tmp_path / "again")
    assert (tmp_path / "again" / DOMAIN).read_bytes() == (folder / DOMAIN).read_bytes()


def test_an_artefact_of_public_rows_alone_is_what_it_always_was(folder: Path) -> None:
    with np.load(folder / DOMAIN, allow_pickle=False) as arrays:
        names = set(arrays.files)
    assert names == {"fractions", "threshold", "known_formula", "known_measured", "known_source"}


def test_a_domain_that_does_not_say_whose_each_material_is_is_refused(folder: Path) -> None:
    with np.load(folder / DOMAIN) as arrays:
        content = dict(arrays)
    np.savez(folder / DOMAIN, known_dataset=np.array(["a1"]), **content)
    accept(folder, DOMAIN)
    with pytest.raises(InvalidArtefact, match=DOMAIN):
        Artefact.load(folder)


def test_the_folder_holds_the_five_files_and_no_pickle(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    assert not any(path.read_bytes().startswith(b"\x80") for path in folder.iterdir()), (
        "a pickle of protocol 2 or later"
    )
    with np.load(folder / DOMAIN, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


def test_loading_never_unpickles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    Artefact.load(folder)


def test_the_model_says_the_version_of_its_training_unless_told_another(folder: Path) -> None:
    assert Predictor.from_folder(folder).model == ModelName("small", "3", None)
    assert Predictor.from_folder(folder, version="8", alias="champion").model == ModelName("small", "8", "champion")
    assert Predictor.from_folder(folder).named("9", "rollback").model == ModelName("small", "9", "rollback")


def test_a_folder_that_is_not_there_or_empty_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "file"):
        with pytest.raises(NotFound, match=CONFIG) as caught:
            Artefact.load(path)
        assert caught.value.field == "model"


@pytest.mark.parametrize("file", CHECKED)
@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "empty", "longer"])
def test_a_damaged_file_is_named(folder: Path, file: str, damage: str) -> None:
    path = folder / file
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.write_bytes({"truncated": content[:-7], "empty": b"", "longer": content + b" "}[damage])
    with pytest.raises(InvalidArtefact, match=file) as caught:
        Artefact.load(folder)
    assert caught.value.field == file


def test_a_model_without_a_card_still_answers(folder: Path) -> None:
    (folder / CARD).unlink()
    assert Artefact.load(folder).card == ""


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", '"text"', "{}", "\x00", '{"format_version": 2}', '{"format_version": 2, "sha256": 3}'],
)
def test_a_configuration_that_is_none_is_named(folder: Path, text: str) -> None:
    (folder / CONFIG).write_text(text)
    with pytest.raises(InvalidArtefact, match=CONFIG):
        Artefact.load(folder)


def test_a_configuration_that_is_not_text_is_named(folder: Path) -> None:
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArtefact, match=CONFIG):
        Artefact.load(folder)


@pytest.mark.parametrize("key", ["format_version", "name", "featuriser", "network", "n_members", "sha256"])
def test_a_configuration_that_lacks_an_entry_is_refused(folder: Path, key: str) -> None:
    change_config(folder, lambda config: config.pop(key))
    with pytest.raises(InvalidArtefact):
        Artefact.load(folder)


@pytest.mark.parametrize("version", [0, 6, 99, "2", None])
def test_another_format_version_is_refused_by_number(folder: Path, version: object) -> None:
    change_config(folder, lambda config: config.update(format_version=version))
    with pytest.raises(InvalidArtefact, match=f"format version {version}; this superion reads versions 1 to 5"):
        Artefact.load(folder)


def test_a_model_of_format_1_answers_with_the_normal_distribution_it_was_calibrated_on(folder: Path) -> None:
    def older(config: dict[str, Any]) -> None:
        config["format_version"] = 1
        del config["pools"], config["n_corrections"]

    asked = [Material(Formula.parse("Li6PS5Cl"))]
    pooled = Artefact.load(folder).ensemble.predict(asked)[CONDUCTIVITY]
    change_config(folder, older)
    read = Artefact.load(folder)
    found = read.ensemble.predict(asked)[CONDUCTIVITY]
    assert found.mean == pytest.approx(pooled.mean)
    assert found.spread.shape is None and pooled.spread.shape is not None
    networks = read.ensemble.networks
    with torch.inference_mode():
        deviations = [float(n(read.ensemble.batch(asked)).deviation[CONDUCTIVITY][0]) for n in networks]
    assert found.spread.aleatoric == pytest.approx(np.mean(deviations))
    # Saved again it stays what it is.
    read.save(folder)
    assert Artefact.load(folder).ensemble.predict(asked)[CONDUCTIVITY].spread.shape is None


@pytest.mark.parametrize(
    ("version", "key"),
    [
        *((n, key) for n in (2, 3, 4, 5) for key in ("pools", "n_corrections")),
        *((n, "formula_processes") for n in (4, 5)),
        *((5, key) for key in ("squared_reserve", "meyer_neldel")),
    ],
)
def test_a_model_must_say_all_that_its_format_asks_for(folder: Path, key: str, version: int) -> None:
    change_config(folder, lambda config: (config.update(format_version=version), config.pop(key)))
    with pytest.raises(InvalidArtefact, match=key):
        Artefact.load(folder)


@pytest.mark.parametrize("threshold", [None, 0.43])
def test_what_judges_the_domain_survives(tmp_path: Path, threshold: float | None) -> None:
    domain = replace(_builders.domain(), novelty_threshold=threshold)
    _builders.artefact(domain=domain).save(tmp_path)
    assert Artefact.load(tmp_path).domain.novelty_threshold == threshold


def test_another_featuriser_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = module.featuriser_fingerprint()
    monkeypatch.setattr(schema, "FEATURISER_VERSION", schema.FEATURISER_VERSION + 1)
    assert module.featuriser_fingerprint() != own
    with pytest.raises(InvalidArtefact, match=f"trained with featuriser {own}") as caught:
        Artefact.load(folder)
    assert caught.value.field == "featuriser"


@pytest.mark.parametrize(
    "change",
    [
        {"n_members": 4},
        {"n_members": 0},
        {"n_members": "many"},
        {"network": {"width": 32}},
        {"network": {"depth": 3}},
        {"network": None},
        {"network": {"heads": 0}},
    ],
    ids=str,
)
def test_weights_that_do_not_fit_the_configuration_are_refused(folder: Path, change: dict[str, Any]) -> None:
    change_config(folder, lambda config: config.update(change))
    with pytest.raises(InvalidArtefact, match="weights") as caught:
        Artefact.load(folder)
    assert caught.value.field == WEIGHTS


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY", b"text"])
def test_a_forged_domain_that_is_no_archive_is_refused(folder: Path, content: bytes) -> None:
    (folder / DOMAIN).write_bytes(content)
    accept(folder, DOMAIN)
    with pytest.raises(InvalidArtefact, match=DOMAIN):
        Artefact.load(folder)


def test_a_forged_domain_with_pickled_objects_is_refused_unread(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    with np.load(folder / DOMAIN) as arrays:
        content = dict(arrays)
    content["known_formula"] = np.array([Trap()], dtype=object)
    np.savez(folder / DOMAIN, **content)
    accept(folder, DOMAIN)
    with pytest.raises(InvalidArtefact, match=DOMAIN):
        Artefact.load(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"log10_conductivity": {}}', '{"log10_conductivity": null}', "{,}"]
)
def test_a_forged_calibration_is_refused(folder: Path, content: str) -> None:
    (folder / CALIBRATION).write_text(content)
    accept(folder, CALIBRATION)
    with pytest.raises(InvalidArtefact, match=CALIBRATION):
        Artefact.load(folder)


def test_forged_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"\x80\x04\x95 a pickle, perhaps")
    accept(folder, WEIGHTS)
    with pytest.raises(InvalidArtefact, match="weights"):
        Artefact.load(folder)


def test_the_configuration_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*args: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(module, "_save_domain", full_disk)
    with pytest.raises(OSError, match="no space"):
        _builders.saved(tmp_path)
    with pytest.raises(NotFound):
        Artefact.load(tmp_path)


def test_a_model_card_that_holds_no_finite_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        _builders.saved(tmp_path, training={"mae": float("nan")})
