"""A campaign as it stands: what could be made, what is in the furnace, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from superion.discovery.candidates import Candidate
from superion.discovery.goal import Goal
from superion.errors import InvalidValue
from superion.models.arrhenius import inverse_temperature_step


class NothingLeft(InvalidValue):
    """Report a campaign of which nothing is left to suggest, and why."""

    code = "nothing_left"


SuggestionStatus = Literal["pending", "observed", "withdrawn"]


@dataclass(frozen=True)
class Observation:
    """Hold what became of an experiment."""

    number: int
    """Of this campaign, from 1."""
    candidate: str
    """Its id."""
    log10_conductivity: float | None
    """log10(S/cm); None where the synthesis failed."""
    censored: bool
    """Whether it is a limit that the conductivity is below."""
    temperature_c: float
    activation_energy: float | None = None
    """[eV]."""
    kind: str | None = None
    """`bulk` or `total`, None where it is not known."""
    source: str | None = None
    """DOI or page of a notebook."""
    given: str = ""
    """The value as it was given."""
    note: str | None = None
    by: str = ""
    at: datetime | None = None

    @property
    def failed(self) -> bool:
        """Whether the synthesis failed, so that there was nothing to measure."""
        return self.log10_conductivity is None

    def at_temperature(self, temperature_c: float, activation_energy: float) -> float:
        """Return the conductivity at another temperature by an activation energy [eV]: log10(S/cm), Arrhenius."""
        assert self.log10_conductivity is not None, "of a failed synthesis there is no conductivity"
        step = inverse_temperature_step(temperature_c) - inverse_temperature_step(self.temperature_c)
        return self.log10_conductivity - step * activation_energy


@dataclass(frozen=True)
class Suggestion:
    """Hold one suggested experiment."""

    number: int
    """Of this campaign, from 1."""
    batch: int
    """Of this campaign, from 1: suggestions of one batch were chosen together."""
    candidate: str
    """Its id."""
    status: SuggestionStatus
    model_version: str
    """Of the model whose belief it was chosen by."""
    reasons: Mapping[str, Any]
    """Why; see `superion.discovery.advice.reasons`."""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class CampaignState:
    """Hold a campaign at one moment."""

    name: str
    goal: Goal
    revision: int
    """Grows with every change."""
    candidates: tuple[Candidate, ...]
    """In the order in which they were given."""
    observations: tuple[Observation, ...] = ()
    """Those that stand; what was undone is in the audit."""
    suggestions: tuple[Suggestion, ...] = ()
    created_by: str = ""
    created_at: datetime | None = None

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each candidate stands, by its id."""
        return {candidate.id: index for index, candidate in enumerate(self.candidates)}

    @property
    def pending(self) -> tuple[Suggestion, ...]:
        """What is in the furnace."""
        return tuple(suggestion for suggestion in self.suggestions if suggestion.status == "pending")

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Places of the candidates that are neither observed nor pending."""
        taken = {observation.candidate for observation in self.observations}
        taken |= {suggestion.candidate for suggestion in self.pending}
        return tuple(index for index, candidate in enumerate(self.candidates) if candidate.id not in taken)

    def check_left(self) -> None:
        """Raise NothingLeft where nothing can be suggested, and say whether that is measured or being made."""
        if self.left:
            return
        n_pending = len(self.pending)
        observed = len({one.candidate for one in self.observations})
        text = f"nothing is left to suggest: all {len(self.candidates)} candidates were observed"
        if n_pending:
            text = f"nothing is left to suggest: {observed} candidates were observed and {n_pending} are pending"
        raise NothingLeft(text, field="name", value=self.name)


@dataclass(frozen=True)
class Choice:
    """Hold a candidate that is to be suggested, and why."""

    candidate: str
    reasons: Mapping[str, Any]
    model_version: str


@dataclass(frozen=True)
class Event:
    """Hold one step of a campaign's audit."""

    number: int
    """Of this campaign, from 1."""
    action: str
    """new, suggest, observe, withdraw, retrain or undo."""
    by: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)
    undone_by: int | None = None
    """Number of the event that undid it."""
