"""Compute the bond-valence landscape of a CIF, disordered or not: barriers, the way of the lowest one, a cube file.

    python examples/landscape.py examples/argyrodite.cif

writes `argyrodite.cube` (open it in VESTA and draw the surface at a barrier) and `argyrodite_pathway.csv`, both into
the folder that it is started in.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from superion.errors import SuperionError
from superion.featurizers import Crystal, bond_valence_landscape


def main() -> int:
    """Read the CIF that is named, print what was found and write the two files."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    source = Path(sys.argv[1])
    try:
        landscape = bond_valence_landscape(Crystal.from_file(source))
    except SuperionError as error:
        print(f"{source.name}: {error}", file=sys.stderr)
        return 1
    states = ", ".join(
        f"{symbol} {' and '.join(f'{charge:+g}' for charge in charges)}"
        for symbol, charges in landscape.oxidation_states.by_element.items()
    )
    print(f"{landscape.crystal.formula.text}: {states}")
    for note in landscape.notes:
        print(f"note: {note}")
    for dimensions, barrier in landscape.barriers.items():
        print(f"barrier in {dimensions} dimensions: {barrier:.2f} eV")
    landscape.to_cube(f"{source.stem}.cube")
    way = landscape.pathway
    with Path(f"{source.stem}_pathway.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["distance_angstrom", "energy_eV", "x", "y", "z"])
        for distance, energy, place in zip(way.distances, way.energies, way.fractional_coordinates, strict=True):
            writer.writerow([f"{distance:.4f}", f"{energy:.4f}", *(f"{coordinate:.5f}" for coordinate in place)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
