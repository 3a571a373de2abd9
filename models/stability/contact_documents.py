"""What `react` and `expose` find as plain values: the JSON of `superion interface` and `superion environment`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superion.models.stability.documents import product_document
from superion.models.stability.environment import Environment, Outcome
from superion.models.stability.interface import Kink, Reactant
from superion.models.stability.partners import Meeting
from superion.models.stability.tables import COARSE, END_MEMBERS

__all__ = ["environment_document", "interface_document"]


def interface_document(meetings: Sequence[Meeting], potential: float | None) -> dict[str, Any]:
    """Return all that was found of an electrolyte and its partners, of which there must be one at least."""
    first = meetings[0]
    return {
        "table": first.table,
        "electrolyte": _reactant(first.electrolyte),
        "potential_V": potential,
        "contacts": [_contact(meeting) for meeting in meetings],
        "warnings": [COARSE] if first.table == END_MEMBERS else [],
    }


def environment_document(found: Environment) -> dict[str, Any]:
    """Return all that was found of an electrolyte in water, carbon dioxide and both."""
    return {
        "table": found.table,
        "electrolyte": _reactant(found.electrolyte),
        "thermodynamic": True,
        "water": found.water,
        "measured_scale": {"energy_eV_per_atom": found.energy_eV_per_atom, "made_of": list(found.made_of)},
        "exposures": [
            {"atmosphere": each.atmosphere, "worst": _outcome(each.worst), "in_excess": _outcome(each.in_excess)}
            for each in found.exposures
        ],
        "notes": list(found.notes),
    }


def _contact(meeting: Meeting) -> dict[str, Any]:
    partner, found = meeting.partner, meeting.interface
    named = {
        "name": None if partner is None else partner.name,
        "roles": [] if partner is None else list(partner.roles),
        "source": None if partner is None else partner.source,
    }
    if found is None:
        assert partner is not None
        fault = {"code": meeting.code, "message": meeting.fault}
        return {"partner": {**named, "formula": partner.formula}, "error": fault}
    worst = found.worst
    return {
        "partner": {**named, **_reactant(found.partner)},
        "potential_V": found.potential_V,
        "reaction_energy_eV_per_atom": worst.reaction_energy_eV_per_atom,
        "mutual_energy_eV_per_atom": found.worst_mutual.mutual_energy_eV_per_atom,
        "class": worst.interphase,
        "worst": _kink(worst),
        "worst_mutual": _kink(found.worst_mutual),
        "electrolyte_alone": _kink(found.electrolyte_alone),
        "partner_alone_eV_per_atom": found.partner_alone_eV_per_atom,
        "kinks": [_kink(kink) for kink in found.kinks],
        "notes": list(found.notes),
    }


def _reactant(side: Reactant) -> dict[str, Any]:
    return {
        "formula": side.formula.text,
        "energy_eV_per_atom": side.energy,
        "energy_source": side.source,
        "hull_energy_eV_per_atom": side.hull_energy,
        "energy_above_hull_eV_per_atom": side.above_hull,
    }


def _kink(kink: Kink) -> dict[str, Any]:
    return {
        "ratio": kink.ratio,
        "electrolyte_amount": kink.electrolyte_amount,
        "partner_amount": kink.partner_amount,
        "reaction_energy_eV_per_atom": kink.reaction_energy_eV_per_atom,
        "mutual_energy_eV_per_atom": kink.mutual_energy_eV_per_atom,
        "lithium_uptake": kink.lithium_uptake,
        "products": [product_document(product) for product in kink.products],
        "class": kink.interphase,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "reaction_energy_eV_per_atom": outcome.reaction_energy_eV_per_atom,
        "taken_up": dict(outcome.taken_up),
        "energy_eV_per_molecule": outcome.energy_per_molecule_eV,
        "products": [
            {**product_document(product), "state": state}
            for product, state in zip(outcome.products, outcome.states, strict=True)
        ],
        "hydrogen_sulfide_per_formula": outcome.hydrogen_sulfide,
        "hydrogen_sulfide_cm3_per_g": outcome.hydrogen_sulfide_cm3_per_g,
    }
