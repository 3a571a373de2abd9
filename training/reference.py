"""Literature facts on well-known electrolytes that the project carries: examples, nearest known materials, smoke tests.

No released model is trained on them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from superion.models.domain import KnownMaterial
from superion.training.table import MeasurementTable, read_table

REFERENCE_TABLE = Path(__file__).parent / "data" / "electrolytes.csv"

ROOM_TEMPERATURE_MAX_C = 30.0
"""What was measured hotter is not shown as a conductivity at room temperature."""


@cache
def reference_table() -> MeasurementTable:
    """Read the table; materials without a measured conductivity are in its `failed` list."""
    return read_table(REFERENCE_TABLE)


def known_materials() -> tuple[KnownMaterial, ...]:
    """Return the materials measured near room temperature, with their sources."""
    return tuple(
        KnownMaterial(str(row.material.formula), 10.0**row.log10_conductivity, row.source or row.id)
        for row in reference_table().rows
        if row.log10_conductivity is not None and not row.censored and row.temperature_c <= ROOM_TEMPERATURE_MAX_C
    )
