"""Gaussian cube text, which VESTA, VMD, OVITO and ASE read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superion.featurizers.crystal import Crystal

__all__ = ["cube_text"]

BOHR = 0.529177210903
"""[angstrom] (CODATA 2018)."""

_PER_LINE = 6


def cube_text(crystal: Crystal, values: npt.NDArray[np.float64], title: str) -> str:
    """Write values (n1, n2, n3) on a grid that starts at the origin as cube text, lengths in bohr.

    Every species of every site is an atom line, whose second number is its occupancy. The title goes on one line.
    """
    positions = crystal.cartesian_coordinates / BOHR
    sites = np.repeat(np.arange(crystal.n_sites), np.diff(crystal.species_offsets))
    entries = zip(crystal.species_atomic_numbers, crystal.species_occupancies, positions[sites], strict=True)
    lines = [
        " ".join(title.split()),
        "values in the order of the third, second and first lattice vector; lengths in bohr",
        f"{len(sites):5d}{0.0:12.6f}{0.0:12.6f}{0.0:12.6f}",
        *(
            "{:5d}{:12.6f}{:12.6f}{:12.6f}".format(count, *(vector / count / BOHR))
            for count, vector in zip(values.shape, crystal.lattice, strict=True)
        ),
        *("{:5d}{:12.6f}{:12.6f}{:12.6f}{:12.6f}".format(z, share, *place) for z, share, place in entries),
    ]
    # Rows along the third vector begin on a line of their own.
    count = values.shape[2]
    form = "\n".join("%13.5E" * min(_PER_LINE, count - start) for start in range(0, count, _PER_LINE))
    lines.extend(form % tuple(row) for row in values.reshape(-1, count).tolist())
    return "\n".join(lines) + "\n"
