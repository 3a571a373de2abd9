"""Answer `POST /window`: what a composition turns into at every potential against lithium metal, by the hull."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from superion.errors import InvalidValue, SuperionError
from superion.models.stability.documents import window_document
from superion.models.stability.lithium import LithiumStability, analyse
from superion.models.stability.phases import energy_fault
from superion.models.stability.tables import default_table
from superion.serving.forms import STRICT, Form
from superion.serving.hull_schema import WindowAnswer
from superion.serving.problems import Refusal
from superion.serving.route import Asked, Reply, Route

if TYPE_CHECKING:
    from superion.models.stability.phases import PhaseTable

PICTURES = {"svg": "image/svg+xml", "png": "image/png"}
"""Media types of a figure, by what asks for it."""

_drawing = threading.Lock()


class WindowBody(BaseModel):
    """The composition, and whether to answer with a figure."""

    model_config = STRICT

    formula: str = Field(description='A chemical formula, such as "Li6PS5Cl".')
    energy_eV_per_atom: float | None = Field(  # noqa: N815 - given
        None, description="Formation energy of the composition, in place of that of the table."
    )
    plot: Literal["svg", "png"] | None = Field(
        None, description="Answer with a figure of the staircase in place of the document."
    )


EXPECTED = {
    "": "an object with the key formula",
    "formula": "text",
    "energy_eV_per_atom": "a number of eV per atom",
    "plot": "svg or png",
}


def phase_table() -> PhaseTable:
    """Return the table of this service; raises Refusal where it cannot be read, which no request is to blame for."""
    try:
        return default_table()
    except SuperionError as error:
        raise Refusal(503, f"the table of phases cannot be read: {error.message}", code="no_table") from None


def answer(asked: Asked[WindowBody]) -> dict[str, Any] | Reply:
    """Return the document or the figure of a composition."""
    body = asked.body
    if body.energy_eV_per_atom is not None and (wrong := energy_fault(body.energy_eV_per_atom)):
        raise InvalidValue(f"energy_eV_per_atom: {wrong}", field="energy_eV_per_atom")
    found = analyse(phase_table(), body.formula, body.energy_eV_per_atom)
    return window_document(found) if body.plot is None else _figure(found, body.plot)


def _figure(found: LithiumStability, kind: str) -> Reply:
    from superion.training.drawing import drawn
    from superion.training.staircase import staircase

    try:
        # The settings of matplotlib are those of the process.
        with _drawing:
            return Reply(drawn(staircase(found), kind), PICTURES[kind])
    except ModuleNotFoundError as error:
        raise Refusal(501, f"{error.name} is not installed here, so nothing can be drawn", field="plot") from None


WINDOW = Route(
    "/window",
    Form(WindowBody, EXPECTED),
    answer,
    WindowAnswer,
    summary="What a composition turns into at every potential against lithium metal.",
    description="By the convex hull of the phases that the service knows, as `superion window FORMULA --json` prints; "
    "`plot` asks for a figure of it instead. No model is needed.",
    success="The window and the staircase, or the figure that was asked for.",
    example={"formula": "Li6PS5Cl"},
    errors={
        "501": "A figure cannot be drawn, because matplotlib is not installed.",
        "503": "The table of phases that the service is told to use cannot be read.",
    },
    media_types=tuple(PICTURES.values()),
)
