"""Textbook crystals, typed in by hand."""

from __future__ import annotations

import gemmi
import numpy as np

from superion.featurizers import Crystal


def from_asymmetric_unit(
    number: int, cell: tuple[float, ...], atoms: list[tuple[str, tuple[float, float, float]]]
) -> Crystal:
    """Expand the atoms of an asymmetric unit by the operations of a space group, standard setting."""
    operations = gemmi.find_spacegroup_by_number(number).operations()
    coordinates, species = [], []
    for symbol, place in atoms:
        images = np.unique(
            np.round([np.mod(operation.apply_to_xyz(place), 1.0) for operation in operations], 6) % 1.0, axis=0
        )
        coordinates.extend(images)
        species.extend([((symbol, 1.0),)] * len(images))
    lattice = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
    return Crystal(lattice, np.array(coordinates), tuple(species), number)


def rotated(crystal: Crystal, matrix: np.ndarray) -> Crystal:
    """Turn a crystal by an orthogonal matrix."""
    return Crystal(crystal.lattice @ matrix.T, crystal.fractional_coordinates, crystal.species)


LI3N = from_asymmetric_unit(
    191, (3.648, 3.648, 3.875, 90, 90, 120), [("Li", (0, 0, 0.5)), ("Li", (1 / 3, 2 / 3, 0)), ("N", (0, 0, 0))]
)
"""A. Rabenau, H. Schulz, J. Less-Common Met. 50, 155 (1976)."""
LICOO2 = from_asymmetric_unit(
    166, (2.8161, 2.8161, 14.0536, 90, 90, 120), [("Li", (0, 0, 0.5)), ("Co", (0, 0, 0)), ("O", (0, 0, 0.26))]
)
"""J. Akimoto, Y. Gotoh, Y. Oosawa, J. Solid State Chem. 141, 298 (1998)."""
LIFEPO4 = from_asymmetric_unit(
    62,
    (10.332, 6.010, 4.692, 90, 90, 90),
    [
        ("Li", (0, 0, 0)),
        ("Fe", (0.2822, 0.25, 0.9747)),
        ("P", (0.0948, 0.25, 0.4182)),
        ("O", (0.0968, 0.25, 0.7428)),
        ("O", (0.4571, 0.25, 0.2060)),
        ("O", (0.1656, 0.0465, 0.2848)),
    ],
)
"""V. A. Streltsov, E. L. Belokoneva, V. G. Tsirelson, N. K. Hansen, Acta Cryst. B 49, 147 (1993)."""
