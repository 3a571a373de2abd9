"""Labels: what the hull says of each compound of the table, guarded, kept, the same however many workers make them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from superion.errors import NotFound
from superion.featurizers.formula import Formula
from superion.models.stability import PhaseTable, analyse
from superion.models.stability.inputs import end_members_say
from superion.models.stability.network import CLASSES, TARGETS
from superion.training.matbench import read_values
from superion.training.stability import labels as module
from superion.training.stability.labels import MAX_ABOVE_HULL, StabilityLabels, label, stability_labels

PLACE = {name: TARGETS.index(name) for name in TARGETS}


def test_every_compound_of_the_table_is_labelled_once(labels: StabilityLabels, small_table: PhaseTable) -> None:
    compounds = {
        small_table.formula(row).canonical
        for row in range(len(small_table))
        if len(small_table.formula(row).symbols) >= 2
    }
    assert sorted(formula.canonical for formula in labels.formulas) == sorted(compounds)
    assert labels.with_lithium.sum() > 50
    assert (~labels.with_lithium).sum() > 50


def test_a_label_is_what_the_engine_says(labels: StabilityLabels, small_table: PhaseTable) -> None:
    near = np.flatnonzero(labels.above_hull < MAX_ABOVE_HULL)
    for row in near[:: len(near) // 40]:
        found = analyse(small_table, labels.formulas[row])
        values = labels.values[row]
        assert values[PLACE["reaction_energy"]] == found.reaction_energy_eV_per_atom
        assert values[PLACE["reduction_limit"]] == found.reduction_limit_V
        assert CLASSES[labels.classes[row]] == found.interphase
        oxidation = values[PLACE["oxidation_limit"]]
        assert np.isnan(oxidation) if found.oxidation_limit_V is None else oxidation == found.oxidation_limit_V
        said = end_members_say(labels.formulas[row])
        assert said is not None and np.array_equal(labels.end_members[row], said)


def test_a_phase_far_above_the_hull_teaches_its_limits_and_no_energy(labels: StabilityLabels) -> None:
    far = labels.above_hull >= MAX_ABOVE_HULL
    assert far.sum() > 20
    assert np.isnan(labels.values[far][:, [PLACE["formation_energy"], PLACE["reaction_energy"]]]).all()
    assert (labels.classes[far] == -1).all()
    assert np.isfinite(labels.values[far, PLACE["reduction_limit"]]).all()
    assert np.isfinite(labels.values[~far][:, [PLACE["formation_energy"], PLACE["reaction_energy"]]]).all()
    assert (labels.classes[~far] >= 0).all()


def test_shear_moduli_of_one_formula_are_averaged(small_table: PhaseTable) -> None:
    found = label(small_table, [("LiCl", 1.0), ("Li2Cl2", 2.0), ("KBr", 9.0)])
    column = found.values[:, PLACE["log10_shear_modulus"]]
    assert {formula.text for formula in np.array(found.formulas, dtype=object)[np.isfinite(column)]} == {"LiCl"}
    assert column[np.isfinite(column)].tolist() == [1.5]


def test_workers_change_nothing(labels: StabilityLabels, small_table: PhaseTable, small_files: dict[str, Path]) -> None:
    two = label(small_table, read_values(small_files["mp-shear-moduli"]), workers=2)
    assert [formula.text for formula in two.formulas] == [formula.text for formula in labels.formulas]
    assert np.array_equal(two.values, labels.values, equal_nan=True)
    assert np.array_equal(two.classes, labels.classes)
    assert np.array_equal(two.end_members, labels.end_members, equal_nan=True)


def test_labels_are_kept_and_read_again(
    labels: StabilityLabels, small_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUPERION_HOME", str(tmp_path))
    monkeypatch.setattr(module, "require", lambda name: (small_files[name],))
    made = stability_labels()
    monkeypatch.setattr(module, "label", None)
    kept = stability_labels()
    assert len(list((tmp_path / "datasets" / "derived").iterdir())) == 1
    for found in (made, kept):
        assert [formula.canonical for formula in found.formulas] == [formula.canonical for formula in labels.formulas]
        assert np.array_equal(found.values, labels.values, equal_nan=True)
        assert np.array_equal(found.above_hull, labels.above_hull, equal_nan=True)


def test_labels_are_made_anew_from_other_data(
    small_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUPERION_HOME", str(tmp_path / "home"))
    text = small_files["mp-shear-moduli"].read_text().splitlines()
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("\n".join(text[:-1]) + "\n")
    for path in (small_files["mp-shear-moduli"], fewer):
        files = small_files | {"mp-shear-moduli": path}
        monkeypatch.setattr(module, "require", lambda name, files=files: (files[name],))
        stability_labels()
    assert len(list((tmp_path / "home" / "datasets" / "derived").iterdir())) == 2


def test_without_data_sets_it_is_said_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUPERION_HOME", str(tmp_path))
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    with pytest.raises(NotFound, match="mp-formation-energies"):
        stability_labels()


def test_systems_are_named_by_their_elements(labels: StabilityLabels) -> None:
    named = dict(zip((formula.canonical for formula in labels.formulas), labels.systems, strict=True))
    assert named[Formula.parse("Li3PS4").canonical] == "Li-P-S"
