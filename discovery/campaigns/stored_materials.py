"""Materials as JSON text and back, bit for bit: the same `Material.key`, formula as written, labels and notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np

from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.material import Material


def material_text(material: Material) -> str:
    """Return a material as JSON; Python writes a float so that the same float is read."""
    formula = material.formula
    kept: dict[str, Any] = {"formula": [formula.text, list(formula.symbols), list(map(float, formula.amounts))]}
    if material.cell != CellContext():
        kept["cell"] = astuple(material.cell)
    if material.crystal is not None:
        kept["crystal"] = _crystal_dict(material.crystal)
    return json.dumps(kept, separators=(",", ":"), allow_nan=False)


def read_material(text: str) -> Material:
    """Read a material that `material_text` wrote; raises ValueError, TypeError or KeyError for another text."""
    kept = json.loads(text)
    written, symbols, amounts = kept["formula"]
    formula = Formula(tuple(symbols), tuple(amounts), written)
    cell = CellContext()
    if "cell" in kept:
        number, parameters, atoms = kept["cell"]
        cell = CellContext(number, None if parameters is None else tuple(parameters), atoms)
    return Material(formula, _crystal(kept["crystal"]) if "crystal" in kept else None, cell)


def _crystal_dict(crystal: Crystal) -> dict[str, Any]:
    return {
        "lattice": crystal.lattice.tolist(),
        "coordinates": crystal.fractional_coordinates.tolist(),
        "species": crystal.species,
        "space_group_number": crystal.space_group_number,
        "labels": crystal.labels,
        "notes": crystal.notes,
    }


def _crystal(kept: Mapping[str, Any]) -> Crystal:
    return Crystal(
        lattice=np.array(kept["lattice"], dtype=np.float64),
        fractional_coordinates=np.array(kept["coordinates"], dtype=np.float64),
        species=tuple(tuple((symbol, occupancy) for symbol, occupancy in site) for site in kept["species"]),
        space_group_number=kept["space_group_number"],
        labels=None if kept["labels"] is None else tuple(kept["labels"]),
        notes=tuple(kept["notes"]),
    )
