"""What the hull says of the materials of a prediction, and what a reader is warned of; it fails no prediction."""

from __future__ import annotations

from collections.abc import Iterable

from superion.errors import SuperionError
from superion.featurizers.formula import Formula
from superion.models.stability import tables
from superion.models.stability.lithium import LithiumStability, analyse

__all__ = ["COARSE", "hull_answers"]

COARSE = (
    "against lithium metal: the hull is of measured end members only and coarse; "
    f"`superion data fetch {tables.DATA_SET}` makes it fuller"
)
_NO_HULL = "against lithium metal there is no hull: "


def hull_answers(formulas: Iterable[Formula]) -> list[tuple[LithiumStability | None, tuple[str, ...]]]:
    """Return what the default table says of each formula, None where it says nothing, and warnings."""
    try:
        table = tables.default_table()
    except SuperionError as error:
        return [(None, (f"{_NO_HULL}{error.message}",)) for _ in formulas]
    always = (COARSE,) if table.name == tables.END_MEMBERS else ()
    answers: list[tuple[LithiumStability | None, tuple[str, ...]]] = []
    for formula in formulas:
        try:
            answers.append((analyse(table, formula), always))
        except SuperionError as error:
            answers.append((None, (f"{_NO_HULL}{error.message}", *always)))
    return answers
