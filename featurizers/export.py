"""Crystals to pymatgen, ASE, JSON dicts, CIF and POSCAR text, and files; every import is lazy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superion.errors import InvalidCrystal, MissingDependency
from superion.featurizers.crystal import Crystal
from superion.featurizers.file_kinds import CIF, JSON, POSCAR, kind_of_file

if TYPE_CHECKING:
    import ase
    from pymatgen.core.structure import Structure


def write_file(crystal: Crystal, path: Path) -> None:
    """Write a file of the kind that its name says, as `Crystal.from_file` reads it.

    Raises InvalidCrystal for another name, a folder that cannot be written to, or a disordered crystal as POSCAR.
    """
    kind = kind_of_file(path)
    if kind == CIF:
        text = to_cif(crystal)
    elif kind == JSON:
        text = json.dumps(to_dict(crystal))
    elif kind == POSCAR:
        text = to_poscar(crystal)
    else:
        raise InvalidCrystal(
            f"{path.name}: a name ending in .cif, .json, .vasp or .poscar, or POSCAR, is written",
            field="file",
            value=path.name,
        )
    try:
        path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as fault:
        raise InvalidCrystal(f"{path.name} cannot be written: {fault}", field="file", value=str(path)) from fault


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
    symbols = _one_element_per_site(crystal, "ASE")
    try:
        from ase import Atoms
    except ImportError as fault:
        raise MissingDependency("ASE is not installed; `pip install ase` adds it") from fault
    return Atoms(symbols, scaled_positions=crystal.fractional_coordinates, cell=crystal.lattice, pbc=True)


def to_cif(crystal: Crystal) -> str:
    """Return CIF text in P1, one row per element of a site, every site moved into the cell.

    Like any CIF it loses the orientation of the lattice.
    """
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
    for held, (x, y, z) in zip(crystal.species, crystal.fractional_coordinates % 1.0, strict=True):
        for symbol, occupancy in held:
            lines.append(f"{symbol} {symbol}{count} {x:.12f} {y:.12f} {z:.12f} {occupancy:.10g}")
            count += 1
    return "\n".join(lines) + "\n"


def to_poscar(crystal: Crystal) -> str:
    """Return POSCAR text of an ordered crystal, its sites gathered by element in the order of first appearance.

    Numbers are written so that they are read back to the last bit. VASP refuses left-handed lattice vectors, so the
    second and third are exchanged there, which is another description of the same crystal; the comment line says so.

    Raises InvalidCrystal for a disordered crystal.
    """
    symbols = _one_element_per_site(crystal, "a POSCAR")
    lattice, fractional = crystal.lattice, crystal.fractional_coordinates
    comment = crystal.formula.text
    if np.linalg.det(lattice) < 0:
        lattice, fractional = lattice[[0, 2, 1]], fractional[:, [0, 2, 1]]
        comment += " (second and third lattice vector exchanged)"
    elements = list(dict.fromkeys(symbols))
    order = sorted(range(len(symbols)), key=lambda site: elements.index(symbols[site]))
    lines = [
        comment,
        "1.0",
        *(" ".join(f"{x:.17g}" for x in vector) for vector in lattice.tolist()),
        " ".join(elements),
        " ".join(str(symbols.count(element)) for element in elements),
        "Direct",
        *(" ".join(f"{x:.17g}" for x in fractional[site].tolist()) for site in order),
    ]
    return "\n".join(lines) + "\n"


def _one_element_per_site(crystal: Crystal, holder: str) -> list[str]:
    """Return the element of each site; raises InvalidCrystal for a disordered crystal."""
    if not crystal.is_ordered:
        site = next(k for k, held in enumerate(crystal.species) if len(held) > 1 or abs(held[0][1] - 1.0) >= 1e-6)
        content = " + ".join(f"{occupancy:.4g} {symbol}" for symbol, occupancy in crystal.species[site])
        name = f"{crystal.labels[site]} (site {site})" if crystal.labels else f"site {site}"
        raise InvalidCrystal(
            f"{holder} holds one element per site and this crystal is disordered: {name} holds {content}; "
            "order it first, or keep it as CIF",
            field="species",
            value=content,
        )
    return [held[0][0] for held in crystal.species]


def _labels(crystal: Crystal) -> list[str]:
    return list(crystal.labels or ("/".join(symbol for symbol, _ in held) for held in crystal.species))
