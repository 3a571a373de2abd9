"""Materials and Gaussian processes on them that tests share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.gaussian_process import GaussianProcess
from superion.models.kernels import TERMS, Terms, n_hyperparameters, term_places
from superion.models.material import Material
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import CONDUCTIVITY
from superion.models.tree_ensemble import KINDS, Kind

FORMULAS = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li10GeP2S12",
    "LiCl",
    "Li3PO4",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li3YCl6",
    "Li",
    "Li5.5PS4.5Cl1.5",
    "Li2O",
    "LiBr",
)
GROUPS = (216, 230, 137, 225, 62, 167, 164, 229, 216, 225, 225)
MEASURED = np.array([-2.5, -4.5, -1.9, -9.0, -8.0, -3.2, -3.3, -6.0, -2.0, -11.0, -8.5])


def material(index: int) -> Material:
    a = 4.0 + index
    cell = CellContext(GROUPS[index], (a, a + 0.5, a + 1.0, 90.0, 90.0 + index, 120.0), 8.0 + index)
    return Material(Formula.parse(FORMULAS[index]), cell=cell)


MATERIALS = [material(index) for index in range(len(FORMULAS))]
ASKED = [material(3), Material(Formula.parse("Li9.54Si1.74P1.44S11.7Cl0.3"), cell=MATERIALS[2].cell), material(0)]
FAR = Material(Formula.parse("CsAu"), cell=CellContext(1, (80.0, 90.0, 99.0, 40.0, 45.0, 50.0), 900.0))


def hyperparameters(terms: Terms, noise: float = 0.3) -> np.ndarray:
    values = 0.5 * np.sin(1.0 + np.arange(n_hyperparameters(terms)))
    values[-1] = math.log(noise)
    return values


def process(
    kind: Kind = "cell",
    order: Any = slice(None),
    noise: float = 0.3,
    terms: Terms | None = None,
    **given: float,
) -> GaussianProcess:
    rows = [MATERIALS[index] for index in np.arange(len(MATERIALS))[order]]
    hyper = hyperparameters(TERMS[kind] if terms is None else terms, noise)
    return GaussianProcess.conditioned(kind, rows, MEASURED[order], hyper, -6.0, 3.0, terms=terms, **given)


def both() -> ProcessEnsemble:
    return ProcessEnsemble({(CONDUCTIVITY, kind): process(kind) for kind in KINDS})


def short_sighted() -> ProcessEnsemble:
    """Return processes to which nothing is alike but the same."""
    found = {}
    for kind in KINDS:
        hyper = hyperparameters(TERMS[kind])
        hyper[:-1] = -2.5
        hyper[[first for first, _ in term_places(TERMS[kind])]] = 0.0
        found[CONDUCTIVITY, kind] = GaussianProcess.conditioned(kind, MATERIALS, MEASURED, hyper, -6.0, 3.0)
    return ProcessEnsemble(found)
