"""What a campaign measured, as a table of measurements and structures that a model is trained on."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from superion.discovery.campaigns.observing import shortest_conductivity
from superion.discovery.campaigns.state import CampaignState, Observation
from superion.discovery.candidates import Candidate
from superion.errors import InvalidFormula, InvalidValue
from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training import columns

NOT_KEPT = ("std_log10", "bulk_S_per_cm", "total_S_per_cm")
"""Columns of a table of measurements that a campaign has nothing for."""
COLUMNS = tuple(name for name in columns.COLUMNS if name not in NOT_KEPT)

_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+()-]")


@dataclass(frozen=True)
class Exported:
    """Hold the observations of a campaign that stand, as rows of a table of measurements."""

    rows: tuple[Mapping[str, str], ...]
    """The columns `COLUMNS`; what is unknown is empty."""
    failed: tuple[Observation, ...]
    """Failed syntheses, which are no measurements and have no row."""
    structures: Mapping[str, Material]
    """Materials with a crystal, by the name of the file that the column `cif` names."""

    def csv_text(self) -> str:
        """Return the rows as CSV."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def write_table(self, path: Path) -> None:
        """Write the rows as CSV; raises InvalidValue for a file that cannot be written."""
        try:
            path.write_text(self.csv_text(), encoding="utf-8")
        except OSError as error:
            raise InvalidValue(f"{path} cannot be written: {error}", field="out", value=str(path)) from error

    def write_structures(self, folder: Path) -> int:
        """Write the crystals as JSON, which keeps every digit, into a folder; returns how many.

        Raises InvalidValue for a folder that cannot be written to, InvalidCrystal for a file.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidValue(
                f"{folder} is no folder to write to: {error}", field="cifs", value=str(folder)
            ) from error
        for name, material in self.structures.items():
            assert material.crystal is not None
            material.crystal.to_file(folder / name)
        return len(self.structures)


def exported(state: CampaignState) -> Exported:
    """Return the observations of a campaign that stand as rows; those of one candidate after its first are numbered."""
    files = _file_names([state.candidates[place] for place in _measured(state)])
    ids = {candidate.id for candidate in state.candidates}
    used: set[str] = set()
    rows = []
    for observation in state.observations:
        if observation.failed:
            continue
        candidate = state.candidates[state.place[observation.candidate]]
        name, number = candidate.id, 1
        while name in used or (number > 1 and name in ids):
            number += 1
            name = f"{candidate.id} ({number})"
        used.add(name)
        rows.append(_row(name, candidate, observation, files.get(candidate.id, "")))
    structures = {files[candidate.id]: candidate.material for candidate in state.candidates if candidate.id in files}
    failed = tuple(observation for observation in state.observations if observation.failed)
    return Exported(tuple(rows), failed, structures)


def _measured(state: CampaignState) -> list[int]:
    measured = {observation.candidate for observation in state.observations if not observation.failed}
    return sorted(state.place[name] for name in measured)


def _file_names(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return the name of the file of each candidate with a crystal, by id: one that every file system takes."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for candidate in candidates:
        if candidate.material.crystal is None:
            continue
        stem = (_UNSAFE.sub("_", candidate.id)[:100]).lstrip(".") or "structure"
        name, number = f"{stem}.json", 1
        # Not all file systems tell capitals from small letters.
        while name.casefold() in used:
            number += 1
            name = f"{stem}-{number}.json"
        used.add(name.casefold())
        names[candidate.id] = name
    return names


def _row(name: str, candidate: Candidate, observation: Observation, cif: str) -> dict[str, str]:
    assert observation.log10_conductivity is not None
    below = "<" if observation.censored else ""
    source = observation.source or ""
    doi = _DOI.fullmatch(source.strip())
    row = {
        "id": name,
        "formula": _formula_text(candidate.material.formula),
        "conductivity_S_per_cm": below + shortest_conductivity(observation.log10_conductivity),
        "temperature_C": repr(observation.temperature_c),
        "activation_energy_eV": _number(observation.activation_energy),
        "kind": observation.kind or "",
        "doi": doi[1] if doi else "",
        "source": "" if doi else source,
        "family": candidate.family,
        "cif": cif,
    }
    return dict.fromkeys(COLUMNS, "") | row | _cell(candidate.material)


def _cell(material: Material) -> dict[str, str]:
    cell: CellContext = material.cell
    lengths = ("a", "b", "c", "alpha", "beta", "gamma")
    row = {"space_group_number": _number(cell.space_group_number)}
    row |= dict(zip(lengths, map(repr, cell.cell_parameters), strict=True)) if cell.cell_parameters else {}
    if cell.atoms_per_cell is not None:
        row["cell_formula"] = _content(material.formula, cell.atoms_per_cell)
    return row


def _content(formula: Formula, atoms: float) -> str:
    """Return the content of a cell of this many atoms; whole amounts where the cell holds whole formula units."""
    units = atoms / formula.n_atoms
    units = round(units) if math.isclose(units, round(units), rel_tol=1e-12) and round(units) else units
    amounts = [amount * units for amount in formula.amounts]
    return "".join(f"{symbol}{amount:.15g}" for symbol, amount in zip(formula.symbols, amounts, strict=True))


def _formula_text(formula: Formula) -> str:
    """Return the formula as it was written, or all its digits where that does not read as the same."""
    try:
        read = Formula.parse(formula.text)
    except InvalidFormula:
        read = None
    if read == formula:
        return formula.text
    return "".join(f"{symbol}{amount!r}" for symbol, amount in zip(formula.symbols, formula.amounts, strict=True))


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
