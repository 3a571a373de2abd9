"""The table that a screening results in: its columns, and how answers become rows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from superion.models.records import Estimate, Failure, ModelName, Prediction

WARNING_BETWEEN = " | "
"""Stands between the warnings of a material."""

Look = Callable[[Prediction], Any]


@dataclass(frozen=True)
class Column:
    """Hold one column of predictions."""

    name: str
    type: pa.DataType
    unit: str
    """Empty where there is none."""
    look: Look


def _estimate(name: str, unit: str, look: Callable[[Prediction], Estimate | None]) -> list[Column]:
    """Return the columns of a value and of its interval."""

    def part(which: str) -> Look:
        def value(answer: Prediction) -> float | None:
            found = look(answer)
            return None if found is None else float(getattr(found, which))

        return value

    return [
        Column(name, pa.float64(), unit, part("mean")),
        Column(f"{name}_lower", pa.float64(), unit, part("lower")),
        Column(f"{name}_upper", pa.float64(), unit, part("upper")),
    ]


def _hull(name: str, type_: pa.DataType, unit: str, attribute: str) -> Column:
    def look(answer: Prediction) -> Any:
        hull = answer.lithium_metal.hull
        return None if hull is None else getattr(hull, attribute)

    return Column(name, type_, unit, look)


def _nearest(name: str, type_: pa.DataType, unit: str, look: Callable[[Any], Any]) -> Column:
    def value(answer: Prediction) -> Any:
        return look(answer.domain.nearest[0]) if answer.domain.nearest else None

    return Column(name, type_, unit, value)


def _interphase(answer: Prediction) -> str | None:
    found = answer.lithium_metal.interphase
    return None if found is None else found.name


PREDICTED: tuple[Column, ...] = (
    Column("formula", pa.string(), "", lambda answer: answer.formula),
    Column("input", pa.string(), "", lambda answer: answer.input),
    *_estimate("log10_sigma", "log10(S/cm)", lambda answer: answer.conductivity[0].log10),
    Column("std_aleatoric", pa.float64(), "log10(S/cm)", lambda answer: answer.conductivity[0].log10.std_aleatoric),
    Column("std_epistemic", pa.float64(), "log10(S/cm)", lambda answer: answer.conductivity[0].log10.std_epistemic),
    *_estimate("activation_energy", "eV", lambda answer: answer.activation_energy),
    *_estimate("reaction_energy", "eV/atom", lambda answer: answer.lithium_metal.reaction_energy),
    *_estimate("reduction_limit", "V", lambda answer: answer.lithium_metal.reduction_limit),
    *_estimate("oxidation_limit", "V", lambda answer: answer.lithium_metal.oxidation_limit),
    Column("interphase", pa.string(), "", _interphase),
    _hull("hull_reaction_energy", pa.float64(), "eV/atom", "reaction_energy_eV_per_atom"),
    _hull("hull_reduction_limit", pa.float64(), "V", "reduction_limit_V"),
    _hull("hull_oxidation_limit", pa.float64(), "V", "oxidation_limit_V"),
    _hull("hull_interphase", pa.string(), "", "interphase"),
    _hull("energy_above_hull", pa.float64(), "eV/atom", "energy_above_hull_eV_per_atom"),
    *_estimate("formation_energy", "eV/atom", lambda answer: answer.formation_energy),
    *_estimate("shear_modulus", "GPa", lambda answer: answer.shear_modulus),
    *_estimate("band_gap", "eV", lambda answer: answer.band_gap),
    Column("in_domain", pa.bool_(), "", lambda answer: answer.domain.in_domain),
    Column("distance", pa.float64(), "", lambda answer: answer.domain.distance),
    Column("novelty", pa.float64(), "", lambda answer: answer.domain.novelty),
    _nearest("nearest", pa.string(), "", lambda near: near.known.formula),
    _nearest("nearest_distance", pa.float64(), "", lambda near: near.distance),
    _nearest("nearest_sigma", pa.float64(), "S/cm", lambda near: near.known.measured),
    Column("warnings", pa.string(), "", lambda answer: WARNING_BETWEEN.join(answer.warnings)),
)

OF_STABILITY = frozenset(
    column.name
    for column in PREDICTED
    if column.name.startswith(
        ("reaction", "reduction", "oxidation", "interphase", "hull", "energy_above", "formation", "shear", "band")
    )
)
"""Columns that are null where stability is not asked about."""

_OF_ALL = (
    pa.field("row", pa.int64()),
    pa.field("id", pa.string()),
    pa.field("composition", pa.string()),
    pa.field("fingerprint", pa.string()),
    *(pa.field(c.name, c.type, metadata={"unit": c.unit} if c.unit else None) for c in PREDICTED),
    pa.field("temperature_C", pa.float64()),
    pa.field("model", pa.string()),
    pa.field("model_version", pa.string()),
)

RESULTS = pa.schema(_OF_ALL)
"""Columns of what was predicted; `row` is the place in the list, from 0. Equal materials have one `composition`, and
equal crystals one `fingerprint` besides."""
FAILURES = pa.schema(
    [pa.field(name, pa.int64() if name == "row" else pa.string()) for name in ("row", "id", "code", "message", "field")]
)
"""Columns of what could not be predicted."""


@dataclass(frozen=True)
class Row:
    """Hold the answer for one material of a list."""

    place: int
    """In the list, from 0."""
    id: str
    """Empty where it has none."""
    composition: str | None
    """The key of its composition, None for what could not be read."""
    fingerprint: str | None
    """That of its structure, None where it has none, or no symmetry is found."""
    answer: Prediction | Failure


def tables(rows: Sequence[Row], model: ModelName, temperature_c: float) -> tuple[pa.Table, pa.Table]:
    """Return what was predicted and what could not be."""
    found = [(row, row.answer) for row in rows if isinstance(row.answer, Prediction)]
    failed = [(row, row.answer) for row in rows if isinstance(row.answer, Failure)]
    columns: dict[str, Any] = {
        "row": [row.place for row, _ in found],
        "id": [row.id or None for row, _ in found],
        "composition": [row.composition for row, _ in found],
        "fingerprint": [row.fingerprint for row, _ in found],
        **{column.name: [column.look(answer) for _, answer in found] for column in PREDICTED},
        "temperature_C": [temperature_c] * len(found),
        "model": [model.name] * len(found),
        "model_version": [model.version] * len(found),
    }
    faults: dict[str, Any] = {
        "row": [row.place for row, _ in failed],
        "id": [row.id or None for row, _ in failed],
        "code": [answer.code for _, answer in failed],
        "message": [answer.message for _, answer in failed],
        "field": [answer.field for _, answer in failed],
    }
    return pa.table(columns, schema=RESULTS), pa.table(faults, schema=FAILURES)
