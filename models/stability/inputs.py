"""What the learned stability models see of a formula: its elements, their fractions and what end members say of it.

The hull over the shipped end members (`tables.end_member_table`) is coarse, but it is at hand everywhere and knows
what lithium reduces an element to, so that a network only has to learn how far the electrolyte itself lies below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from superion.errors import SuperionError
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.models.padding import padded_elements
from superion.models.stability.coarse import analyse_coarsely

END_MEMBER_NAMES = (
    "hull_energy_eV_per_atom",
    "reaction_energy_of_the_hull_eV_per_atom",
    "reduction_limit_V",
    "oxidation_limit_V",
    "has_oxidation_limit",
    "has_conducting_product",
    "n_products",
    "lithium_uptake_per_atom",
)
"""What is taken from the analysis over the end members; all 0 where they do not know an element of the formula."""


@dataclass(frozen=True)
class StabilityInputs:
    """Hold n formulas, padded to the largest number of elements among them."""

    atomic_number: Tensor
    """Shape (n, n_elements); 0 is padding."""
    fraction: Tensor
    """Shape (n, n_elements); of the atoms, 0 in padding."""
    end_members: Tensor
    """Shape (n, len(END_MEMBER_NAMES))."""
    known: Tensor
    """Shape (n,): whether the end members know every element."""

    @classmethod
    def of(cls, formulas: Sequence[Formula]) -> StabilityInputs:
        """Look at formulas."""
        described = [end_members_say(formula) for formula in formulas]
        return cls.joined(formulas, described)

    @classmethod
    def joined(cls, formulas: Sequence[Formula], described: Sequence[tuple[float, ...] | None]) -> StabilityInputs:
        """Put formulas together with what `end_members_say` of each."""
        numbers, fractions = padded_elements(formulas)
        values = np.zeros((len(formulas), len(END_MEMBER_NAMES)), dtype=np.float32)
        for row, said in enumerate(described):
            if said is not None:
                values[row] = said
        known = np.array([said is not None for said in described], dtype=np.float32)
        return cls(*map(torch.from_numpy, (numbers, fractions, values, known)))

    def __len__(self) -> int:
        return len(self.known)

    @property
    def with_lithium(self) -> Tensor:
        """Whether each formula has lithium, shape (n,)."""
        return (self.atomic_number == ATOMIC_NUMBER["Li"]).any(dim=1)

    def rows(self, chosen: Tensor) -> StabilityInputs:
        """Return the rows of `chosen`."""
        return StabilityInputs(
            self.atomic_number[chosen], self.fraction[chosen], self.end_members[chosen], self.known[chosen]
        )


def end_members_say(formula: Formula) -> tuple[float, ...] | None:
    """Return `END_MEMBER_NAMES` of a formula, None where the end members do not know an element of it."""
    try:
        found = analyse_coarsely(formula)
    except SuperionError:
        return None
    oxidation = found.oxidation_limit_V
    return (
        found.hull_energy_eV_per_atom,
        found.reaction_energy_eV_per_atom + found.energy_eV_per_atom - found.hull_energy_eV_per_atom,
        found.reduction_limit_V,
        -1.0 if oxidation is None else oxidation,
        float(oxidation is not None),
        float(any(product.nature.kind == "metal" for product in found.products)),
        float(len(found.products)),
        found.staircase[0].lithium_uptake / formula.n_atoms,
    )
