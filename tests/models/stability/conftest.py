"""The tables that the tests of stability read, once each."""

from __future__ import annotations

import pytest

from superion.models.stability import PhaseTable, read_phase_table


@pytest.fixture(scope="session")
def computed(data_mirror) -> PhaseTable:
    """Return the computed energies and band gaps of matbench."""
    folder = data_mirror("matbench")
    return read_phase_table(folder / "mp_e_form.csv", "matbench", folder / "mp_gap.csv")
