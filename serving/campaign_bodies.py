"""What the routes of campaigns are sent, as models, which document it too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from superion.serving.forms import STRICT
from superion.serving.limits import (
    MAX_BATCH_SUGGESTIONS,
    MAX_CAMPAIGN_CANDIDATES,
    MAX_OBSERVATIONS,
    MAX_PAGE,
    MAX_SERIES,
)
from superion.serving.problems import Refusal

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"
"""As `superion.discovery.campaigns.creation` takes it."""
LONGEST_TEXT = 2000
"""[characters]"""


NO_OTHERS = ConfigDict(extra="forbid")
"""Of parameters in an address, where all is text: none is unknown, as one that is misspelt would be."""


def at_most(field: str, most: int, advice: str) -> BeforeValidator:
    """Return what refuses a list that is too long, 413, before any of it is looked at."""

    def check(value: Any) -> Any:
        if isinstance(value, list) and len(value) > most:
            message = f"{len(value)} {field} are too many for one request; send at most {most}, {advice}"
            raise Refusal(413, message, field=field)
        return value

    return BeforeValidator(check)


class GivenMaterial(BaseModel):
    """A material: exactly one of `formula`, `cif`, `poscar` and `structure`."""

    model_config = STRICT

    formula: str | None = Field(None, description='A chemical formula, such as "Li6PS5Cl".')
    cif: str | None = Field(None, description="The text of a CIF file; partial occupancies are kept.")
    poscar: str | None = Field(None, description="The text of a POSCAR or CONTCAR file.")
    structure: dict[str, Any] | None = Field(None, description="What pymatgen's `Structure.as_dict()` gives.")

    def given(self) -> dict[str, Any]:
        """Return what was given of the material."""
        kinds = ("formula", "cif", "poscar", "structure")
        return {kind: found for kind in kinds if (found := getattr(self, kind)) is not None}


class ParentBody(BaseModel):
    """A parent with a structure: exactly one of `cif`, `poscar` and `structure`."""

    model_config = STRICT

    cif: str | None = Field(None, description="The text of a CIF file; partial occupancies are kept.")
    poscar: str | None = Field(None, description="The text of a POSCAR or CONTCAR file.")
    structure: dict[str, Any] | None = Field(None, description="What pymatgen's `Structure.as_dict()` gives.")

    def given(self) -> dict[str, Any]:
        """Return what was given of the structure."""
        return {kind: found for kind in ("cif", "poscar", "structure") if (found := getattr(self, kind)) is not None}


class EnumerateBody(BaseModel):
    """What a doping series is made of."""

    model_config = STRICT

    parent: Annotated[str, Field(max_length=LONGEST_TEXT)] | ParentBody = Field(description="A formula or a structure.")
    swaps: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=20)] = Field(
        description='What may take the place of what, such as "S>Se,O".'
    )
    step: Annotated[float, Field(ge=0.001, le=1.0)] = Field(
        0.1, description="Share of an element's atoms that is replaced at a time."
    )
    up_to: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="Largest share that is replaced.")
    at_once: Annotated[int, Field(ge=1, le=10)] = Field(2, description="Most substituents of one composition.")
    vary: Annotated[str, Field(max_length=10)] | None = Field(
        None, description="Element whose amount keeps the whole neutral."
    )
    charges: dict[str, float] = Field(
        default_factory=dict, description="Oxidation states that are not to be guessed, by element."
    )
    plausible: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.0, description="Leave out what is less plausible, by oxidation states and sizes."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_SERIES)] = Field(MAX_SERIES, description="Most combinations.")


class GoalBody(BaseModel):
    """What a campaign seeks; what is not given, or null, is as with `superion campaign new`."""

    model_config = STRICT

    temperature_C: float | None = Field(  # noqa: N815 - given
        None, description="Where the conductivity is to be high, in degrees Celsius."
    )
    confidence: float | None = Field(None, description="Of the intervals that are shown, 0.05 to 0.99.")
    acquisition: Literal["ucb", "log_ei", "noisy_ei", "thompson", "variance"] | None = Field(
        None, description="How candidates are chosen."
    )
    kappa: float | None = Field(None, description="Standard deviations that ucb adds to the mean.")
    stability: Literal["ignore", "constraint", "objective"] | None = Field(None, description="Against lithium metal.")
    reaction_energy_above: float | None = Field(
        None, description="Reaction energy with lithium metal above which counts as stable, in eV per atom."
    )
    cost: Literal["ignore", "constraint", "objective"] | None = Field(None, description="Price of the elements.")
    cost_below: float | None = Field(None, description="Highest price where it is a constraint, in US dollars per kg.")
    avoid: list[str] | None = Field(None, description="Elements that no suggestion may hold.")
    least_chance: float | None = Field(None, description="Leave out what is less likely to meet the conditions.")
    most_of_a_family: int | None = Field(None, description="Most suggestions of a batch from one family.")


class CandidateBody(GivenMaterial):
    """What could be made."""

    id: str | None = Field(None, description="Its formula unless given.")
    family: str | None = Field(None, description="That of its anion unless given.")


class MeasuredBody(GivenMaterial):
    """What was measured before the campaign."""

    id: str | None = Field(None, description="Its formula unless given.")
    conductivity: str | float = Field(description='A number, or text such as "1.2 mS/cm" or "<1e-10".')
    unit: str | None = Field(None, description="S/cm where neither it nor the conductivity says.")
    temperature_C: float = Field(25.0, description="In degrees Celsius.")  # noqa: N815 - given
    activation_energy_eV: float | None = None  # noqa: N815 - given
    kind: str | None = Field(None, description="bulk or total.")
    source: str | None = Field(None, description="DOI, or where it is from.")
    family: str | None = None


class CampaignBody(BaseModel):
    """A campaign that is to begin."""

    model_config = STRICT

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="1 to 64 letters, digits, '.', '_' and '-'; neither '.' nor '-' at its beginning."
    )
    goal: GoalBody = Field(default_factory=lambda: GoalBody.model_validate({}))
    candidates: Annotated[
        list[CandidateBody],
        Field(min_length=1),
        at_most("candidates", MAX_CAMPAIGN_CANDIDATES, "or use the command line, which takes more"),
    ] = Field(description=f"What could be made, at most {MAX_CAMPAIGN_CANDIDATES}.")
    measured: Annotated[
        list[MeasuredBody], at_most("measured", MAX_CAMPAIGN_CANDIDATES, "or use the command line, which takes more")
    ] = Field(
        default_factory=list,
        description="What was measured before; what is none of the candidates becomes one that is measured.",
    )


class PageQuery(BaseModel):
    """Which candidates are asked for."""

    model_config = NO_OTHERS

    offset: Annotated[int, Field(ge=0, le=2**53)] = Field(0, description="How many are left out before them.")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(1000, description="Most that are answered.")


class StatusQuery(BaseModel):
    """Which suggestions are asked for."""

    model_config = NO_OTHERS

    status: Literal["pending", "observed", "withdrawn"] | None = Field(None, description="All unless given.")


class SuggestBody(BaseModel):
    """How many experiments are to be suggested."""

    model_config = STRICT

    number: Annotated[int, Field(ge=1, le=MAX_BATCH_SUGGESTIONS)] = 5
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(0, description="Of what is drawn at random.")


class ObservationBody(BaseModel):
    """What became of an experiment."""

    model_config = STRICT

    candidate: str = Field(description="Its id, or a formula that only one candidate has.")
    value: str | float | None = Field(None, description='A number, or text such as "1.2 mS/cm" or "<1e-10".')
    unit: str | None = Field(None, description="S/cm, mS/cm, ..., or log10(S/cm); S/cm unless it or the value says.")
    temperature_C: float = Field(25.0, description="Of the measurement, in degrees Celsius.")  # noqa: N815 - given
    activation_energy_eV: float | None = None  # noqa: N815 - given
    kind: str | None = Field(None, description="bulk or total.")
    source: str | None = Field(None, description="DOI, or page of a notebook.")
    note: str | None = None
    failed: bool = Field(False, description="The synthesis failed: there is no value.")
    unasked: bool = Field(False, description="Record it though it was never suggested.")
    repeat: bool = Field(False, description="Record it beside what it repeats or contradicts.")


class ObserveBody(BaseModel):
    """What became of experiments; all of it is recorded, or nothing."""

    model_config = STRICT

    observations: Annotated[
        list[ObservationBody], Field(min_length=1), at_most("observations", MAX_OBSERVATIONS, "and the rest in another")
    ] = Field(description=f"At most {MAX_OBSERVATIONS}.")


class WithdrawBody(BaseModel):
    """Suggestions that are not made."""

    model_config = STRICT

    suggestions: Annotated[list[Annotated[int, Field(ge=1, le=2**31 - 1)]], Field(min_length=1, max_length=1000)] = (
        Field(description="Their numbers.")
    )
    reason: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""


class UndoBody(BaseModel):
    """The step that is undone."""

    model_config = STRICT

    event: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="Its number; the latest that stands unless given. An undo that is named brings it back."
    )
    reason: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
