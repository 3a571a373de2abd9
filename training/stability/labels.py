"""What the stability models learn: the hull's word on every formula of the Materials Project, with gap and modulus.

Labels are made anew from the data sets in a minute or two and kept under the home; they are not part of the project.
Formulas without lithium are labelled too: what lithium does to an oxide or a phosphide is the same chemistry.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from superion import home
from superion.featurizers.formula import Formula
from superion.models.stability.inputs import END_MEMBER_NAMES, end_members_say
from superion.models.stability.lithium import analyse
from superion.models.stability.network import (
    BAND_GAP,
    CLASSES,
    FORMATION_ENERGY,
    LOG_SHEAR,
    OXIDATION_LIMIT,
    REACTION_ENERGY,
    REDUCTION_LIMIT,
    TARGETS,
)
from superion.models.stability.phases import PhaseTable
from superion.models.stability.table_files import read_phase_table
from superion.models.stability.tables import MATBENCH, end_member_table
from superion.training.datasets import require
from superion.training.matbench import read_values

MAX_ELEMENTS = 8
MAX_ABOVE_HULL = 0.2
"""Energy above the hull from which phases count as structures that nobody makes, or as wrong [eV/atom]: their own
energy, and what they would release against lithium, are not learned. Their limits are those of the hull and stay."""

FORMAT = 1
"""Raise when labels are made otherwise, so that kept ones are made again."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StabilityLabels:
    """Hold n formulas and what is known of each."""

    formulas: tuple[Formula, ...]
    values: FloatArray
    """Shape (n, n_targets), in the order and units of `TARGETS`; NaN where not known."""
    classes: npt.NDArray[np.int64]
    """Shape (n,): place in `CLASSES`, -1 where not known."""
    above_hull: FloatArray
    """Shape (n,) [eV/atom]."""
    end_members: FloatArray
    """Shape (n, len(END_MEMBER_NAMES)): what the end members say; NaN where they do not know an element."""

    def __len__(self) -> int:
        return len(self.formulas)

    @property
    def with_lithium(self) -> npt.NDArray[np.bool_]:
        """Shape (n,)."""
        return np.array(["Li" in formula.symbols for formula in self.formulas], dtype=bool)

    @property
    def systems(self) -> tuple[str, ...]:
        """Chemical system of each formula, such as `Li-P-S`."""
        return tuple("-".join(sorted(formula.symbols)) for formula in self.formulas)


def stability_labels(workers: int = 1) -> StabilityLabels:
    """Label every compound of the data set `mp-formation-energies`, or read the labels that were kept.

    Raises NotFound where a data set is not on this machine.
    """
    (energies,), (gaps,), (moduli,) = map(require, ("mp-formation-energies", "mp-band-gaps", "mp-shear-moduli"))
    table = read_phase_table(energies, MATBENCH, gaps)
    digest = hashlib.sha256(moduli.read_bytes())
    digest.update(json.dumps([FORMAT, table.digest, end_member_table().digest, MAX_ABOVE_HULL]).encode())
    kept = home.home() / "datasets" / "derived" / f"stability-{digest.hexdigest()[:16]}.npz"
    if kept.is_file():
        return _read(kept)
    labels = label(table, read_values(moduli), workers)
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(".part.npz")
    np.savez_compressed(
        draft,
        formulas=np.array([formula.text for formula in labels.formulas]),
        values=labels.values,
        classes=labels.classes,
        above_hull=labels.above_hull,
        end_members=labels.end_members,
    )
    draft.replace(kept)
    return labels


def label(table: PhaseTable, shear_moduli: Sequence[tuple[str, float]], workers: int = 1) -> StabilityLabels:
    """Label the compounds of a table; `shear_moduli` are formulas with log10(GPa), several of one formula averaged."""
    rows = [row for row in range(len(table)) if 2 <= table.offsets[row + 1] - table.offsets[row] <= MAX_ELEMENTS]
    # Neighbours in this order share their chemical system, which the table then need not put together again.
    rows.sort(key=lambda row: (*sorted(table.formula(row).symbols), table.formula(row).text))
    chunks = [rows[first : first + 2000] for first in range(0, len(rows), 2000)]
    if workers == 1:
        found = [_label_rows(table, chunk) for chunk in chunks]
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(table,)) as pool:
            found = list(pool.map(_label_in_worker, chunks))
    values, classes, above, said = (np.concatenate(parts) for parts in zip(*found, strict=True))
    formulas = tuple(table.formula(row) for row in rows)
    moduli: dict[str, list[float]] = {}
    for text, value in shear_moduli:
        moduli.setdefault(Formula.parse(text).canonical, []).append(value)
    column = TARGETS.index(LOG_SHEAR)
    for index, formula in enumerate(formulas):
        known = moduli.get(formula.canonical)
        if known:
            values[index, column] = np.mean(known)
    return StabilityLabels(formulas, values, classes, above, said)


def _label_rows(
    table: PhaseTable, rows: Sequence[int]
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]:
    values = np.full((len(rows), len(TARGETS)), np.nan)
    classes = np.full(len(rows), -1)
    above = np.full(len(rows), np.nan)
    said = np.full((len(rows), len(END_MEMBER_NAMES)), np.nan)
    place = {name: TARGETS.index(name) for name in TARGETS}
    for index, row in enumerate(rows):
        formula = table.formula(row)
        values[index, place[FORMATION_ENERGY]] = table.energies[row]
        values[index, place[BAND_GAP]] = table.band_gaps[row]
        description = end_members_say(formula)
        if description is not None:
            said[index] = description
        found = analyse(table, formula)
        assert found.energy_above_hull_eV_per_atom is not None
        above[index] = found.energy_above_hull_eV_per_atom
        values[index, place[REDUCTION_LIMIT]] = found.reduction_limit_V
        if found.oxidation_limit_V is not None:
            values[index, place[OXIDATION_LIMIT]] = found.oxidation_limit_V
        if above[index] < MAX_ABOVE_HULL:
            values[index, place[REACTION_ENERGY]] = found.reaction_energy_eV_per_atom
            classes[index] = CLASSES.index(found.interphase)
        else:
            values[index, place[FORMATION_ENERGY]] = np.nan
    return values, classes, above, said


_worker_table: PhaseTable | None = None


def _start(table: PhaseTable) -> None:
    global _worker_table  # what a worker of the pool works on
    _worker_table = table


def _label_in_worker(
    rows: Sequence[int],
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]:
    assert _worker_table is not None
    return _label_rows(_worker_table, rows)


def _read(path: Path) -> StabilityLabels:
    with np.load(path, allow_pickle=False) as kept:
        return StabilityLabels(
            tuple(map(Formula.parse, kept["formulas"].tolist())),
            kept["values"],
            kept["classes"],
            kept["above_hull"],
            kept["end_members"],
        )
