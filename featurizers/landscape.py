"""The bond-valence landscape: the energy of a mobile ion everywhere in a crystal, and the barriers between its places.

The site energy of an ion is a Morse term for every ion of opposite charge, with the softBV parameters, and a screened
Coulomb repulsion for every ion of like charge: S. Adams, R. P. Rao, Phys. Status Solidi A 208, 1746 (2011); H. Chen,
L. L. Wong, S. Adams, Acta Cryst. B 75, 18 (2019). Every species of a site counts with its occupancy, so a disordered
crystal is taken as it is, as the average that diffraction sees. All ions of the mobile element are left out: the
landscape is that of one ion in the framework of the others.

A barrier is the energy above the lowest point of the landscape from which on the ion can wander through the crystal in
1, 2 or 3 dimensions. It is a quantity to compare materials by and no activation energy: the framework does not relax,
and the ions do not see each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue
from superion.featurizers._landscape import MAX_CUTOFF, find_pathway, site_energies
from superion.featurizers.bond_valence import (
    COULOMB,
    bond_valence_parameters,
    covalent_radius,
    principal_quantum_number,
    softbv_radius,
    tabulated_charges,
)
from superion.featurizers.crystal import Crystal
from superion.featurizers.cube import cube_text
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.oxidation import OxidationStates, oxidation_states
from superion.featurizers.percolation import percolating_points, percolation_levels

__all__ = ["BondValenceLandscape", "Pathway", "bond_valence_landscape"]

SCREENING_FACTOR = 0.74
"""Screening length of the Coulomb repulsion as a share of the sum of the covalent radii (softBV)."""
MAX_POINTS = 20_000_000
"""Largest grid; its energies take 160 MB."""
MAX_TERMS = 2e10
"""Most pairs of a grid point and a site within the cutoff; they take some ten seconds."""

Radii = Literal["covalent", "softbv"]


@dataclass(frozen=True, eq=False)
class Pathway:
    """Hold the way that a mobile ion takes from its lowest place to an image of it, for a plot of energy along it."""

    fractional_coordinates: npt.NDArray[np.float64]
    """Shape (n_points, 3), not wrapped into the cell: the last is the first displaced by `lattice_vector`."""
    distances: npt.NDArray[np.float64]
    """Shape (n_points,): length of the way up to each point [angstrom]."""
    energies: npt.NDArray[np.float64]
    """Shape (n_points,): energy above the lowest point of the landscape [eV]; the largest is the barrier."""
    lattice_vector: tuple[int, int, int]
    """Where the way leads, in whole lattice vectors."""

    @property
    def barrier(self) -> float:
        """Return the highest energy on the way [eV]."""
        return float(self.energies.max())


@dataclass(frozen=True, eq=False)
class BondValenceLandscape:
    """Hold the bond-valence site energies of one mobile ion in one crystal."""

    crystal: Crystal
    """What was asked about; its own ions of the mobile element do not act on the landscape."""
    ion: str
    """Symbol of the mobile element."""
    charge: int
    """Charge of the mobile ion."""
    energies: npt.NDArray[np.float64]
    """Shape (n1, n2, n3), read-only: energy [eV] at the fractional coordinates (u / n1, v / n2, w / n3)."""
    cutoff: float
    """Longest distance at which an ion acts [angstrom]."""
    oxidation_states: OxidationStates
    """The charges that were used."""
    notes: tuple[str, ...] = ()
    """What was assumed on the way."""

    @property
    def minimum(self) -> float:
        """Return the lowest energy of the landscape [eV]."""
        return float(self.energies.min())

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Return the distance between neighbouring grid points along each lattice vector [angstrom]."""
        lengths = np.linalg.norm(self.crystal.lattice, axis=1) / self.energies.shape
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @cached_property
    def barriers(self) -> Mapping[int, float]:
        """Return the barriers for migration in 1, 2 and 3 dimensions, `{1: , 2: , 3: }` [eV above the minimum]."""
        levels = percolation_levels(self.energies)
        return MappingProxyType({n: level - self.minimum for n, level in enumerate(levels, start=1)})

    @cached_property
    def pathway(self) -> Pathway:
        """Return the way of the lowest barrier: nowhere higher than `barriers[1]`, low and short.

        `csrc/pathway.h` says which of all such ways it is.
        """
        levels = np.ascontiguousarray(self.energies)
        points = find_pathway(self.crystal.lattice, levels, self.minimum + self.barriers[1])
        if points is None:  # rounding of the sum put the threshold below the level
            points = find_pathway(self.crystal.lattice, levels, percolation_levels(levels)[0])
        shape = np.array(self.energies.shape)
        u, v, w = (points % shape).T
        coordinates = points / shape
        steps = np.linalg.norm(np.diff(coordinates, axis=0) @ self.crystal.lattice, axis=1)
        a, b, c = ((points[-1] - points[0]) // shape).tolist()
        return Pathway(
            coordinates, np.concatenate([[0.0], np.cumsum(steps)]), self.energies[u, v, w] - self.minimum, (a, b, c)
        )

    def network(self, dimensions: int = 1) -> npt.NDArray[np.bool_]:
        """Mark the grid points (n1, n2, n3) of the channels that carry ions at `barriers[dimensions]`.

        Raises InvalidValue for dimensions outside 1 to 3.
        """
        if dimensions not in (1, 2, 3):
            raise InvalidValue("the dimensions are 1, 2 or 3", field="dimensions", value=dimensions)
        return percolating_points(self.energies, percolation_levels(self.energies)[dimensions - 1], dimensions)

    def to_cube(self, path: str | Path | None = None) -> str:
        """Return the energies above the minimum [eV] as Gaussian cube text; write it to `path` where one is given."""
        title = f"{self.ion} bond-valence site energy above its minimum of {self.minimum:.4f} eV, in eV"
        text = cube_text(self.crystal, self.energies - self.minimum, f"{self.crystal.formula.text}: {title}")
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def bond_valence_landscape(
    crystal: Crystal,
    ion: str = "Li",
    resolution: float = 0.2,
    cutoff: float = 10.0,
    *,
    radii: Radii = "covalent",
) -> BondValenceLandscape:
    """Compute the bond-valence landscape of a mobile ion in a crystal, ordered or not.

    `ion` is the symbol of the mobile element; `resolution` is the wanted distance between grid points and `cutoff` the
    longest distance at which an ion acts [angstrom]. The grid has `length // resolution - 1` points along a lattice
    vector, at least one: BVlain's grid without the points that it keeps twice, so that energies compare point for
    point. `radii` sets the screening of the repulsion: "covalent" are Cordero's, BVlain's default; "softbv" are those
    of softBV.

    Oxidation states are assigned by `superion.featurizers.oxidation.oxidation_states`. In a crystal without the mobile
    element the landscape is that of an ion put into it, and a note says so.

    Raises InvalidValue for an argument out of range, for a grid of more than `MAX_POINTS` points or work of more than
    `MAX_TERMS`, and where no bond-valence parameters are known; UnbalancedCharges where no oxidation states balance.
    """
    _check_arguments(ion, resolution, cutoff, radii)
    states = oxidation_states(crystal)
    notes = list(states.notes)
    charge = _charge_of_ion(crystal, ion, states, notes)
    shape = _grid_shape(crystal, resolution)
    offsets, kinds, occupancies, interactions = _interactions(crystal, ion, charge, states, radii, notes)
    energies = site_energies(
        crystal.lattice,
        crystal.fractional_coordinates,
        offsets,
        kinds,
        occupancies,
        interactions,
        np.array(shape, dtype=np.int32),
        float(cutoff),
        MAX_TERMS,
    )
    energies.flags.writeable = False
    return BondValenceLandscape(crystal, ion, charge, energies, float(cutoff), states, tuple(notes))


def _check_arguments(ion: str, resolution: float, cutoff: float, radii: str) -> None:
    if ion not in ATOMIC_NUMBER:
        raise InvalidValue("the mobile ion is given as the symbol of an element, such as Li", field="ion", value=ion)
    if not (math.isfinite(resolution) and 0.02 <= resolution <= 2.0):
        raise InvalidValue("the resolution lies between 0.02 and 2 angstrom", field="resolution", value=resolution)
    if not (math.isfinite(cutoff) and 2.0 <= cutoff <= MAX_CUTOFF):
        raise InvalidValue(f"the cutoff lies between 2 and {MAX_CUTOFF:g} angstrom", field="cutoff", value=cutoff)
    if radii not in ("covalent", "softbv"):
        raise InvalidValue("the radii are 'covalent' or 'softbv'", field="radii", value=radii)


def _grid_shape(crystal: Crystal, resolution: float) -> tuple[int, int, int]:
    n1, n2, n3 = (max(1, int(length // resolution) - 1) for length in crystal.cell_parameters[:3])
    if n1 * n2 * n3 > MAX_POINTS:
        raise InvalidValue(
            f"the grid would have {n1 * n2 * n3} points; at most {MAX_POINTS} are computed: take a coarser resolution",
            field="resolution",
            value=resolution,
        )
    return n1, n2, n3


def _charge_of_ion(crystal: Crystal, ion: str, states: OxidationStates, notes: list[str]) -> int:
    """Return the charge that the mobile element has in the crystal, or its usual one where it is not in it."""
    mobile = crystal.species_atomic_numbers == ATOMIC_NUMBER[ion]
    if not mobile.any():
        notes.append(f"the crystal holds no {ion}; the landscape is that of {ion} put into it")
        charges = tabulated_charges(ion)
        if not charges:
            raise InvalidValue(f"no bond-valence parameters are known for {ion}", field="ion", value=ion)
        return charges[0]
    mean = float(np.average(states.charges[mobile], weights=crystal.species_occupancies[mobile]))
    charge = round(mean)
    if charge == 0:
        raise InvalidValue(f"{ion} is neutral in this crystal, so it is no mobile ion", field="ion", value=ion)
    if abs(mean - charge) > 1e-6:
        notes.append(f"{ion} has a mean charge of {mean:.3g}; the mobile ion was given {charge:+d}")
    return charge


def _interactions(
    crystal: Crystal, ion: str, charge: int, states: OxidationStates, radii: Radii, notes: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return what acts on the ion as the C core takes it: offsets, kinds, occupancies and the kinds' parameters."""
    numbers = crystal.species_atomic_numbers
    acts = (numbers != ATOMIC_NUMBER[ion]) & (states.charges != 0.0)
    site = np.repeat(np.arange(crystal.n_sites), np.diff(crystal.species_offsets))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(site[acts], minlength=crystal.n_sites))]).astype(np.int64)
    pairs, kinds = np.unique(np.stack([numbers[acts], states.charges[acts]]), axis=1, return_inverse=True)
    rows = [
        _interaction(ion, charge, SYMBOLS[int(number) - 1], float(other), radii, notes) for number, other in pairs.T
    ]
    interactions = np.array(rows, dtype=np.float64).reshape(-1, 5)
    neutral = (numbers != ATOMIC_NUMBER[ion]) & (states.charges == 0.0)
    if neutral.any():
        names = sorted({SYMBOLS[int(number) - 1] for number in numbers[neutral]})
        notes.append(f"neutral atoms do not act on the ion: {', '.join(names)}")
    return offsets, kinds.astype(np.int32).ravel(), crystal.species_occupancies[acts], interactions


def _interaction(
    ion: str, charge: int, other: str, other_charge: float, radii: Radii, notes: list[str]
) -> tuple[float, float, float, float, float]:
    """Return depth, minimum, steepness, strength and screening of one species (`csrc/landscape.h`)."""
    if charge * other_charge < 0.0:
        whole = round(other_charge) or int(math.copysign(1, other_charge))
        if abs(whole - other_charge) > 1e-6:
            notes.append(f"{other} has a mean charge of {other_charge:.3g}; the bond is that of {other}{whole:+d}")
        pair = (ion, charge, other, whole) if charge > 0 else (other, whole, ion, charge)
        bond = bond_valence_parameters(*pair)
        if bond.source != "softBV":
            notes.append(f"bond-valence parameters of {pair[0]}-{pair[2]}: {bond.source}")
        return bond.d0, bond.r_min, 1.0 / bond.b, 0.0, 0.0
    shells = principal_quantum_number(ion) * principal_quantum_number(other)
    if radii == "softbv":
        contact = softbv_radius(ion, charge) + softbv_radius(other, round(other_charge))
    else:
        contact = covalent_radius(ion) + covalent_radius(other)
    strength = COULOMB * charge * other_charge / math.sqrt(shells)
    return 0.0, 0.0, 0.0, strength, SCREENING_FACTOR * contact
