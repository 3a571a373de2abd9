"""Answer `POST /interface`: what an electrolyte and a partner react to where they meet, by the hull."""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import BaseModel, Field

from superion.models.stability.contact_documents import interface_document
from superion.models.stability.partners import Meeting, meet, meet_all
from superion.serving.answer_schema import Phase
from superion.serving.forms import STRICT, Form
from superion.serving.limits import DEADLINE_SECONDS
from superion.serving.problems import Refusal
from superion.serving.route import Asked, Route
from superion.serving.window import phase_table


class InterfaceBody(BaseModel):
    """An electrolyte, its partner and the potential of the lithium between them."""

    model_config = STRICT

    electrolyte: str = Field(description='A chemical formula, such as "Li6PS5Cl".')
    partner: str | None = Field(
        None,
        description='A formula, or a name such as "graphite", "Li-In" or "NMC811"; null for all partners with a name.',
    )
    potential_V: float | None = Field(  # noqa: N815 - given
        None,
        description="Against lithium metal, 0 to 10, at which lithium is open. Null: it is not, but that a named anode "
        "has its own potential. Of all partners it is for those that are no anodes.",
    )


EXPECTED = {
    "": "an object with the keys electrolyte and partner",
    "electrolyte": "text",
    "partner": "text or null",
    "potential_V": "a number of volts from 0 to 10, or null",
}


class Reactant(BaseModel):
    """What a reaction starts from; energies are formation energies."""

    formula: str
    energy_eV_per_atom: float  # noqa: N815 - given
    energy_source: Literal["table", "hull"]
    hull_energy_eV_per_atom: float  # noqa: N815 - given
    energy_above_hull_eV_per_atom: float | None = Field(  # noqa: N815 - given
        description="Null where the table has no energy of this composition."
    )


class PartnerReactant(Reactant):
    """The partner, with what it is known by."""

    name: str | None = Field(description="Null for a formula that is no named partner.")
    roles: list[Literal["anode", "current collector", "coating", "cathode"]]
    source: str | None = Field(description="Of an anode's potential.")


class UnknownPartner(BaseModel):
    """A named partner that could not be judged."""

    name: str
    roles: list[Literal["anode", "current collector", "coating", "cathode"]]
    source: str | None
    formula: str


class Kink(BaseModel):
    """The reaction at one ratio of the two, where the products change."""

    ratio: float = Field(description="Atoms of the electrolyte over atoms of both.")
    electrolyte_amount: float = Field(description="Formula units; with the partner's they are 1.")
    partner_amount: float
    reaction_energy_eV_per_atom: float  # noqa: N815 - given
    mutual_energy_eV_per_atom: float = Field(  # noqa: N815 - given
        description="From what each decomposes to alone."
    )
    lithium_uptake: float = Field(description="For these amounts; 0 where lithium is not open.")
    products: list[Phase]
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")


class ContactFault(BaseModel):
    """Why one of all partners could not be judged."""

    code: str = Field(
        description="invalid_formula where the table does not know the partner or the elements of both are too many, "
        "no_equilibrium for a fault of superion."
    )
    message: str


class UnknownContact(BaseModel):
    """The contact with a partner that could not be judged."""

    partner: UnknownPartner
    error: ContactFault


class Contact(BaseModel):
    """The contact with one partner; energies are per atom of both."""

    partner: PartnerReactant
    potential_V: float | None = Field(  # noqa: N815 - given
        description="At which lithium is open; null where it is not."
    )
    reaction_energy_eV_per_atom: float = Field(description="At the worst ratio.")  # noqa: N815 - given
    mutual_energy_eV_per_atom: float = Field(  # noqa: N815 - given
        description="At the ratio at which the contact adds most to what each does alone."
    )
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")
    worst: Kink
    worst_mutual: Kink
    electrolyte_alone: Kink
    partner_alone_eV_per_atom: float = Field(  # noqa: N815 - given
        description="Set free by the partner alone in contact with open lithium, and no part of the reaction energies."
    )
    kinks: list[Kink] = Field(description="From pure partner to pure electrolyte, with straight lines in between.")
    notes: list[str]


class InterfaceAnswer(BaseModel):
    """The contacts of an electrolyte."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    electrolyte: Reactant
    potential_V: float | None = Field(description="As asked for.")  # noqa: N815 - given
    contacts: list[Contact | UnknownContact] = Field(description="One, or that of each named partner, by role.")
    warnings: list[str]


def answer(asked: Asked[InterfaceBody]) -> dict[str, Any]:
    """Return the document of one contact or of all."""
    body, table = asked.body, phase_table()
    meetings: list[Meeting] = []
    if body.partner is not None:
        meetings.append(meet(table, body.electrolyte, body.partner, body.potential_V))
        return interface_document(meetings, body.potential_V)
    for meeting in meet_all(table, body.electrolyte, body.potential_V):
        # All partners of as many elements as are judged take half a second, but more by a larger table of one's own.
        if time.monotonic() - asked.arrival > DEADLINE_SECONDS:
            raise Refusal(504)
        meetings.append(meeting)
    return interface_document(meetings, body.potential_V)


INTERFACE = Route(
    "/interface",
    Form(InterfaceBody, EXPECTED),
    answer,
    InterfaceAnswer,
    summary="What an electrolyte and a partner react to where they meet.",
    description="By the convex hull of the phases that the service knows, as `superion interface A B --json` prints; "
    "without a partner all that have a name are met. No model is needed.",
    success="The reactions at every ratio of the two.",
    example={"electrolyte": "Li6PS5Cl", "partner": "LiCoO2", "potential_V": 4.2},
    errors={"503": "The table of phases that the service is told to use cannot be read."},
)
