"""The line between conductivity and activation energy: found again where there is one, absent where there is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.errors import InvalidArtefact
from superion.models.artefact import CONFIG, Artefact
from superion.models.meyer_neldel import FLOOR, MIN_ROWS, WEIGHT, MeyerNeldel
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY

from . import _builders
from ._processes import ASKED, process

LINE = MeyerNeldel(0.1, -0.07)


def test_the_line_of_a_prefactor_that_grows_with_the_energy_is_found_again() -> None:
    energy = np.linspace(0.2, 0.7, 60)
    prefactor = 1.5 + 4.0 * energy
    step = 1.0 / (8.617333262e-5 * 298.15 * math.log(10.0))
    level = prefactor - step * energy
    found = MeyerNeldel.fit(level, energy)
    assert found is not None
    # log10 sigma = 1.5 + (4 - step) Ea, solved for the energy.
    assert found.slope == pytest.approx(1.0 / (4.0 - step))
    assert found.intercept == pytest.approx(1.5 / (step - 4.0))
    assert found.energy(level) == pytest.approx(energy)


def test_rows_that_lack_either_do_not_count_and_what_lies_below_the_floor_counts_as_the_floor() -> None:
    level = np.linspace(-9.0, -2.0, 40)
    energy = LINE.energy(level)
    holes = np.concatenate([level, [-3.0, np.nan, -20.0]])
    energies = np.concatenate([energy, [np.nan, 5.0, float(LINE.energy(np.array([FLOOR]))[0])]])
    found = MeyerNeldel.fit(holes, energies)
    assert found is not None and (found.intercept, found.slope) == pytest.approx((LINE.intercept, LINE.slope))
    assert LINE.energy(np.array([-17.0])) == pytest.approx(LINE.energy(np.array([FLOOR])))


@pytest.mark.parametrize(
    ("level", "energy"),
    [
        (np.linspace(-9, -2, MIN_ROWS - 1), np.linspace(0.7, 0.2, MIN_ROWS - 1)),  # too few
        (np.linspace(-9, -2, 40), np.linspace(0.2, 0.7, 40)),  # the wrong way
        (np.full(40, -5.0), np.linspace(0.2, 0.7, 40)),  # one conductivity
        (np.linspace(-15, -11, 40), np.linspace(0.7, 0.2, 40)),  # all below the floor
        (np.linspace(-9, -2, 40), np.full(40, np.nan)),  # no energies
        (np.linspace(-9, -2, 40), 0.4 + 0.1 * np.sin(np.arange(40)) - 0.001 * np.arange(40)),  # hardly
    ],
)
def test_there_is_no_line_where_the_rows_show_none(level: np.ndarray, energy: np.ndarray) -> None:
    assert MeyerNeldel.fit(level, energy) is None


def test_each_kind_moves_towards_what_its_own_conductivity_implies() -> None:
    energies = {(ACTIVATION_ENERGY, kind): process(kind) for kind in ("formula", "cell")}
    levels = {(CONDUCTIVITY, kind): process(kind) for kind in ("formula", "cell")}
    plain = replace(_builders.ensemble(), processes=ProcessEnsemble({**levels, **energies}))  # type: ignore[dict-item]
    lined = replace(plain, meyer_neldel=LINE)
    before, after = plain.predict(ASKED), lined.predict(ASKED)
    assert np.array_equal(before[CONDUCTIVITY].members, after[CONDUCTIVITY].members)
    for name, energy in before[ACTIVATION_ENERGY].kinds.items():
        implied = LINE.energy(before[CONDUCTIVITY].kinds[name])
        assert after[ACTIVATION_ENERGY].kinds[name] == pytest.approx((1.0 - WEIGHT) * energy + WEIGHT * implied)
    others = lined.without_networks(ACTIVATION_ENERGY, ASKED)
    kinds = after[ACTIVATION_ENERGY].kinds
    assert others == pytest.approx(np.mean([kinds["processes"], kinds["formula processes"]], axis=0))


def test_a_line_survives_saving(tmp_path: Path) -> None:
    small = _builders.artefact()
    for number, line in enumerate((LINE, None)):
        folder = tmp_path / str(number)
        replace(small, ensemble=replace(small.ensemble, meyer_neldel=line)).save(folder)
        assert Artefact.load(folder).ensemble.meyer_neldel == line


@pytest.mark.parametrize("line", [[1, 2], {"slope": -0.1}, {"slope": "a", "intercept": 1}, {"slope": None}, 3.0])
def test_a_line_that_is_none_is_refused(tmp_path: Path, line: object) -> None:
    _builders.artefact().save(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps({**config, "meyer_neldel": line}))
    with pytest.raises(InvalidArtefact, match="line"):
        Artefact.load(tmp_path)
