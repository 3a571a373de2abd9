"""The hurdle before the processes: its mean and draws against the mixture they stand for, and where it speaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.errors import InvalidArtefact
from superion.models.artefact import Artefact
from superion.models.distribution import N_DRAWS
from superion.models.gaussian_process import GaussianProcess
from superion.models.hurdle import INSULATOR_BELOW, Hurdle
from superion.models.kernels import TERMS
from superion.models.material import Material
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY

from . import _builders
from ._processes import ASKED, FAR, MATERIALS, MEASURED, both, hyperparameters

INSULATES = MEASURED < INSULATOR_BELOW
BARE = [Material(one.formula) for one in MATERIALS]
LEVELS = np.linspace(-17.0, -9.5, N_DRAWS)


def conditioned(materials: list[Material], values: np.ndarray, centre: float, scale: float) -> GaussianProcess:
    hyper = hyperparameters(TERMS["formula"], noise=0.05)
    return GaussianProcess.conditioned("formula", materials, values, hyper, centre, scale)


def hurdle(insulates: np.ndarray = INSULATES, levels: np.ndarray = LEVELS) -> Hurdle:
    conductors = [material for material, low in zip(MATERIALS, INSULATES, strict=True) if not low]
    return Hurdle(
        conditioned(MATERIALS, insulates.astype(float), 0.2, 0.4),
        conditioned(conductors, MEASURED[~INSULATES], -5.0, 3.0),
        levels,
    )


def test_the_mean_is_that_of_insulators_and_conductors_by_their_chances() -> None:
    one = hurdle()
    belief = one.predict([*BARE, FAR], 4)
    chance = np.clip(one.insulates.predict([*BARE, FAR]).mean, 0.0, 1.0)
    expected = chance * LEVELS.mean() + (1.0 - chance) * one.conducts.predict([*BARE, FAR]).mean
    assert belief.mean == pytest.approx(expected)
    assert belief.members.shape == (4, len(BARE) + 1)
    assert chance[:-1][INSULATES].min() > chance[:-1][~INSULATES].max()
    assert belief.mean[:-1] == pytest.approx(np.where(INSULATES, LEVELS.mean(), MEASURED), abs=1.5)


def test_as_many_draws_are_levels_as_the_chance_says_and_the_others_are_a_conductors() -> None:
    one = hurdle()
    asked = [*BARE, FAR]
    draws, said = one.predict(asked, 4).draws, one.conducts.predict(asked)
    chance = np.clip(one.insulates.predict(asked).mean, 0.0, 1.0)
    assert draws.shape == (N_DRAWS, len(asked))
    of_levels = np.isin(draws, LEVELS)
    assert of_levels.sum(axis=0) == pytest.approx(chance * N_DRAWS, abs=0.5)
    for row in np.flatnonzero((chance > 0.1) & (chance < 0.9)):
        low, high = draws[of_levels[:, row], row], draws[~of_levels[:, row], row]
        assert low.mean() == pytest.approx(LEVELS.mean(), abs=0.3)
        assert high.mean() == pytest.approx(said.mean[row])
        assert high.std() == pytest.approx(np.hypot(said.epistemic[row], said.noise[row]), rel=0.1)


@pytest.mark.parametrize(("value", "least", "most"), [(3.0, -17.0, -9.5), (-3.0, -9.0, 2.0)])
def test_a_chance_beyond_certain_is_certain(value: float, least: float, most: float) -> None:
    one = replace(hurdle(), insulates=conditioned(MATERIALS, np.full(len(MATERIALS), value), value, 0.1))
    draws = one.predict(BARE[:2], 3).draws
    assert least <= draws.min() and draws.max() <= most


def test_what_is_unknown_of_the_chance_spreads_the_members() -> None:
    near, far = (np.ptp(hurdle().predict([asked], 5).members) for asked in (BARE[0], FAR))
    assert far > 2.0 * near


def test_the_hurdle_speaks_for_bare_formulas_in_place_of_the_same_process_twice() -> None:
    processes = replace(both(), hurdle=hurdle())
    ensemble = replace(_builders.ensemble(), processes=processes)
    bare = [Material(one.formula) for one in ASKED]
    mixed = [ASKED[0], bare[1], ASKED[2]]
    without = replace(ensemble, processes=both())
    found, before = (one.predict(mixed)[CONDUCTIVITY].kinds for one in (ensemble, without))
    expected = hurdle().predict(bare, 3).mean
    assert found["formula processes"] == pytest.approx(
        [before["formula processes"][0], expected[1], before["formula processes"][2]]
    )
    assert found["processes"] == pytest.approx(before["processes"])
    alone = ensemble.predict(bare)[CONDUCTIVITY]
    assert alone.kinds["formula processes"] == pytest.approx(expected)
    assert alone.mean == pytest.approx(np.mean(list(alone.kinds.values()), axis=0))
    others = ensemble.without_networks(CONDUCTIVITY, mixed)
    assert others == pytest.approx(np.mean([found["processes"], found["formula processes"]], axis=0))
    former = replace(ensemble, formula_processes=False).predict(bare)[CONDUCTIVITY].kinds
    assert list(former) == ["networks", "processes"]


def test_the_hurdle_is_of_the_conductivity_alone() -> None:
    targets = (CONDUCTIVITY, ACTIVATION_ENERGY)
    processes = {(target, "formula"): both().processes[CONDUCTIVITY, "formula"] for target in targets}
    with_hurdle = ProcessEnsemble(processes, hurdle())  # type: ignore[arg-type] # the kinds are literals
    found = replace(_builders.ensemble(), processes=with_hurdle).predict(BARE[:3])[ACTIVATION_ENERGY].kinds
    assert found["formula processes"] == pytest.approx(found["processes"])


def test_a_hurdle_survives_saving(tmp_path: Path) -> None:
    small = _builders.artefact()
    replace(small, ensemble=replace(small.ensemble, processes=replace(both(), hurdle=hurdle()))).save(tmp_path)
    read = Artefact.load(tmp_path).ensemble.processes
    assert read.hurdle is not None and set(read.processes) == set(both().processes)
    before, after = hurdle().predict([*BARE, FAR], 3), read.hurdle.predict([*BARE, FAR], 3)
    assert np.array_equal(before.members, after.members) and np.array_equal(before.draws, after.draws)


@pytest.mark.parametrize("missing", ["insulates.weights", "conducts.hyperparameters", "levels"])
def test_a_hurdle_with_a_part_missing_is_refused(missing: str) -> None:
    whole = hurdle().tensors()
    with pytest.raises(InvalidArtefact):
        Hurdle.from_tensors({name: whole[name] for name in whole if name != missing})


def test_an_array_of_no_part_of_a_hurdle_is_refused() -> None:
    with pytest.raises(InvalidArtefact, match="has the parts"):
        Hurdle.from_tensors(hurdle().tensors() | {"other": np.zeros(3)})


@pytest.mark.parametrize("levels", [np.zeros(3), np.full(N_DRAWS, np.nan)])
def test_levels_that_are_none_are_refused(levels: np.ndarray) -> None:
    with pytest.raises(InvalidArtefact, match="levels"):
        hurdle(levels=levels)
