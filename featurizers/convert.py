"""Crystals to and from pymatgen, ASE, JSON dicts (pymatgen, OPTIMADE), CIF text and files; every import is lazy.

A `Crystal` holds no oxidation states, charges, moments or site properties; conversion leaves them out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np

from superion.errors import InvalidCrystal, MissingDependency
from superion.featurizers.crystal import MAX_SITES, Crystal
from superion.featurizers.crystal_checks import Species
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS

if TYPE_CHECKING:
    import ase
    from pymatgen.core.structure import Structure

MAX_FILE_BYTES = 8_000_000
"""Largest file that is read [bytes]."""

_CHARGED = re.compile(r"([A-Z][a-z]?)(?:[0-9]*\.?[0-9]*[+-])?")


def read_file(path: Path) -> Crystal:
    """Read a crystal from a file, by its name; raises InvalidCrystal, or InvalidCif for a CIF."""
    from superion.featurizers.cif import read_cif
    from superion.featurizers.poscar import read_poscar

    suffix, name = path.suffix.lower(), path.name.upper()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _fault(f"{path.name} is larger than {MAX_FILE_BYTES} bytes", "file", path.name)
        content = path.read_bytes()
    except (OSError, ValueError) as fault:
        raise _fault(f"{path.name} cannot be read: {fault}", "file", str(path)) from fault
    if suffix in (".cif", ".mcif"):
        return read_cif(content)
    if suffix == ".json":
        try:
            return from_dict(json.loads(content))
        except (ValueError, RecursionError) as fault:
            raise _fault(f"{path.name} is not JSON: {fault}", "file", path.name) from fault
    if suffix in (".vasp", ".poscar", ".contcar") or name.startswith(("POSCAR", "CONTCAR")):
        return read_poscar(content)
    raise _fault(f"{path.name}: a name ending in .cif, .json, .vasp or .poscar, or POSCAR, is read", "file", path.name)


def from_pymatgen(structure: Structure) -> Crystal:
    """Convert a pymatgen Structure; raises InvalidCrystal."""
    try:
        matrix = structure.lattice.matrix
        sites = list(structure)
        species = [tuple((_symbol(sp.symbol), float(amount)) for sp, amount in site.species.items()) for site in sites]
        coordinates = np.array([site.frac_coords for site in sites])
        labels = tuple(str(site.label) for site in sites)
    except AttributeError as fault:
        raise _fault(f"a pymatgen Structure is needed, not {type(structure).__name__}", "structure") from fault
    return Crystal(matrix, coordinates, tuple(species), labels=labels)


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
    if abs(np.linalg.det(matrix)) < 1e-9:
        raise _fault("the cell has no volume", "lattice")
    if not all(1 <= number <= len(SYMBOLS) for number in numbers):
        raise _fault("the atoms hold a dummy (atomic number 0); leave it out", "species")
    species: list[Species] = [((SYMBOLS[number - 1], 1.0),) for number in numbers]
    if occupancy and kinds is not None:
        shares = {
            str(kind): tuple((_symbol(s), float(o)) for s, o in share.items()) for kind, share in occupancy.items()
        }
        species = [shares.get(str(kind), site) for kind, site in zip(kinds, species, strict=True)]
    return Crystal(matrix, coordinates @ np.linalg.inv(matrix), tuple(species))


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
        raise _fault(f"the structure is not of the form that its keys promise: {fault}", "structure") from fault
    raise _fault(
        "neither 'lattice' and 'sites' (pymatgen) nor 'lattice_vectors' (OPTIMADE) are in the structure", "structure"
    )


def _from_pymatgen_dict(data: Mapping[str, Any]) -> Crystal:
    lattice = data["lattice"]
    if "matrix" in lattice:
        matrix = lattice["matrix"]
    else:
        cell = [float(lattice[key]) for key in ("a", "b", "c", "alpha", "beta", "gamma")]
        matrix = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
    if not all(lattice.get("pbc", (True, True, True))):
        raise _fault("the structure is not periodic in three dimensions", "lattice.pbc", lattice["pbc"])
    sites = data["sites"]
    _check_count(len(sites))
    species = [tuple((_symbol(sp["element"]), float(sp["occu"])) for sp in site["species"]) for site in sites]
    labels = [site.get("label") or "/".join(s for s, _ in held) for site, held in zip(sites, species, strict=True)]
    return Crystal(matrix, [site["abc"] for site in sites], tuple(species), labels=tuple(labels))  # type: ignore[arg-type]


def _from_optimade(attributes: Mapping[str, Any]) -> Crystal:
    unread = {"implicit_atoms", "unknown_positions", "site_attachments"} & set(
        attributes.get("structure_features") or ()
    )
    if unread:
        raise _fault(f"structures with {', '.join(sorted(unread))} are not read", "structure_features", sorted(unread))
    periodic = attributes.get("dimension_types") or [1, 1, 1]
    if list(periodic) != [1, 1, 1]:
        raise _fault("the structure is not periodic in three dimensions", "dimension_types", periodic)
    kinds: dict[str, Species] = {}
    for kind in attributes["species"]:
        pairs = zip(kind["chemical_symbols"], kind["concentration"], strict=True)
        kinds[kind["name"]] = tuple((_symbol(s), float(share)) for s, share in pairs if s != "vacancy" and share != 0)
    names = attributes["species_at_sites"]
    _check_count(len(names))
    matrix = np.array(attributes["lattice_vectors"], dtype=np.float64)
    positions = np.array(attributes["cartesian_site_positions"], dtype=np.float64)
    if matrix.shape != (3, 3) or positions.shape != (len(names), 3):
        raise _fault("lattice_vectors are (3, 3) and cartesian_site_positions one row per site", "structure")
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
        raise _fault("the lattice vectors span no volume", "lattice_vectors")
    unknown = sorted({str(name) for name in names} - kinds.keys())
    if unknown:
        raise _fault(f"species_at_sites names {unknown[0]!r}, which is not among the species", "species_at_sites")
    held = np.array([bool(kinds[name]) for name in names])
    notes = () if held.all() else (f"{int((~held).sum())} sites hold nothing but vacancies and were left out",)
    fractional = positions @ np.linalg.inv(matrix)
    return Crystal(
        lattice=matrix,
        fractional_coordinates=fractional[held],
        species=tuple(kinds[name] for name in names if kinds[name]),
        space_group_number=attributes.get("space_group_it_number"),
        labels=tuple(str(name) for name in names if kinds[name]),
        notes=notes,
    )


def to_dict(crystal: Crystal) -> dict[str, Any]:
    """Return the dict that `pymatgen.core.Structure.from_dict` reads; space group and notes do not fit in it."""
    a, b, c, alpha, beta, gamma = crystal.cell_parameters
    labels = _labels(crystal)
    sites = [
        {
            "species": [{"element": symbol, "occu": occupancy} for symbol, occupancy in held],
            "abc": abc,
            "xyz": xyz,
            "label": label,
            "properties": {},
        }
        for held, abc, xyz, label in zip(
            crystal.species,
            crystal.fractional_coordinates.tolist(),
            crystal.cartesian_coordinates.tolist(),
            labels,
            strict=True,
        )
    ]
    cell = {"a": a, "b": b, "c": c, "alpha": alpha, "beta": beta, "gamma": gamma, "volume": crystal.volume}
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": {"matrix": crystal.lattice.tolist(), "pbc": [True, True, True], **cell},
        "properties": {},
        "sites": sites,
    }


def to_pymatgen(crystal: Crystal) -> Structure:
    """Return a pymatgen Structure; raises MissingDependency."""
    try:
        from pymatgen.core.structure import Structure
    except ImportError as fault:
        raise MissingDependency("pymatgen is not installed; `pip install pymatgen` adds it") from fault
    return Structure(
        crystal.lattice,
        [dict(held) for held in crystal.species],
        crystal.fractional_coordinates,
        labels=_labels(crystal),
    )


def to_ase(crystal: Crystal) -> ase.Atoms:
    """Return ASE Atoms; raises InvalidCrystal for a disordered crystal, MissingDependency without ASE."""
    if not crystal.is_ordered:
        raise _fault("ASE holds one element per site and this crystal is disordered; order it first", "species")
    try:
        from ase import Atoms
    except ImportError as fault:
        raise MissingDependency("ASE is not installed; `pip install ase` adds it") from fault
    symbols = [held[0][0] for held in crystal.species]
    return Atoms(symbols, scaled_positions=crystal.fractional_coordinates, cell=crystal.lattice, pbc=True)


def to_cif(crystal: Crystal) -> str:
    """Return CIF text in P1, one row per element of a site; like any CIF it loses the orientation of the lattice."""
    keys = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [
        "data_superion",
        "_symmetry_space_group_name_H-M 'P 1'",
        "_symmetry_Int_Tables_number 1",
        *(f"_cell_{key} {value:.10g}" for key, value in zip(keys, crystal.cell_parameters, strict=True)),
        f"_chemical_formula_sum '{crystal.formula.text}'",
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        "x,y,z",
        "loop_",
        *(f"_atom_site_{key}" for key in ("type_symbol", "label", "fract_x", "fract_y", "fract_z", "occupancy")),
    ]
    count = 0
    for held, (x, y, z) in zip(crystal.species, crystal.fractional_coordinates, strict=True):
        for symbol, occupancy in held:
            lines.append(f"{symbol} {symbol}{count} {x:.12f} {y:.12f} {z:.12f} {occupancy:.10g}")
            count += 1
    return "\n".join(lines) + "\n"


def _labels(crystal: Crystal) -> list[str]:
    return list(crystal.labels or ("/".join(symbol for symbol, _ in held) for held in crystal.species))


def _symbol(text: str) -> str:
    """Return the element of `Li` or `Li+`."""
    match = _CHARGED.fullmatch(text)
    symbol = match.group(1) if match else text
    if symbol not in ATOMIC_NUMBER:
        hint = "; write H for deuterium and tritium" if symbol in ("D", "T") else ""
        raise _fault(f"{text[:40]!r} is no element{hint}", "species", text)
    return symbol


def _check_count(n_sites: int) -> None:
    if n_sites > MAX_SITES:
        raise _fault(f"the structure has {n_sites} sites; at most {MAX_SITES} are accepted", "sites", n_sites)


def _fault(message: str, field: str, value: object = None) -> InvalidCrystal:
    return InvalidCrystal(message, field=field, value=value)
