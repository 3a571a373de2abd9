"""What `analyse` finds as plain values: the JSON of `superion window`, of `POST /window` and of predictions."""

from __future__ import annotations

from typing import Any

from superion.models.stability.answers import COARSE
from superion.models.stability.lithium import LithiumStability, Product, Step
from superion.models.stability.tables import END_MEMBERS

__all__ = ["product_document", "step_document", "window_document"]


def window_document(found: LithiumStability) -> dict[str, Any]:
    """Return all that was found."""
    return {
        "table": found.table,
        "formula": found.formula,
        "energy_eV_per_atom": found.energy_eV_per_atom,
        "energy_source": found.energy_source,
        "hull_energy_eV_per_atom": found.hull_energy_eV_per_atom,
        "energy_above_hull_eV_per_atom": found.energy_above_hull_eV_per_atom,
        "decomposition": [product_document(product) for product in found.decomposition],
        "reaction_energy_eV_per_atom": found.reaction_energy_eV_per_atom,
        "reduction_limit_V": found.reduction_limit_V,
        "oxidation_limit_V": found.oxidation_limit_V,
        "class": found.interphase,
        "products": [product_document(product) for product in found.products],
        "staircase": [step_document(step) for step in found.staircase],
        "notes": list(found.notes),
        "warnings": [COARSE] if found.table == END_MEMBERS else [],
    }


def step_document(step: Step) -> dict[str, Any]:
    """Return one step of the staircase."""
    return {
        "lower_V": step.lower_V,
        "upper_V": step.upper_V,
        "lithium_uptake": step.lithium_uptake,
        "products": [product_document(product) for product in step.products],
        "reaction_energy_lower_eV_per_atom": step.reaction_energy_lower_eV_per_atom,
        "reaction_energy_upper_eV_per_atom": step.reaction_energy_upper_eV_per_atom,
        "class": step.interphase,
    }


def product_document(product: Product) -> dict[str, Any]:
    """Return one phase of a mixture."""
    return {
        "formula": product.formula,
        "amount": product.amount,
        "electronic": product.nature.kind,
        "reason": product.nature.reason,
        "assumed": product.nature.assumed,
    }
