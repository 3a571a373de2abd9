"""Rows, tables and settings that the tests of training share: synthetic, small and quick to learn."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.models.network import NetworkConfig
from superion.training.settings import FitSettings, TrainingSettings
from superion.training.table import Measurement, MeasurementTable

NETWORK = NetworkConfig(width=16, layers=1, heads=2, site_width=8, site_layers=1, n_radial=6, neighbors=4)
FIT = FitSettings(epochs=2, batch_size=16)
SETTINGS = TrainingSettings(n_folds=3, n_members=2, seed=1, fit=FIT, network=NETWORK)

TETRAHEDRAL = ("P", "Si", "Ge", "Sn", "As", "Sb")
HALIDES = ("F", "Cl", "Br", "I")


def row(formula: str = "LiCl", number: int = 0, crystal: Crystal | None = None, **fields: Any) -> Measurement:
    """Return one measured row; a conductivity of 1e-6 S/cm unless another is given."""
    values: dict[str, Any] = {"id": f"row-{number}", "line": number + 2, "log10_conductivity": -6.0}
    return Measurement(material=Material(Formula.parse(formula), crystal), **(values | fields))


def synthetic_rows(n: int = 36, seed: int = 0) -> list[Measurement]:
    """Return rows of distinct compositions from papers of two, conducting the better the more lithium they hold."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        centre, halide = TETRAHEDRAL[number % 6], HALIDES[(number // 6) % 4]
        lithium = round(3.0 + 0.1 * number, 1)
        share = lithium / (lithium + 6)
        value = -12.0 + 15.0 * share + float(random.normal(0.0, 0.1))
        rows.append(
            row(
                f"Li{lithium}{centre}S4{halide}",
                number,
                log10_conductivity=value,
                doi=f"10.1/{number // 2}",
                activation_energy=round(0.9 - share, 3) if number % 2 else None,
            )
        )
    rows[1] = replace(rows[1], log10_conductivity=-10.0, censored=True)
    return rows


def table(rows: Sequence[Measurement] | None = None, digest: str = "abc") -> MeasurementTable:
    """Return a table of rows."""
    return MeasurementTable("synthetic.csv", tuple(synthetic_rows() if rows is None else rows), digest=digest)


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows with the columns of the first."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def synthetic_csv(path: Path, n: int = 36, seed: int = 0) -> Path:
    """Write the synthetic rows as a user's table."""
    return write_csv(
        path,
        [
            {
                "id": entry.id,
                "formula": str(entry.material.formula),
                "conductivity_S_per_cm": f"{'<' * entry.censored}{10.0**entry.log10_conductivity:.4e}",  # type: ignore[operator]
                "activation_energy_eV": "" if entry.activation_energy is None else entry.activation_energy,
                "doi": entry.doi,
            }
            for entry in synthetic_rows(n, seed)
        ],
    )


def cif(a: float = 5.13, anion: str = "Cl") -> str:
    """Return CIF text of one Li and one anion in a cube, in the space group of CsCl."""
    operations = "\n".join(f"'{operation.triplet()}'" for operation in gemmi.SpaceGroup(221).operations())
    return f"""data_salt
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_Int_Tables_number 221
loop_
_symmetry_equiv_pos_as_xyz
{operations}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Li1 Li 0 0 0
X1 {anion} 0.5 0.5 0.5
"""
