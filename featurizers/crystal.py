"""Crystals: a lattice and sites that each hold any number of elements with their occupancies, checked when made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal, InvalidValue, shorten
from superion.featurizers.crystal_checks import (
    MAX_SITES,
    Species,
    check_lattice,
    check_positions,
    checked_array,
    checked_species,
    read_only,
)
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula

if TYPE_CHECKING:
    import ase
    from pymatgen.core.structure import Structure

_GRAM_PER_CM3 = 1.66053906660
"""One u per cubic angstrom [g/cm^3] (CODATA 2018)."""


@dataclass(frozen=True, eq=False)
class Crystal:
    """Hold one periodic crystal, immutable and physical.

    Raises InvalidCrystal, with the field at fault, for: shapes that do not fit, values that are not finite, a lattice
    without volume, an unknown element, an occupancy outside (0, 1.05], no site or more than `MAX_SITES`, and sites
    within 0.1 angstrom of each other whose occupancies sum to more than 1.05.
    """

    lattice: NDArray[np.float64]
    """Shape (3, 3), rows are the lattice vectors [angstrom]; left-handed ones are fine."""
    fractional_coordinates: NDArray[np.float64]
    """Shape (n_sites, 3), in units of the lattice vectors; not wrapped into the cell."""
    species: tuple[Species, ...]
    """Per site the (symbol, occupancy) pairs; a sum below 1 leaves the site partly vacant."""
    space_group_number: int | None = None
    """Number 1 to 230 that the source declared, or None; not checked against the positions."""
    labels: tuple[str, ...] | None = None
    """Name of each site in the source, or None."""
    notes: tuple[str, ...] = ()
    """What a reader changed or assumed."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "lattice", checked_array(self.lattice, (3, 3), "lattice"))
        put(self, "fractional_coordinates", checked_array(self.fractional_coordinates, (-1, 3), "coordinates"))
        put(self, "species", checked_species(self.species))
        if self.labels is not None:
            put(self, "labels", tuple(map(str, self.labels)))
        put(self, "notes", tuple(map(str, self.notes)))
        self._check_counts()
        check_lattice(self.lattice, self.n_sites)
        check_positions(self.lattice, self.fractional_coordinates, self.species, self.labels)

    def _check_counts(self) -> None:
        n_sites = len(self.fractional_coordinates)
        if not 1 <= n_sites <= MAX_SITES:
            raise InvalidCrystal(
                f"the crystal has {n_sites} sites; 1 to {MAX_SITES} are accepted", field="coordinates", value=n_sites
            )
        if len(self.species) != n_sites:
            raise InvalidCrystal(
                f"{len(self.species)} species for {n_sites} sites; give one entry per site", field="species"
            )
        if self.labels is not None and len(self.labels) != n_sites:
            raise InvalidCrystal(
                f"{len(self.labels)} labels for {n_sites} sites; give one per site or none", field="labels"
            )
        number = self.space_group_number
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 230):
            raise InvalidCrystal(
                f"space group {shorten(repr(number))}; a number from 1 to 230 or None is right",
                field="space_group_number",
                value=number,
            )

    @classmethod
    def from_cif(cls, text: str | bytes) -> Crystal:
        """Read CIF text; raises InvalidCif. See `superion.featurizers.cif.read_cif`."""
        from superion.featurizers.cif import read_cif

        return read_cif(text)

    @classmethod
    def from_poscar(cls, text: str | bytes) -> Crystal:
        """Read POSCAR or CONTCAR text; raises InvalidCrystal. See `superion.featurizers.poscar.read_poscar`."""
        from superion.featurizers.poscar import read_poscar

        return read_poscar(text)

    @classmethod
    def from_file(cls, path: str | Path) -> Crystal:
        """Read a file: `.cif`, `.json` (a pymatgen or OPTIMADE dict), or `.vasp`, `.poscar`, `POSCAR*`, `CONTCAR*`.

        Raises InvalidCrystal for any other name and for a file that cannot be read.
        """
        from superion.featurizers.convert import read_file

        return read_file(Path(path))

    @classmethod
    def from_pymatgen(cls, structure: Structure) -> Crystal:
        """Convert a pymatgen Structure; raises InvalidCrystal."""
        from superion.featurizers.convert import from_pymatgen

        return from_pymatgen(structure)

    @classmethod
    def from_ase(cls, atoms: ase.Atoms) -> Crystal:
        """Convert ASE Atoms that are periodic in three dimensions; raises InvalidCrystal."""
        from superion.featurizers.convert import from_ase

        return from_ase(atoms)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Crystal:
        """Read the dict of a pymatgen Structure or an OPTIMADE structure; raises InvalidCrystal."""
        from superion.featurizers.convert import from_dict

        return from_dict(data)

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that `pymatgen.core.Structure.from_dict` reads."""
        from superion.featurizers.export import to_dict

        return to_dict(self)

    def to_pymatgen(self) -> Structure:
        """Return a pymatgen Structure; raises MissingDependency."""
        from superion.featurizers.export import to_pymatgen

        return to_pymatgen(self)

    def to_ase(self) -> ase.Atoms:
        """Return ASE Atoms; raises InvalidCrystal for a disordered crystal, MissingDependency without ASE."""
        from superion.featurizers.export import to_ase

        return to_ase(self)

    def to_cif(self) -> str:
        """Return CIF text in P1 with every site and occupancy."""
        from superion.featurizers.export import to_cif

        return to_cif(self)

    def to_poscar(self) -> str:
        """Return POSCAR text, sites gathered by element; raises InvalidCrystal for a disordered crystal."""
        from superion.featurizers.export import to_poscar

        return to_poscar(self)

    def to_file(self, path: str | Path) -> None:
        """Write a file that `from_file` reads: `.cif`, `.json` (a pymatgen dict), or `.vasp`, `.poscar`, `POSCAR*`.

        Raises InvalidCrystal for any other name, a path that cannot be written, and a disordered crystal as POSCAR.
        """
        from superion.featurizers.export import write_file

        write_file(self, Path(path))

    def __eq__(self, other: object) -> bool:
        """Tell whether lattice, coordinates and species are the same bit for bit; labels and notes do not count."""
        if not isinstance(other, Crystal):
            return NotImplemented
        return (
            np.array_equal(self.lattice, other.lattice)
            and np.array_equal(self.fractional_coordinates, other.fractional_coordinates)
            and self.species == other.species
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields only; what is computed from them is computed again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the fields of a crystal that was checked when it was made: a check takes longer than a copy."""
        self.__dict__.update(state)
        read_only(self.lattice)
        read_only(self.fractional_coordinates)

    def __hash__(self) -> int:
        return hash((self.lattice.tobytes(), self.fractional_coordinates.tobytes(), self.species))

    def __repr__(self) -> str:
        return f"Crystal({self.formula.text}, {self.n_sites} sites, {self.volume:.1f} angstrom^3)"

    @property
    def n_sites(self) -> int:
        """Return the number of sites."""
        return len(self.fractional_coordinates)

    @cached_property
    def volume(self) -> float:
        """Return the cell volume, positive for either handedness [angstrom^3]."""
        return abs(float(np.linalg.det(self.lattice)))

    @cached_property
    def cartesian_coordinates(self) -> NDArray[np.float64]:
        """Return the positions `(n_sites, 3)`, read-only [angstrom]."""
        return read_only(self.fractional_coordinates @ self.lattice)

    @cached_property
    def cell_parameters(self) -> tuple[float, float, float, float, float, float]:
        """Return a, b, c [angstrom] and alpha, beta, gamma [degree]."""
        lengths = np.linalg.norm(self.lattice, axis=1)
        cosines = [self.lattice[i] @ self.lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
        angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
        a, b, c, alpha, beta, gamma = (float(v) for v in (*lengths, *angles))
        return a, b, c, alpha, beta, gamma

    @cached_property
    def species_offsets(self) -> NDArray[np.int64]:
        """Return offsets `(n_sites + 1,)`: site i holds the entries `offsets[i]:offsets[i + 1]` of the next two."""
        return read_only(np.cumsum([0, *map(len, self.species)], dtype=np.int64))

    @cached_property
    def species_sites(self) -> NDArray[np.int64]:
        """Return the site `(n_entries,)` that each entry of the next two belongs to."""
        return read_only(np.array([k for k, site in enumerate(self.species) for _ in site], dtype=np.int64))

    @cached_property
    def species_atomic_numbers(self) -> NDArray[np.int32]:
        """Return the atomic number `(n_entries,)` of each entry."""
        return read_only(np.array([ATOMIC_NUMBER[s] for site in self.species for s, _ in site], dtype=np.int32))

    @cached_property
    def species_occupancies(self) -> NDArray[np.float64]:
        """Return the occupancy `(n_entries,)` of each entry."""
        return read_only(np.array([o for site in self.species for _, o in site], dtype=np.float64))

    @property
    def is_ordered(self) -> bool:
        """Tell whether every site holds one element with an occupancy of 1."""
        return all(len(site) == 1 and abs(site[0][1] - 1.0) < 1e-6 for site in self.species)

    @cached_property
    def formula(self) -> Formula:
        """Return the contents of the cell; amounts are rounded to 1e-9 so that sums of decimals stay decimals."""
        amounts: dict[str, list[float]] = {}
        for site in self.species:
            for symbol, occupancy in site:
                amounts.setdefault(symbol, []).append(occupancy)
        return Formula.from_amounts({symbol: round(math.fsum(parts), 9) for symbol, parts in amounts.items()})

    @property
    def density(self) -> float:
        """Return the density [g/cm^3]."""
        return self.formula.weight / self.volume * _GRAM_PER_CM3

    def supercell(self, repeats: Sequence[int]) -> Crystal:
        """Repeat the cell along its three vectors; raises InvalidValue, and InvalidCrystal above `MAX_SITES`."""
        if len(repeats) != 3 or any(int(n) != n or n < 1 for n in repeats):
            raise InvalidValue("repeats are three whole numbers of at least 1", field="repeats", value=repeats)
        n = np.array(repeats, dtype=np.int64)
        copies = math.prod(int(k) for k in n)
        if copies * self.n_sites > MAX_SITES:
            raise InvalidCrystal(
                f"the supercell has {copies * self.n_sites} sites; at most {MAX_SITES} are accepted", field="repeats"
            )
        shifts = np.stack(np.meshgrid(*(np.arange(k) for k in n), indexing="ij"), axis=-1).reshape(-1, 1, 3)
        coordinates = ((self.fractional_coordinates + shifts) / n).reshape(-1, 3)
        labels = None if self.labels is None else self.labels * copies
        # The space group of the supercell is the same, but its number no longer belongs to this cell.
        return Crystal(self.lattice * n[:, None], coordinates, self.species * copies, None, labels, self.notes)

    def perturb(self, sigma: float, seed: int) -> Crystal:
        """Displace every site by a normal deviate of standard deviation `sigma` per axis [angstrom].

        The same seed gives the same crystal. Raises InvalidValue for a sigma outside 0 to 1.
        """
        if not 0 <= sigma <= 1:
            raise InvalidValue("sigma lies from 0 to 1 angstrom", field="sigma", value=sigma)
        moves = np.random.default_rng(seed).normal(0.0, 1.0, (self.n_sites, 3)) * sigma
        coordinates = self.fractional_coordinates + moves @ np.linalg.inv(self.lattice)
        return Crystal(self.lattice, coordinates, self.species, None, self.labels, self.notes)
