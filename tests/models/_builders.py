"""Small networks, crystals and artefacts that the tests of the models share; nothing here is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.calibration import LEVELS, Calibration
from superion.models.domain import Domain, KnownMaterial
from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY

SMALL = NetworkConfig(width=16, layers=2, heads=2, site_width=12, site_layers=2, n_radial=8, neighbors=6)
SMALLER = replace(SMALL, neighbors=4, cutoff=5.0)
"""Sees less of a crystal."""

TRAINED_ON = ("Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12", "LiCl", "Li3PO4", "Li1.3Al0.3Ti1.7(PO4)3")


def ensemble(members: int = 3, config: NetworkConfig = SMALL, seed: int = 7) -> Ensemble:
    """Return untrained networks, stirred so that every input moves the answer."""
    torch.manual_seed(seed)
    networks = []
    for _ in range(members):
        network = SuperionNetwork(config).eval().requires_grad_(False)
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 and "norm" not in name:
                torch.nn.init.normal_(parameter, 0.0, 0.5)
            elif name.startswith(("convolutions", "from_crystal", "trunk", "means")):
                parameter.mul_(2.5)
        networks.append(network)
    return Ensemble(config, tuple(networks))


def calibration(low: float = -3.0, high: float = 2.0, std_factor: float = 1.5) -> Calibration:
    """Return quantiles that run evenly from `low` to `high`."""
    return Calibration(np.round(low + (high - low) * LEVELS, 5), std_factor, 100)


def domain() -> Domain:
    """Return a domain of a few compositions, one of them known without a value."""
    formulas = [Formula.parse(text) for text in TRAINED_ON]
    known = (
        KnownMaterial("Li6PS5Cl", 2e-3, "a review"),
        KnownMaterial("Li7La3Zr2O12", None, "10.1/censored"),
        KnownMaterial("Li10GeP2S12", 1.2e-2, "10.1/lgps"),
        KnownMaterial("LiCl", 1e-9, "a table"),
    )
    return replace(Domain.fit(formulas, list(TRAINED_ON), known), threshold=0.25)


def artefact(**changes: Any) -> Artefact:
    """Return an untrained artefact with every part in place."""
    fields: dict[str, Any] = {
        "name": "small",
        "ensemble": ensemble(),
        "calibrations": {CONDUCTIVITY: calibration(), ACTIVATION_ENERGY: calibration(-2.0, 2.5, 0.8)},
        "domain": domain(),
        "card": "# small\n\nAn untrained network, for tests: σ in S/cm.\n",
        "training": {"version": "3", "seed": 7},
    }
    return Artefact(**(fields | changes))


def predictor(**changes: Any) -> Predictor:
    """Return a predictor with an untrained artefact."""
    return Predictor(artefact(**changes), ModelName("small", "3", "champion"))


def argyrodite(space_group_number: int | None = None) -> Crystal:
    """Return a small, low-symmetry crystal with a mixed and a partly vacant site."""
    lattice = np.array([[6.9, 0.0, 0.0], [0.4, 7.1, 0.0], [-0.3, 0.6, 7.4]])
    sites = [
        ((0.02, 0.01, 0.03), (("P", 1.0),)),
        ((0.17, 0.18, 0.20), (("S", 1.0),)),
        ((0.81, 0.83, 0.18), (("S", 1.0),)),
        ((0.52, 0.49, 0.47), (("S", 0.6), ("Cl", 0.4))),
        ((0.25, 0.55, 0.76), (("Li", 0.5),)),
        ((0.71, 0.27, 0.61), (("Li", 1.0),)),
        ((0.46, 0.94, 0.33), (("Li", 0.8),)),
    ]
    positions, species = zip(*sites, strict=True)
    return Crystal(lattice, np.array(positions), species, space_group_number)


def rock_salt() -> Crystal:
    """Return cubic LiCl with its space group, in the conventional cell."""
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    positions = np.concatenate([corners, corners + 0.5])
    return Crystal(np.eye(3) * 5.13, positions, ((("Li", 1.0),),) * 4 + ((("Cl", 1.0),),) * 4, 225)


def mixed_batch() -> list[Material]:
    """Return materials of every kind: bare formulas, and crystals of different sizes."""
    return [
        Material(Formula.parse("Li6PS5Cl")),
        Material.from_crystal(argyrodite()),
        Material(Formula.parse("Li7La3Zr2O12")),
        Material.from_crystal(rock_salt()),
        Material(Formula.parse("NaCl")),
    ]


def saved(folder: Path, **changes: Any) -> Path:
    """Save an artefact and return its folder."""
    artefact(**changes).save(folder)
    return folder
