"""What a model that is fine-tuned learns beside its networks: how far its forests and processes are off on the rows.

The rows that grew the parent's forests do not travel with it, so they cannot be grown again with the new ones. A
Gaussian process learns what the parent leaves over instead; far from the new rows it answers zero, and the parent is as
it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superion.models.ensemble import Ensemble
from superion.models.forest import has_full_cell
from superion.models.gaussian_process import GaussianProcess
from superion.models.material import Material
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import KINDS, Kind
from superion.training.processes import fit_process, rows_of
from superion.training.table import Measurement
from superion.training.trees import measured_at_reference

REACH = 0.35
"""Hellinger distance over which a correction fades: garnets of other dopants are 0.1 to 0.3 apart, a garnet and a
perovskite of its elements 0.6, a garnet and an argyrodite more than 1."""


def fit_corrections(rows: Sequence[Measurement], parent: Ensemble) -> ProcessEnsemble:
    """Fit a process to what forests and processes of `parent` leave over, for each target and kind with enough rows.

    A censored row that the parent puts at or below its limit leaves nothing over, another its distance to the limit.
    Where full cells have a correction of their own, that of formulas is of what the parent says of the formulas.
    """
    corrections: dict[tuple[str, Kind], GaussianProcess] = {}
    conductivities, energies = measured_at_reference(rows, censored_at=np.inf)  # limits stay as they are
    censored = np.array([row.censored for row in rows], dtype=bool)
    full = np.array([has_full_cell(row.material) for row in rows], dtype=bool)
    for target, measured in ((CONDUCTIVITY, conductivities), (ACTIVATION_ENERGY, energies)):
        usable = {kind: rows_of(kind, np.isfinite(measured), full) for kind in KINDS}
        for kind in KINDS:
            materials = [row.material for row in rows]
            if kind == "formula" and usable["cell"]:
                materials = [Material(material.formula) for material in materials]
            answered = parent.without_networks(target, materials) if usable[kind] else None
            if answered is None:
                continue
            left = measured - answered
            if target == CONDUCTIVITY:
                left = np.where(censored, np.minimum(left, 0.0), left)
            asked = [materials[index] for index in usable[kind]]
            corrections[target, kind] = fit_process(kind, asked, left[usable[kind]], centre=0.0, reach=REACH)
    return ProcessEnsemble(corrections)
