"""What hull and networks say of the materials of a prediction against lithium, and what a reader is warned of.

Neither fails a prediction: what cannot be had is None, with a warning that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from superion.errors import SuperionError
from superion.featurizers.formula import Formula
from superion.models.stability import tables
from superion.models.stability.coarse import analyse_coarsely
from superion.models.stability.lithium import LithiumStability, analyse

if TYPE_CHECKING:
    from superion.models.stability.learned import LearnedStability

__all__ = ["COARSE", "Learned", "hull_answers", "learned_answers", "where_they_disagree"]

COARSE = f"against lithium metal: {tables.COARSE}"
USUAL = 0.9
"""Confidence of the intervals that the hull is compared with."""
_NOT_SHOWN = 0.005
"""Differences that the text of a warning would not show are none [V, eV/atom]."""
_NO_HULL = "against lithium metal there is no hull: "


def hull_answers(
    formulas: Iterable[Formula], *, whole: bool = True
) -> list[tuple[LithiumStability | None, tuple[str, ...]]]:
    """Return what the default table says of each formula, None where it says nothing, and warnings.

    Without `whole` a staircase ends with its first step.
    """
    try:
        table = tables.default_table()
    except SuperionError as error:
        return [(None, (f"{_NO_HULL}{error.message}",)) for _ in formulas]
    coarse = tables.end_member_table()
    always = (COARSE,) if table is coarse else ()
    answers: list[tuple[LithiumStability | None, tuple[str, ...]]] = []
    for formula in formulas:
        try:
            found = analyse_coarsely(formula, whole=whole) if table is coarse else analyse(table, formula, whole=whole)
            answers.append((found, always))
        except SuperionError as error:
            answers.append((None, (f"{_NO_HULL}{error.message}", *always)))
    return answers


@dataclass(frozen=True)
class Learned:
    """Hold what the networks say of one formula."""

    values: LearnedStability | None
    """At the confidence that was asked for; None where the networks cannot be had."""
    usual: LearnedStability | None
    """At `USUAL`, with which the hull is compared whatever was asked for."""
    warnings: tuple[str, ...]


def learned_answers(formulas: Sequence[Formula], confidence: float) -> list[Learned]:
    """Return what the shipped networks predict for each formula; raises InvalidValue for a confidence out of range."""
    # Here and not above: a hull needs neither scipy nor torch.
    from superion.models.calibration import check_confidence
    from superion.models.stability.learned import release_model

    check_confidence(confidence)
    try:
        model = release_model()
    except SuperionError as error:
        fault = f"against lithium metal there are no learned values: {error.message}"
        return [Learned(None, None, (fault,)) for _ in formulas]
    if not formulas:
        return []
    output = model.output(formulas)
    asked = model.answers(output, confidence)
    usual = asked if confidence == USUAL else model.answers(output, USUAL)
    return [
        Learned(values, wide, model.cautions(formula))
        for values, wide, formula in zip(asked, usual, formulas, strict=True)
    ]


def where_they_disagree(learned: LearnedStability | None, hull: LithiumStability | None) -> tuple[str, ...]:
    """Return a warning for what the hull puts outside the learned interval."""
    if hull is None or learned is None:
        return ()
    pairs = (
        ("reaction energy", "eV/atom", learned.reaction_energy, hull.reaction_energy_eV_per_atom),
        ("reduction limit", "V", learned.reduction_limit, hull.reduction_limit_V),
        ("oxidation limit", "V", learned.oxidation_limit, hull.oxidation_limit_V),
    )
    beyond = [
        f"{name} {value:.2f} {unit} against {estimate.lower:.2f} to {estimate.upper:.2f}"
        for name, unit, estimate, value in pairs
        if estimate is not None and value is not None and not _holds(estimate.lower, value, estimate.upper)
    ]
    if not beyond:
        return ()
    return (
        f"against lithium metal: the hull ({hull.table}) lies outside the learned 90 % interval: {'; '.join(beyond)}",
    )


def _holds(lower: float, value: float, upper: float) -> bool:
    return lower - _NOT_SHOWN <= value <= upper + _NOT_SHOWN
