"""A small part of the Materials Project, its labels, and what a short training makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from superion.featurizers.formula import Formula
from superion.models.stability import PhaseTable
from superion.models.stability.network import StabilityConfig
from superion.models.stability.table_files import read_phase_table
from superion.models.stability.tables import MATBENCH
from superion.training.matbench import HEADER, read_values
from superion.training.stability.fit import StabilitySettings, TrainingSet
from superion.training.stability.labels import StabilityLabels, label

ELEMENTS = frozenset({"Li", "Na", "P", "S", "O", "Cl", "Ge"})
SOURCES = {
    "mp-formation-energies": "mp_e_form.csv",
    "mp-band-gaps": "mp_gap.csv",
    "mp-shear-moduli": "elasticity_log10(G_VRH).csv",
}


@pytest.fixture(scope="session")
def settings() -> StabilitySettings:
    """Return settings of a training of seconds."""
    network = StabilityConfig(width=16, layers=1, heads=2)
    return StabilitySettings(network, n_networks=2, n_folds=3, passes=6, lithium_passes=6, batch_size=64)


@pytest.fixture(scope="session")
def small_files(data_mirror, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return, by data set, the rows of compounds of `ELEMENTS` alone."""
    folder, into = data_mirror("matbench"), tmp_path_factory.mktemp("matbench")
    files = {}
    for name, file in SOURCES.items():
        rows = [row for row in read_values(folder / file) if set(Formula.parse(row[0]).symbols) <= ELEMENTS]
        files[name] = into / file
        lines = [",".join(HEADER), *(f"{text},{value}" for text, value in rows)]
        files[name].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


@pytest.fixture(scope="session")
def small_table(small_files: dict[str, Path]) -> PhaseTable:
    """Return the phases of `ELEMENTS`."""
    return read_phase_table(small_files["mp-formation-energies"], MATBENCH, small_files["mp-band-gaps"])


@pytest.fixture(scope="session")
def labels(small_table: PhaseTable, small_files: dict[str, Path]) -> StabilityLabels:
    """Return the labels of the small table."""
    return label(small_table, read_values(small_files["mp-shear-moduli"]))


@pytest.fixture(scope="session")
def data(labels: StabilityLabels) -> TrainingSet:
    """Return the labels as tensors."""
    return TrainingSet.of(labels)
