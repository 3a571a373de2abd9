"""From the atoms that a file lists to the sites of the whole cell: symmetry copies, special positions, mixed sites."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal
from superion.featurizers.crystal import SAME_POSITION, Crystal
from superion.featurizers.crystal_checks import MAX_OCCUPANCY, Species
from superion.featurizers.positions import close_pairs, group_positions, orbit
from superion.featurizers.symmetry import Operations

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
_EXACT = 1e-4
"""Distance within which an atom is on a special position but for rounding [angstrom]."""


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


def expand(
    atoms: ListedAtoms, operations: Operations, lattice: NDArray[np.float64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the positions `(n_positions, 3)` of all copies and the listed atom `(n_positions,)` each comes from.

    An atom close to a special position is moved onto it and counted once; `notes` says so for a visible move.
    """
    images = operations.images(atoms.fractional)
    distances = _self_distances(images, atoms.fractional, lattice)
    positions, sources = [], []
    for k in range(len(atoms.labels)):
        fixing = _fixing_operations(k, atoms, distances[k], notes)
        copies, n_fixing = _on_special_position(k, images[k], fixing, atoms, operations, lattice, notes)
        kept = orbit(copies, len(copies) // n_fixing, lattice)
        positions.append(copies[kept])
        sources.append(np.full(len(kept), k, dtype=np.intp))
        _note_overlap(k, atoms, distances[k], n_fixing, notes)
    wrapped = np.concatenate(positions)
    wrapped -= np.floor(wrapped)
    wrapped[wrapped == 1.0] = 0.0  # a coordinate of -1e-17 wraps to 1
    return wrapped, np.concatenate(sources)


def _self_distances(
    images: NDArray[np.float64], positions: NDArray[np.float64], lattice: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances `(..., n_operations)` of images `(..., n_operations, 3)` from their own atoms [angstrom]."""
    difference = images - positions[..., None, :]
    difference -= np.round(difference)
    distances: NDArray[np.float64] = np.linalg.norm(difference @ lattice, axis=-1)
    return distances


def _fixing_operations(
    k: int, atoms: ListedAtoms, distances: NDArray[np.float64], notes: list[str]
) -> NDArray[np.bool_]:
    """Mark the operations `(n_operations,)` that carry atom k to a copy which is the same atom."""
    declared = atoms.multiplicities[k]
    if declared is not None:
        n_fixing = len(distances) // declared if declared and len(distances) % declared == 0 else 0
        if n_fixing:
            reach = np.partition(distances, n_fixing - 1)[n_fixing - 1]
            marked: NDArray[np.bool_] = distances <= reach + _EXACT
            if reach <= DECLARED_ATOM and marked.sum() == n_fixing:
                return marked
        notes.append(f"the declared multiplicity {declared} of {atoms.labels[k]} does not fit its position; not used")
    crowded = distances < CROWDED_ATOM
    if crowded.sum() * atoms.occupancies[k] > MAX_OCCUPANCY:
        return crowded
    return distances < SAME_ATOM


def _on_special_position(
    k: int,
    images: NDArray[np.float64],
    fixing: NDArray[np.bool_],
    atoms: ListedAtoms,
    operations: Operations,
    lattice: NDArray[np.float64],
    notes: list[str],
) -> tuple[NDArray[np.float64], int]:
    """Return the images of atom k after moving it where the operations `fixing` leave it, and how many those are."""
    position = atoms.fractional[k]
    if fixing.sum() == 1:
        return images, 1
    near = images[fixing] - np.round(images[fixing] - position)
    target = near.mean(axis=0)
    moved = float(np.linalg.norm((target - position) @ lattice))
    copies = operations.images(target) if moved > 1e-12 else images
    exact = _self_distances(copies, target, lattice) < _EXACT
    if not np.array_equal(exact, fixing):
        # The marked operations are not all those of one special position; only exact copies count as one atom then.
        exact = _self_distances(images, position, lattice) < _EXACT
        notes.append(
            f"{atoms.labels[k]} is close to several of its copies at no one special position; it was not moved"
        )
        return images, int(exact.sum())
    if moved > NOTED_MOVE:
        notes.append(
            f"{atoms.labels[k]} was moved by {moved:.3f} angstrom onto its special position; "
            f"{int(exact.sum())} copies count as one atom"
        )
    return copies, int(exact.sum())


def _note_overlap(k: int, atoms: ListedAtoms, distances: NDArray[np.float64], n_fixing: int, notes: list[str]) -> None:
    """Note a split site whose copies sum to more than one atom, which is rounding or an error in the file."""
    near = distances[distances < DECLARED_ATOM]
    total = len(near) / n_fixing * atoms.occupancies[k]
    if len(near) > n_fixing and total > MAX_OCCUPANCY:
        notes.append(
            f"{atoms.labels[k]} is split: {len(near) // n_fixing} copies within {near.max():.2f} angstrom "
            f"sum to {total:.4g}; they were kept"
        )


def assemble(
    atoms: ListedAtoms,
    expanded: tuple[NDArray[np.float64], NDArray[np.intp]],
    lattice: NDArray[np.float64],
    number: int | None,
    notes: list[str],
) -> Crystal:
    """Return the crystal in which positions within 0.1 angstrom of each other are one site with several species."""
    positions, sources = expanded
    group = group_positions(len(positions), close_pairs(lattice, positions, SAME_POSITION))
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first = positions[order[starts]]
    offset = positions - first[group]
    offset -= np.round(offset)
    far = np.linalg.norm(offset @ lattice, axis=1)
    offset[far < 1e-6] = 0.0  # equal but for rounding: the site stays on the very coordinates of its first atom
    sizes = np.diff(starts, append=len(order))
    centre = np.stack([np.bincount(group, weights=column) for column in offset.T], axis=1) / sizes[:, None]
    known: dict[tuple[int, ...], tuple[Species, str]] = {}
    sites = []
    listed = sources[order].tolist()
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        key = tuple(listed[start : start + size])
        if key not in known:
            known[key] = _mixed(key, atoms)
            spread = float(far[order[start : start + size]].max())
            if spread > NOTED_MOVE:
                notes.append(f"{known[key][1]} lie within {spread:.3f} angstrom and were read as one site")
        sites.append(known[key])
    return Crystal(
        lattice=lattice,
        fractional_coordinates=first + centre,
        species=tuple(species for species, _ in sites),
        space_group_number=number,
        labels=tuple(label for _, label in sites),
        notes=tuple(notes),
    )


def _mixed(key: tuple[int, ...], atoms: ListedAtoms) -> tuple[Species, str]:
    """Return the species and the joined label of the site that the listed atoms `key` share.

    Raises InvalidCrystal when they sum to more than 1.05.
    """
    amounts: dict[str, list[float]] = {}
    for k in key:
        amounts.setdefault(atoms.symbols[k], []).append(atoms.occupancies[k])
    label = "/".join(dict.fromkeys(atoms.labels[k] for k in key))
    total = math.fsum(atoms.occupancies[k] for k in key)
    if total > MAX_OCCUPANCY:
        raise InvalidCrystal(
            f"occupancies sum to {total:.4g} on one position ({label[:80]}); at most {MAX_OCCUPANCY} is physical, "
            "so an atom is given twice or an occupancy is wrong",
            field="species",
            value=total,
        )
    return tuple((symbol, math.fsum(parts)) for symbol, parts in amounts.items()), label
