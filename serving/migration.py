"""The parts of an answer of `POST /structure`: the sites as they are drawn, and the migration of lithium."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import SuperionError
from superion.featurizers.bond_valence import covalent_radius
from superion.featurizers.crystal import Crystal
from superion.featurizers.ionic_radii import ionic_radii
from superion.featurizers.isosurface import isosurface
from superion.featurizers.landscape import BondValenceLandscape, bond_valence_landscape
from superion.featurizers.oxidation import oxidation_states

ION = "Li"
RESOLUTION = 0.2
"""Distance between grid points [angstrom]; that of `superion.featurizers.bond_valence_landscape`."""
MAX_POINTS = 1_000_000
"""Grid points of the landscape above which it is made coarser, which bounds the time at some seconds."""
MAX_SURFACE_POINTS = 20_000
"""Grid points of the surface above which points are left out, which bounds the size of an answer."""
ABOVE_BARRIER = 0.05
"""Energy of the surface above the barrier, at which its necks have no width [eV]."""
UNKNOWN_RADIUS = 1.0
"""Radius of an element of which none is known [angstrom]."""


def sites(crystal: Crystal) -> list[dict[str, Any]]:
    """Return the sites, each moved into the cell."""
    fractional = crystal.fractional_coordinates % 1.0
    fractional[fractional > 1.0 - 1e-6] = 0.0  # what rounding put below 0
    cartesian = fractional @ crystal.lattice
    radii = _radii(crystal)
    return [
        {
            "label": crystal.labels[n] if crystal.labels else None,
            "fractional": fractional[n].round(6).tolist(),
            "cartesian": cartesian[n].round(4).tolist(),
            "species": [{"element": symbol, "occupancy": occupancy} for symbol, occupancy in crystal.species[n]],
            "radius_angstrom": round(float(radii[n]), 3),
        }
        for n in range(crystal.n_sites)
    ]


def _radii(crystal: Crystal) -> npt.NDArray[np.float64]:
    """Return the mean radius of each site [angstrom]: ionic by the sign of the charge, covalent where none is known."""
    try:
        charges = oxidation_states(crystal).charges
    except SuperionError:
        # A file whose charges do not balance is drawn with covalent radii.
        charges = np.zeros(len(crystal.species_sites))
    symbols = [symbol for site in crystal.species for symbol, _ in site]
    cation, anion = ionic_radii(tuple(symbols))
    radii = np.where(charges > 0.0, cation, np.where(charges < 0.0, anion, np.nan))
    unknown = np.isnan(radii)
    radii[unknown] = [_covalent(symbol) for symbol, none in zip(symbols, unknown, strict=True) if none]
    occupancies = crystal.species_occupancies
    total = np.bincount(crystal.species_sites, weights=occupancies * radii, minlength=crystal.n_sites)
    return total / np.bincount(crystal.species_sites, weights=occupancies, minlength=crystal.n_sites)


def _covalent(symbol: str) -> float:
    try:
        return covalent_radius(symbol)
    except SuperionError:
        return UNKNOWN_RADIUS


def migration(crystal: Crystal) -> dict[str, Any]:
    """Return barriers, way and surface of lithium in a crystal.

    Raises SuperionError where the landscape cannot be computed: InvalidValue, UnbalancedCharges or UnknownBondValence.
    """
    resolution = max(RESOLUTION, (crystal.volume / MAX_POINTS) ** (1 / 3))
    landscape = bond_valence_landscape(crystal, ION, resolution)
    barriers = landscape.barriers
    return {
        "ion": ION,
        "resolution_angstrom": round(resolution, 4),
        "barriers_eV": {str(n): _finite(barrier) for n, barrier in barriers.items()},
        "path": _path(landscape),
        "surface": _surface(landscape, barriers[1] + ABOVE_BARRIER),
        "notes": list(landscape.notes),
    }


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _path(landscape: BondValenceLandscape) -> dict[str, Any]:
    way = landscape.pathway
    return {
        "fractional": way.fractional_coordinates.round(6).tolist(),
        "distance_angstrom": way.distances.round(4).tolist(),
        "energy_eV": way.energies.round(6).tolist(),
        "lattice_vector": list(way.lattice_vector),
    }


def _surface(landscape: BondValenceLandscape, energy: float) -> dict[str, Any]:
    """Return the surface of an energy [eV above the minimum], of as many grid points as an answer may hold."""
    step = max(1, math.ceil((landscape.energies.size / MAX_SURFACE_POINTS) ** (1 / 3)))
    kept = [np.arange(0, n, step) for n in landscape.energies.shape]
    vertices, triangles = isosurface(landscape.energies[np.ix_(*kept)], landscape.minimum + energy)
    # The last points may be nearer to the next cell than a step.
    ends = [np.append(points, n) / n for points, n in zip(kept, landscape.energies.shape, strict=True)]
    fractional = np.stack(
        [np.interp(vertices[:, k] * len(kept[k]), np.arange(len(ends[k])), ends[k]) for k in range(3)], axis=-1
    )
    return {
        "energy_eV": round(energy, 6),
        "vertices": (fractional @ landscape.crystal.lattice).round(3).tolist(),
        "triangles": triangles.tolist(),
    }
