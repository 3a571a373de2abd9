"""Answer `POST /interface`: what an electrolyte and a partner react to where they meet, by the hull."""

from __future__ import annotations

import time
from typing import Any

from pydantic import BaseModel, Field

from superion.models.stability.contact_documents import interface_document
from superion.models.stability.partners import Meeting, meet, meet_all
from superion.serving.forms import STRICT, Form
from superion.serving.hull_schema import InterfaceAnswer
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
