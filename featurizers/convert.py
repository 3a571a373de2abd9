"""Crystals from pymatgen, ASE, JSON dicts (pymatgen, OPTIMADE) and files; `superion.featurizers.export` leads back.

A `Crystal` holds no oxidation states, charges, moments or site properties; conversion leaves them out. Vacancies, which
libraries write as dummy species, are left out with a note, as in CIFs; deuterium and tritium become H.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal, shorten
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import MAX_SITES
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.file_kinds import CIF, POSCAR, kind_of_file
from superion.featurizers.named_sites import crystal_of_sites

if TYPE_CHECKING:
    import ase
    from pymatgen.core.structure import Structure

MAX_FILE_BYTES = 8_000_000
"""Largest file that is read [bytes]."""
MAX_COORDINATE = 1e9
"""Longest vector that is converted [angstrom]; `Crystal` accepts less, and products of longer ones overflow."""

_DUMMY = "X"
"""What ASE calls atomic number 0."""

Held = list[tuple[str, Any]]
"""What one site holds: (name, occupancy) pairs, not checked."""


def read_file(path: Path) -> Crystal:
    """Read a crystal from a file, by its name; raises InvalidCrystal, or InvalidCif for a CIF."""
    _kind(path)  # before the file is looked for
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _fault(f"{path.name} is larger than {MAX_FILE_BYTES} bytes", "file", path.name)
        content = path.read_bytes()
    except (OSError, ValueError) as fault:
        raise _fault(f"{path.name} cannot be read: {fault}", "file", str(path)) from fault
    return read_content(path.name, content)


def read_content(name: str, content: bytes) -> Crystal:
    """Read a crystal from what a file holds, by the file's name; raises InvalidCrystal, or InvalidCif for a CIF."""
    from superion.featurizers.cif import read_cif
    from superion.featurizers.poscar import read_poscar

    path = Path(name)
    kind = _kind(path)
    if len(content) > MAX_FILE_BYTES:
        raise _fault(f"{path.name} is larger than {MAX_FILE_BYTES} bytes", "file", path.name)
    if kind == CIF:
        return read_cif(content)
    if kind == POSCAR:
        return read_poscar(content)
    try:
        return from_dict(json.loads(content))
    except (ValueError, RecursionError) as fault:
        raise _fault(f"{path.name} is not JSON: {fault}", "file", path.name) from fault


def _kind(path: Path) -> str:
    kind = kind_of_file(path)
    if kind is None:
        names = "a name ending in .cif, .json, .vasp or .poscar, or POSCAR, is read"
        raise _fault(f"{path.name}: {names}", "file", path.name)
    return kind


def from_pymatgen(structure: Structure) -> Crystal:
    """Convert a pymatgen Structure; raises InvalidCrystal."""
    try:
        matrix = structure.lattice.matrix
        sites = list(structure)
        held = [[(sp.symbol, amount) for sp, amount in site.species.items()] for site in sites]
        coordinates = np.array([site.frac_coords for site in sites])
        labels = [str(site.label) for site in sites]
    except AttributeError as fault:
        raise _fault(f"a pymatgen Structure is needed, not {type(structure).__name__}", "structure") from fault
    return crystal_of_sites(matrix, coordinates, held, labels)


def from_ase(atoms: ase.Atoms) -> Crystal:
    """Convert ASE Atoms, with the occupancies that ASE keeps of a disordered CIF; raises InvalidCrystal."""
    try:
        periodic, numbers = atoms.pbc, atoms.numbers
        matrix, coordinates = np.array(atoms.cell), np.array(atoms.positions)
        occupancy = atoms.info.get("occupancy")
        kinds = atoms.arrays.get("spacegroup_kinds")
    except AttributeError as fault:
        raise _fault(f"ASE Atoms are needed, not {type(atoms).__name__}", "atoms") from fault
    if not all(periodic):
        raise _fault(f"the atoms are not periodic in three dimensions (pbc {list(map(bool, periodic))})", "pbc")
    inverse = _inverse(matrix, "lattice")
    if not all(0 <= number <= len(SYMBOLS) for number in numbers):
        raise _fault("an atomic number is none of 0 (a dummy) to 118", "species")
    held: list[Held] = [[((_DUMMY, *SYMBOLS)[number], 1.0)] for number in numbers]
    if occupancy and kinds is not None:
        shares = {str(kind): list(share.items()) for kind, share in occupancy.items()}
        held = [shares.get(str(kind), site) for kind, site in zip(kinds, held, strict=True)]
    return crystal_of_sites(matrix, _finite(coordinates, "positions") @ inverse, held, None)


