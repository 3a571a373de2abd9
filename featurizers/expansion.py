"""From the atoms that a file lists to the sites of the whole cell: symmetry copies, special positions, mixed sites."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal
from superion.featurizers._orbits import expand_orbits
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import MAX_OCCUPANCY, SAME_POSITION, Species
from superion.featurizers.operations import Operations
from superion.featurizers.positions import group_positions

SAME_ATOM = 0.05
"""Distance within which symmetry copies of one listed atom are one atom [angstrom].

Coordinates of three decimals displace an atom from a special position by up to about 0.03 angstrom.
"""
CROWDED_ATOM = 0.25
"""The same where the copies would sum to more than 1.05 if they were counted separately [angstrom].

Refined split sites sum to as much as 1.4 from 0.33 angstrom on, so the distance is short.
"""
DECLARED_ATOM = 0.5
"""The same where the file declares the multiplicity of the atom [angstrom]."""
NOTED_MOVE = 0.01
"""Longest move that is made without a note [angstrom]."""
MAX_SPREAD = 0.5
"""Largest extent of a site; atoms that lie close to each other in a longer chain are no one site [angstrom]."""
NOTED_SUM = 1.001
"""Largest summed occupancy of a site that is kept without a note; three times 0.3334 is a little more than 1."""


@dataclass(frozen=True)
class ListedAtoms:
    """Hold the atoms that a file lists, one entry per atom."""

    labels: list[str]
    symbols: list[str]
    fractional: NDArray[np.float64]
    """Shape (n_atoms, 3), in units of the lattice vectors."""
    occupancies: list[float]
    multiplicities: list[int | None]
    """Declared number of copies in the cell, None where the file does not say."""


@dataclass(frozen=True)
class Copies:
    """Hold the symmetry copies of all listed atoms, atom by atom."""

    positions: NDArray[np.float64]
    """Shape (n_positions, 3), in units of the lattice vectors, from 0 to below 1."""
    sources: NDArray[np.int64]
    """Shape (n_positions,), the listed atom that each is a copy of."""
    counts: list[int]
    """Number of copies per listed atom."""


def expand(atoms: ListedAtoms, operations: Operations, lattice: NDArray[np.float64], notes: list[str]) -> Copies:
    """Return all symmetry copies of the atoms.

    An atom close to a special position is moved onto it and counted once; `notes` says so for a visible move.
    """
    positions, sources, orbits = expand_orbits(
        lattice,
        operations.rotations,
        operations.translations,
        atoms.fractional,
        np.array(atoms.occupancies),
        np.array([-1 if declared is None else declared for declared in atoms.multiplicities], dtype=np.int64),
        SAME_ATOM,
        CROWDED_ATOM,
        DECLARED_ATOM,
        MAX_OCCUPANCY,
    )
    for k, orbit in enumerate(orbits):
        _note_orbit(k, orbit, atoms, notes)
    return Copies(positions, sources, [orbit["n_copies"] for orbit in orbits])


def _note_orbit(k: int, orbit: dict[str, Any], atoms: ListedAtoms, notes: list[str]) -> None:
    """Note what became of atom k; `orbit` has the fields of `superion_orbit` in `csrc/orbits.h`."""
    label = atoms.labels[k]
    if orbit["declared_unused"]:
        notes.append(
            f"the declared multiplicity {atoms.multiplicities[k]} of {label} does not fit its position; not used"
        )
    if orbit["unmoved"]:
        notes.append(f"{label} is close to several of its copies at no one special position; it was not moved")
    if orbit["moved"] > NOTED_MOVE:
        notes.append(
            f"{label} was moved by {orbit['moved']:.3f} angstrom onto its special position; "
            f"{orbit['n_fixing']} copies count as one atom"
        )
    total = orbit["n_near"] / orbit["n_fixing"] * atoms.occupancies[k]
    if orbit["n_near"] > orbit["n_fixing"] and total > MAX_OCCUPANCY:
        # A split site whose copies sum to more than one atom is rounding or an error in the file.
        notes.append(
            f"{label} is split: {orbit['n_near'] // orbit['n_fixing']} copies within {orbit['farthest']:.2f} angstrom "
            f"sum to {total:.4g}; they were kept"
        )


def assemble(
    atoms: ListedAtoms,
    copies: Copies,
    lattice: NDArray[np.float64],
    number: int | None,
    notes: list[str],
) -> Crystal:
    """Return the crystal in which positions within 0.1 angstrom of each other are one site with several species.

    Raises InvalidCrystal for sites that no crystal has.
    """
    groups, n_groups = group_positions(lattice, copies.positions, SAME_POSITION)
    if n_groups < len(groups):
        coordinates, sites = _merged(atoms, copies, groups, lattice, notes)
        species, labels = [species for species, _ in sites], [label for _, label in sites]
    else:
        coordinates, species, labels = copies.positions, [], []
        for k, count in enumerate(copies.counts):
            species += [((atoms.symbols[k], atoms.occupancies[k]),)] * count
            labels += [atoms.labels[k]] * count
    return Crystal(
        lattice=lattice,
        fractional_coordinates=coordinates,
        species=tuple(species),
        space_group_number=number,
        labels=tuple(labels),
        notes=tuple(notes),
    )


def _merged(
    atoms: ListedAtoms,
    copies: Copies,
    groups: NDArray[np.int64],
    lattice: NDArray[np.float64],
    notes: list[str],
) -> tuple[NDArray[np.float64], list[tuple[Species, str]]]:
    """Return the coordinates `(n_groups, 3)` of the sites, the means of their positions, with species and labels."""
    positions = copies.positions
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    first = positions[order[starts]]
    offset = positions - first[groups]
    offset -= np.round(offset)
    far = np.linalg.norm(offset @ lattice, axis=1)
    offset[far < 1e-6] = 0.0  # equal but for rounding: the site stays on the very coordinates of its first atom
    sizes = np.diff(starts, append=len(order))
    centre = np.stack([np.bincount(groups, weights=column) for column in offset.T], axis=1) / sizes[:, None]
    known: dict[tuple[int, ...], tuple[Species, str]] = {}
    sites = []
    listed = copies.sources[order].tolist()
    spreads = np.maximum.reduceat(far[order], starts).tolist()
    for start, size, spread in zip(starts.tolist(), sizes.tolist(), spreads, strict=True):
        key = tuple(listed[start : start + size])
        if key not in known:
            if spread > MAX_SPREAD:
                raise InvalidCrystal(
                    f"{size} atoms ({_joined(key, atoms)[:80]}) form a chain of {spread:.2f} angstrom in which each "
                    f"lies within {SAME_POSITION} angstrom of the next; atoms of one site lie within {MAX_SPREAD}",
                    field="coordinates",
                    value=spread,
                )
            known[key] = _mixed(key, atoms)
            _note_site(known[key], spread, notes)
        sites.append(known[key])
    return first + centre, sites


def _note_site(site: tuple[Species, str], spread: float, notes: list[str]) -> None:
    species, label = site
    if spread > NOTED_MOVE:
        notes.append(f"{label} lie within {spread:.3f} angstrom and were read as one site")
    total = math.fsum(occupancy for _, occupancy in species)
    if total > NOTED_SUM:
        notes.append(f"the occupancies of {label} sum to {total:.4g} on one position; they were kept")


def _joined(key: tuple[int, ...], atoms: ListedAtoms) -> str:
    return "/".join(dict.fromkeys(atoms.labels[k] for k in key))


def _mixed(key: tuple[int, ...], atoms: ListedAtoms) -> tuple[Species, str]:
    """Return the species and the joined label of the site that the listed atoms `key` share.

    Raises InvalidCrystal when they sum to more than 1.05.
    """
    amounts: dict[str, list[float]] = {}
    for k in key:
        amounts.setdefault(atoms.symbols[k], []).append(atoms.occupancies[k])
    label = _joined(key, atoms)
    total = math.fsum(atoms.occupancies[k] for k in key)
    if total > MAX_OCCUPANCY:
        raise InvalidCrystal(
            f"occupancies sum to {total:.4g} on one position ({label[:80]}); at most {MAX_OCCUPANCY} is physical, "
            "so an atom is given twice or an occupancy is wrong",
            field="species",
            value=total,
        )
    return tuple((symbol, math.fsum(parts)) for symbol, parts in amounts.items()), label
