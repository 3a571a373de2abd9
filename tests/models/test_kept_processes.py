"""Gaussian processes with an artefact: kept whole or refused, of older formats, and what an ensemble makes of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from superion.errors import InvalidArtefact
from superion.models import ensemble as ensemble_module
from superion.models.artefact import ADDED, CONFIG, Artefact
from superion.models.ensemble import Ensemble
from superion.models.gaussian_process import GaussianProcess, ProcessOutput
from superion.models.kernels import KERNELS, PLAIN_TERMS, Terms
from superion.models.material import Material
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import KINDS, Kind

from . import _builders
from ._processes import (
    ASKED,
    FAR,
    MATERIALS,
    MEASURED,
    both,
    process,
    short_sighted,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", KERNELS.values())
@pytest.mark.parametrize("given", [{}, {"knee": -8.0}, {"reach": 0.35}])
def test_arrays_give_back_the_same_process_to_the_bit(
    known: Mapping[Kind, Terms], kind: Kind, given: dict[str, float]
) -> None:
    one = process(kind, terms=known[kind], **given)
    again = GaussianProcess.from_tensors(kind, one.tensors())
    for name in ("mean", "epistemic", "noise"):
        assert np.array_equal(getattr(again.predict(ASKED), name), getattr(one.predict(ASKED), name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_of_artefact_format_2_has_the_former_kernel_and_no_knee(kind: Kind) -> None:
    former = process(kind, terms=PLAIN_TERMS[kind])
    tensors = {name: array for name, array in former.tensors().items() if name not in ("kernel", "knee")}
    again = GaussianProcess.from_tensors(kind, tensors)
    assert (again.terms, again.knee) == (PLAIN_TERMS[kind], -math.inf)
    assert np.array_equal(again.predict(ASKED).mean, former.predict(ASKED).mean)


@pytest.mark.parametrize(
    "damage",
    [
        {"weights": np.zeros(3)},
        {"weights": np.zeros((11, 1))},
        {"weights": np.array([])},
        {"inverse_cholesky": np.zeros((11, 10), dtype=np.float32)},
        {"hyperparameters": np.zeros(4)},
        {"features.substituted": np.zeros((11, 117), dtype=np.float32)},
        {"kernel": np.array([1])},
        {"kernel": np.array([3])},
        {"kernel": np.array([1, 2])},
        {"knee": np.array([math.nan])},
        {"knee": np.array([1.0, 2.0])},
        {"centre_and_scale": np.array([0.0, 0.0])},
        {"centre_and_scale": np.array([0.0])},
        {"centre_and_scale": np.array(0.0)},
        {"hyperparameters": np.array(["a"] * 15)},
    ],
)
def test_damaged_arrays_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArtefact) as caught:
        GaussianProcess.from_tensors("cell", process().tensors() | damage)
    assert caught.value.field == "weights.safetensors"


@pytest.mark.parametrize(
    "damage",
    [
        {"features.magpie": np.zeros((11, 131), dtype=np.float32)},
        {"magpie_mean": np.zeros(131)},
        {"magpie_factor": np.full(132, np.nan)},
    ],
)
def test_damaged_arrays_of_the_former_kernel_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArtefact):
        GaussianProcess.from_tensors("cell", process(terms=PLAIN_TERMS["cell"]).tensors() | damage)


@pytest.mark.parametrize("known", KERNELS.values(), ids=["former", "present"])
def test_a_missing_array_is_refused(known: Mapping[Kind, Terms]) -> None:
    whole = process("formula", terms=known["formula"]).tensors()
    for name in whole.keys() - {"knee", "kernel" if known is PLAIN_TERMS else ""}:
        with pytest.raises(InvalidArtefact):
            GaussianProcess.from_tensors("formula", {key: whole[key] for key in whole if key != name})


def test_full_cells_are_answered_by_the_process_on_cells_and_others_by_that_on_formulas() -> None:
    bare = Material(ASKED[0].formula)
    answers = both().answers(CONDUCTIVITY, [bare, *ASKED])
    assert answers is not None
    found = answers.known
    assert found.mean == pytest.approx([*process("formula").predict([bare]).mean, *process().predict(ASKED).mean])
    assert found.noise.shape == found.epistemic.shape == (4,)
    formulas = process("formula").predict([bare, *(Material(one.formula) for one in ASKED)])
    for field in fields(ProcessOutput):
        assert getattr(answers.formula, field.name) == pytest.approx(getattr(formulas, field.name)), field.name
        assert getattr(found, field.name).shape == getattr(formulas, field.name).shape
    only = ProcessEnsemble({(CONDUCTIVITY, "formula"): process("formula")}).answers(CONDUCTIVITY, [bare, ASKED[0]])
    assert only is not None and only.known is only.formula
    assert only.known.mean[0] == pytest.approx(only.known.mean[1])
    assert both().answers(ACTIVATION_ENERGY, ASKED) is None


def test_processes_survive_saving_and_old_artefacts_have_none(tmp_path: Path) -> None:
    small = _builders.artefact()
    small.save(tmp_path / "old")
    assert Artefact.load(tmp_path / "old").ensemble.processes.processes == {}
    replace(small, ensemble=replace(small.ensemble, processes=both())).save(tmp_path / "new")
    loaded = Artefact.load(tmp_path / "new").ensemble.processes
    assert set(loaded.processes) == {(CONDUCTIVITY, kind) for kind in KINDS}
    before, after = both().answers(CONDUCTIVITY, ASKED), loaded.answers(CONDUCTIVITY, ASKED)
    assert before is not None and after is not None
    for one, other in ((before.known, after.known), (before.formula, after.formula)):
        assert np.array_equal(one.mean, other.mean) and np.array_equal(one.epistemic, other.epistemic)


@pytest.mark.parametrize("name", ["other.cell.weights", "activation_energy.sites.weights", "weights"])
def test_arrays_of_no_process_are_refused(name: str) -> None:
    with pytest.raises(InvalidArtefact, match="of no Gaussian process"):
        ProcessEnsemble.from_tensors(both().tensors() | {name: np.zeros(3)})


def test_what_is_unknown_is_reserved_for_the_measured_values_of_all_rows() -> None:
    processes = short_sighted()
    near, far = processes.answers(CONDUCTIVITY, [MATERIALS[0]]), processes.answers(CONDUCTIVITY, [FAR])
    assert near is not None and far is not None
    ensemble = replace(_builders.ensemble(), processes=processes)
    reserved = [ensemble._reserved(answers)[0] for answers in (near, far)]
    assert reserved == pytest.approx([near.known.novelty[0] ** 2, far.known.novelty[0] ** 2])
    assert reserved[1] > 0.9 and reserved[0] < 0.1
    former = replace(ensemble, squared_reserve=False)
    assert former._reserved(far)[0] == pytest.approx(0.5 * far.known.novelty[0])
    assert far.known.measured[[0, -1], 0].tolist() == [MEASURED.min(), MEASURED.max()]
    bare = processes.answers(CONDUCTIVITY, [Material(FAR.formula)])
    assert bare is not None and bare.known.novelty[0] > 0.9
    assert ensemble._reserved(bare)[0] == former._reserved(bare)[0] == 0.0


def test_an_ensemble_believes_in_the_reserve_far_from_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble = replace(_builders.ensemble(), processes=short_sighted())

    def belief(ensemble: Ensemble) -> float:
        """Return how much of the belief lies where the training rows were measured."""
        found = ensemble.predict([FAR])[CONDUCTIVITY]
        low, high = (ndtr(found.spread.position(end - found.mean)[0]) for end in (MEASURED.min(), MEASURED.max()))
        return float(high - low)

    reserved, former = belief(ensemble), belief(replace(ensemble, squared_reserve=False))
    monkeypatch.setattr(ensemble_module, "FORMER_RESERVE", 0.0)
    nothing = belief(replace(ensemble, squared_reserve=False))
    assert reserved > former + 0.1
    assert former > nothing + 0.1


def test_an_ensemble_leans_to_where_its_processes_do() -> None:
    asked = [MATERIALS[3]]

    def ends(knee: float) -> tuple[float, float]:
        """Return how far the distribution reaches below and above its mean."""
        processes = ProcessEnsemble({(CONDUCTIVITY, kind): process(kind, knee=knee) for kind in KINDS})
        spread = replace(_builders.ensemble(), processes=processes).predict(asked)[CONDUCTIVITY].spread
        return -float(spread.offset(-1.5)[0]), float(spread.offset(1.5)[0])

    plain, leaning = ends(-math.inf), ends(-8.0)
    assert leaning[0] > 1.2 * plain[0]
    assert leaning[0] / leaning[1] > 1.2 * plain[0] / plain[1]


def test_what_processes_say_of_the_formula_alone_counts_as_much_as_any_kind() -> None:
    bare = [Material(one.formula) for one in ASKED]
    ensemble = replace(_builders.ensemble(), processes=both())
    found, of_formulas = ensemble.predict(ASKED)[CONDUCTIVITY], ensemble.predict(bare)[CONDUCTIVITY]
    assert list(found.kinds) == ["networks", "processes", "formula processes"]
    assert found.mean == pytest.approx(np.mean(list(found.kinds.values()), axis=0))
    assert found.kinds["formula processes"] == pytest.approx(of_formulas.kinds["formula processes"])
    assert found.kinds["processes"] != pytest.approx(found.kinds["formula processes"], abs=0.01)
    assert of_formulas.kinds["processes"] == pytest.approx(of_formulas.kinds["formula processes"])
    alone = replace(ensemble, formula_processes=False).predict(ASKED)[CONDUCTIVITY]
    assert list(alone.kinds) == ["networks", "processes"]
    assert alone.kinds["processes"] == pytest.approx(found.kinds["processes"])
    without = ensemble.without_networks(CONDUCTIVITY, ASKED)
    assert without == pytest.approx(0.5 * (found.kinds["processes"] + found.kinds["formula processes"]), abs=0.05)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_model_of_an_older_format_answers_without_what_it_was_not_calibrated_with(
    tmp_path: Path, version: int
) -> None:
    ensemble = replace(_builders.ensemble(), processes=both())
    replace(_builders.artefact(), ensemble=ensemble).save(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    for since, keys in ADDED.items():
        for key in keys if since > version else ():
            del config[key]
    (tmp_path / CONFIG).write_text(json.dumps({**config, "format_version": version}))
    read = Artefact.load(tmp_path)
    as_before = replace(ensemble, formula_processes=version > 3, squared_reserve=False)
    expected = as_before.predict(ASKED)[CONDUCTIVITY]
    assert np.array_equal(read.ensemble.predict(ASKED)[CONDUCTIVITY].spread.shape, expected.spread.shape)
    assert np.array_equal(read.ensemble.predict(ASKED)[CONDUCTIVITY].members, expected.members)
    read.save(tmp_path / "again")
    again = Artefact.load(tmp_path / "again").ensemble
    assert again.formula_processes == (version > 3) and not again.squared_reserve