def from_dict(data: Mapping[str, Any]) -> Crystal:
    """Read the dict of a pymatgen Structure or an OPTIMADE structure; raises InvalidCrystal."""
    if not isinstance(data, Mapping):
        raise _fault(f"a structure is a JSON object, not {type(data).__name__}", "structure", data)
    try:
        if isinstance(data.get("data"), Mapping):
            data = data["data"]
        if isinstance(data.get("attributes"), Mapping):
            return _from_optimade(data["attributes"])
        if "lattice_vectors" in data:
            return _from_optimade(data)
        if "lattice" in data and "sites" in data:
            return _from_pymatgen_dict(data)
    except KeyError as fault:
        raise _fault(f"the structure lacks {fault.args[0]!r}", "structure") from fault
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as fault:
        told = shorten(str(fault))
        raise _fault(f"the structure is not of the form that its keys promise: {told}", "structure") from fault
    raise _fault(
        "neither 'lattice' and 'sites' (pymatgen) nor 'lattice_vectors' (OPTIMADE) are in the structure", "structure"
    )


def _from_pymatgen_dict(data: Mapping[str, Any]) -> Crystal:
    lattice = data["lattice"]
    if "matrix" in lattice:
        matrix = lattice["matrix"]
    else:
        cell = [float(lattice[key]) for key in ("a", "b", "c", "alpha", "beta", "gamma")]
        if not all(0.0 < angle < 180.0 for angle in cell[3:]):
            raise _fault(f"the cell angles are {cell[3:]}; above 0 and below 180 degrees is right", "lattice", cell)
        matrix = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
    if not all(lattice.get("pbc", (True, True, True))):
        raise _fault("the structure is not periodic in three dimensions", "lattice.pbc", lattice["pbc"])
    sites = data["sites"]
    _check_count(len(sites))
    held = [[(sp["element"], sp["occu"]) for sp in site["species"]] for site in sites]
    labels = [site.get("label") or "/".join(name for name, _ in pairs) for site, pairs in zip(sites, held, strict=True)]
    return crystal_of_sites(matrix, [site["abc"] for site in sites], held, labels)


def _from_optimade(attributes: Mapping[str, Any]) -> Crystal:
    unread = {"implicit_atoms", "unknown_positions", "site_attachments"} & set(
        attributes.get("structure_features") or ()
    )
    if unread:
        raise _fault(f"structures with {', '.join(sorted(unread))} are not read", "structure_features", sorted(unread))
    periodic = attributes.get("dimension_types") or [1, 1, 1]
    if list(periodic) != [1, 1, 1]:
        raise _fault("the structure is not periodic in three dimensions", "dimension_types", periodic)
    kinds: dict[str, Held] = {}
    for kind in attributes["species"]:
        pairs = zip(kind["chemical_symbols"], kind["concentration"], strict=True)
        kinds[kind["name"]] = [(symbol, share) for symbol, share in pairs if share != 0]
    names = attributes["species_at_sites"]
    _check_count(len(names))
    matrix = np.array(attributes["lattice_vectors"], dtype=np.float64)
    positions = np.array(attributes["cartesian_site_positions"], dtype=np.float64)
    if matrix.shape != (3, 3) or positions.shape != (len(names), 3):
        raise _fault("lattice_vectors are (3, 3) and cartesian_site_positions one row per site", "structure")
    inverse = _inverse(matrix, "lattice_vectors")
    unknown = sorted({str(name) for name in names} - kinds.keys())
    if unknown:
        raise _fault(
            f"species_at_sites names {shorten(unknown[0])!r}, which is not among the species", "species_at_sites"
        )
    return crystal_of_sites(
        matrix,
        _finite(positions, "cartesian_site_positions") @ inverse,
        [kinds[name] for name in names],
        [str(name) for name in names],
        attributes.get("space_group_it_number"),
    )


def _finite(lengths: NDArray[np.float64], field: str) -> NDArray[np.float64]:
    """Return `lengths` [angstrom], none of which is NaN, infinite or so large that its products overflow."""
    if not (np.abs(lengths) <= MAX_COORDINATE).all():
        raise _fault(f"the {field} hold NaN, infinity or more than {MAX_COORDINATE:g} angstrom", field)
    return lengths


def _inverse(matrix: NDArray[np.float64], field: str) -> NDArray[np.float64]:
    """Return the inverse of the lattice vectors in the rows of `matrix` [angstrom]."""
    if abs(np.linalg.det(_finite(matrix, field))) < 1e-9:
        raise _fault("the lattice vectors span no volume", field)
    inverse: NDArray[np.float64] = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    return inverse


def _check_count(n_sites: int) -> None:
    if n_sites > MAX_SITES:
        raise _fault(f"the structure has {n_sites} sites; at most {MAX_SITES} are accepted", "sites", n_sites)


def _fault(message: str, field: str, value: object = None) -> InvalidCrystal:
    return InvalidCrystal(message, field=field, value=value)
