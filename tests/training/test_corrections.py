"""What fine-tuning adds to the forests and processes of its parent: near the new rows, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.meyer_neldel import MeyerNeldel
from superion.models.predictor import Predictor
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.records import ModelName
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import TreeEnsemble
from superion.training import pipeline
from superion.training.corrections import fit_corrections
from superion.training.processes import fit_meyer_neldel, fit_processes
from superion.training.settings import TrainingSettings, TreeSettings
from superion.training.table import MeasurementTable
from superion.training.trees import MIN_ROWS, grow_trees
from superion.training.units import FINAL, fit_units, load_ensemble, units_of

from ..models import _builders as models
from . import _builders

PARENT_ROWS = _builders.synthetic_rows(36)
SHIFT = 2.5
FAR = Material(Formula.parse("La0.5Li0.5TiO3"))


@pytest.fixture(scope="module")
def parent() -> Ensemble:
    return replace(
        models.ensemble(),
        trees=grow_trees(PARENT_ROWS, TreeSettings(n_trees=24), -15.0, 0),
        processes=fit_processes(PARENT_ROWS, -15.0),
    )


def shifted_rows(parent: Ensemble, n: int = 24) -> list[_builders.Measurement]:
    """Return rows of new compositions of one family that conduct `SHIFT` better than the parent says."""
    rows = [_builders.row(f"Li{5.0 + 0.1 * k:.1f}PSe{4.0 + 0.05 * k:.2f}Cl", k) for k in range(n)]
    answered = parent.without_networks(CONDUCTIVITY, [row.material for row in rows])
    assert answered is not None
    return [replace(row, log10_conductivity=float(value) + SHIFT) for row, value in zip(rows, answered, strict=True)]


def corrected(parent: Ensemble, rows: list[_builders.Measurement]) -> Ensemble:
    return replace(parent, corrections=(*parent.corrections, fit_corrections(rows, parent)))


def test_the_correction_is_what_the_parent_is_off_by_and_fades_with_distance(parent: Ensemble) -> None:
    rows = shifted_rows(parent)
    tuned = corrected(parent, rows[::2])
    left_out = [row.material for row in rows[1::2]]
    assert tuned.correction(CONDUCTIVITY, left_out) == pytest.approx(np.full(len(left_out), SHIFT), abs=0.4)
    assert abs(tuned.correction(CONDUCTIVITY, [FAR])[0]) < 0.5 * SHIFT
    assert tuned.correction(ACTIVATION_ENERGY, left_out) == pytest.approx(0.0), "no energies were measured"


def test_forests_and_processes_are_corrected_and_networks_are_not(parent: Ensemble) -> None:
    rows = shifted_rows(parent)
    tuned, asked = corrected(parent, rows), [rows[3].material]
    before, after = parent.predict(asked)[CONDUCTIVITY], tuned.predict(asked)[CONDUCTIVITY]
    by = tuned.correction(CONDUCTIVITY, asked)
    assert after.kinds["networks"] == pytest.approx(before.kinds["networks"])
    for kind in ("forests", "processes", "formula processes"):
        assert after.kinds[kind] == pytest.approx(before.kinds[kind] + by)


def test_what_was_corrected_is_no_longer_novel(parent: Ensemble) -> None:
    rows = shifted_rows(parent)
    tuned, asked = corrected(parent, rows), [rows[3].material, FAR]
    before, after = parent.predict(asked)[CONDUCTIVITY].novelty, tuned.predict(asked)[CONDUCTIVITY].novelty
    assert before is not None and after is not None
    assert after[0] < 0.5 * before[0]
    assert after[1] == pytest.approx(before[1]), "far from the new rows the parent decides"
    own = tuned.corrections[0].processes[CONDUCTIVITY, "formula"].predict(asked).novelty
    assert after == pytest.approx(np.minimum(before, own))
    assert tuned.novelty(CONDUCTIVITY, asked) == pytest.approx(after)
    assert replace(tuned, processes=ProcessEnsemble({})).novelty(CONDUCTIVITY, asked) is None


def test_a_limit_that_the_parent_respects_corrects_nothing(parent: Ensemble) -> None:
    rows = shifted_rows(parent)
    respected = [replace(row, log10_conductivity=0.0, censored=True) for row in rows]
    asked = [row.material for row in rows]
    assert corrected(parent, respected).correction(CONDUCTIVITY, asked) == pytest.approx(0.0, abs=1e-6)
    broken = [replace(row, log10_conductivity=row.log10_conductivity - SHIFT - 3.0, censored=True) for row in rows]  # type: ignore[operator]
    assert corrected(parent, broken).correction(CONDUCTIVITY, asked).mean() == pytest.approx(-3.0, abs=0.5)


def test_corrections_add_up_and_survive_saving(parent: Ensemble, tmp_path: Path) -> None:
    rows = shifted_rows(parent)
    once = corrected(parent, rows)
    twice = corrected(once, [replace(row, log10_conductivity=row.log10_conductivity + 1.0) for row in rows])  # type: ignore[operator]
    asked = [rows[5].material]
    more = twice.correction(CONDUCTIVITY, asked) - once.correction(CONDUCTIVITY, asked)
    assert more == pytest.approx([1.0], abs=0.4)
    artefact: Artefact = replace(models.artefact(), ensemble=twice)
    artefact.save(tmp_path)
    before = Predictor(artefact, ModelName("small", "3")).predict(asked).as_dict()
    assert Predictor.from_folder(tmp_path).predict(asked).as_dict() == before


def test_a_parent_of_an_older_format_is_corrected_as_its_child_answers(parent: Ensemble, tmp_path: Path) -> None:
    former = replace(parent, formula_processes=False, pools=False, squared_reserve=False)
    older = replace(models.artefact(), ensemble=former)
    rows = shifted_rows(parent)
    settings = TrainingSettings(n_folds=2, n_members=2, fit=replace(_builders.FIT, epochs=1))
    job = pipeline.Job(
        MeasurementTable("own.csv", tuple(rows)), settings, parent=Predictor(older, ModelName("small", "1")), workers=1
    )
    work = pipeline.work_of(job, {FINAL: range(len(rows))}, tmp_path)
    fit_units(work, units_of(work), workers=1)
    child = load_ensemble(work, FINAL)
    assert child.pools and child.formula_processes and child.squared_reserve
    materials = [row.material for row in rows]
    answered = child.without_networks(CONDUCTIVITY, materials)
    measured = [row.log10_conductivity for row in rows]
    assert answered == pytest.approx(measured, abs=0.3)
    found = fit_corrections(rows, replace(parent, corrections=()))
    expected = found.answers(CONDUCTIVITY, materials)
    assert expected is not None
    assert child.correction(CONDUCTIVITY, materials) == pytest.approx(expected.known.mean)


def test_a_child_keeps_hurdle_and_line_of_its_parent_and_its_networks_their_own_energies(
    parent: Ensemble, tmp_path: Path
) -> None:
    low = [_builders.row(f"Li{1 + 0.1 * n:.1f}PO4", n, log10_conductivity=-11.0) for n in range(MIN_ROWS + 2)]
    learned = fit_processes([*PARENT_ROWS, *low], -15.0)
    assert learned.hurdle is not None
    whole = replace(parent, processes=learned, meyer_neldel=MeyerNeldel(0.1, -0.07))
    rows = [replace(row, activation_energy=0.9) for row in shifted_rows(whole)]
    settings = TrainingSettings(n_folds=2, n_members=2, fit=replace(_builders.FIT, epochs=1))
    job = pipeline.Job(
        MeasurementTable("own.csv", tuple(rows)),
        settings,
        parent=Predictor(replace(models.artefact(), ensemble=whole), ModelName("small", "1")),
        workers=1,
    )
    work = pipeline.work_of(job, {FINAL: range(len(rows))}, tmp_path)
    fit_units(work, units_of(work), workers=1)
    child = load_ensemble(work, FINAL)
    assert child.meyer_neldel == whole.meyer_neldel
    materials = [row.material for row in rows]
    hurdles = [one.processes.hurdle for one in (child, whole)]
    one, other = (hurdle.predict(materials, 2).mean for hurdle in hurdles if hurdle is not None)
    assert np.array_equal(one, other)
    for target, measured in ((CONDUCTIVITY, [row.log10_conductivity for row in rows]), (ACTIVATION_ENERGY, 0.9)):
        kinds = child.predict(materials)[target].kinds
        others = np.mean([kinds[name] for name in kinds if name != "networks"], axis=0)
        assert others == pytest.approx(measured, abs=0.3)
        assert child.without_networks(target, materials) == pytest.approx(others, abs=1e-9)
    plain = replace(child, meyer_neldel=None).predict(materials)[ACTIVATION_ENERGY].kinds
    assert np.array_equal(kinds["networks"], plain["networks"])
    untuned = [replace(whole, meyer_neldel=line).predict(materials) for line in (whole.meyer_neldel, None)]
    moved, still = (found[ACTIVATION_ENERGY].kinds["networks"] for found in untuned)
    assert np.abs(moved - still).min() > 1e-3


def test_where_cells_have_a_correction_of_their_own_that_of_formulas_is_of_bare_formulas(parent: Ensemble) -> None:
    cell = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
    # To the parent cells of a formula conduct better than the formula tells.
    celled = [replace(row, material=Material(row.material.formula, cell=cell)) for row in PARENT_ROWS]
    celled = [replace(row, log10_conductivity=row.log10_conductivity + 4.0) for row in celled]  # type: ignore[operator]
    whole = replace(
        parent,
        trees=grow_trees([*PARENT_ROWS, *celled], TreeSettings(n_trees=24), -15.0, 0),
        processes=fit_processes([*PARENT_ROWS, *celled], -15.0),
    )
    rows = [replace(row, material=Material(row.material.formula, cell=cell)) for row in shifted_rows(whole)]
    tuned = corrected(whole, rows)
    cells, formulas = [row.material for row in rows], [Material(row.material.formula) for row in rows]
    before = [whole.without_networks(CONDUCTIVITY, asked) for asked in (cells, formulas)]
    assert before[0] is not None and before[1] is not None and (before[0] - before[1]).min() > 1.0
    for asked in (cells, formulas):
        answered = tuned.without_networks(CONDUCTIVITY, asked)
        assert answered == pytest.approx([row.log10_conductivity for row in rows], abs=0.3)


def test_few_rows_and_a_parent_of_networks_alone_correct_nothing(parent: Ensemble) -> None:
    few = shifted_rows(parent)[: MIN_ROWS - 1]
    assert fit_corrections(few, parent).processes == {}
    bare = replace(parent, trees=TreeEnsemble({}), processes=replace(parent.processes, processes={}))
    assert fit_corrections(shifted_rows(parent), bare).processes == {}


def test_a_model_of_enough_rows_has_the_line_that_they_lie_on(tmp_path: Path) -> None:
    rows = _builders.synthetic_rows(60)
    settings = replace(_builders.SETTINGS, fit=replace(_builders.FIT, epochs=1))
    job = pipeline.Job(_builders.table(rows), settings, workers=1)
    work = pipeline.work_of(job, {FINAL: range(len(rows))}, tmp_path)
    fit_units(work, units_of(work), workers=1)
    line = load_ensemble(work, FINAL).meyer_neldel
    assert line is not None and line == fit_meyer_neldel(rows, settings.fit.censored_at)
    assert line.slope == pytest.approx(-1.0 / 15.0, abs=0.02)
