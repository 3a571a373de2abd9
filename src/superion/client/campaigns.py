"""The calls of the client that are about campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel

from superion.client.campaign_records import (
    Campaign,
    CampaignSummary,
    Candidate,
    Event,
    NewCampaign,
    Observation,
    Series,
    Suggestion,
)
from superion.client.materials import Material, listed, material_body
from superion.client.records import Dataset, Job
from superion.client.transport import Transport
from superion.errors import InvalidValue

CANDIDATES_A_PAGE = 10_000
"""Most candidates that the service answers at a time."""

Named = Campaign | CampaignSummary | NewCampaign | str


class _Campaigns(BaseModel):
    campaigns: list[CampaignSummary]


class _Candidates(BaseModel):
    n: int
    candidates: list[Candidate]


class _Suggestions(BaseModel):
    suggestions: list[Suggestion]


class _Observations(BaseModel):
    observations: list[Observation]


class _Events(BaseModel):
    events: list[Event]


class _Step(BaseModel):
    event: Event


class CampaignCalls:
    """Ask a service about campaigns: what to make next, and what became of it."""

    _transport: Transport

    def enumerate(self, parent: Material, swaps: str | Sequence[str], **settings: Any) -> Series:
        """Return the doping series of a parent; `swaps` are such as "S>Se,O".

        `settings` are the further fields of `POST /candidates/enumerate`: step, up_to, at_once, vary, charges,
        plausible, limit.
        """
        body = dict(material_body(parent, "parent"))
        body.pop("id", None)
        given: Any = body["formula"] if set(body) == {"formula"} else body
        document = {"parent": given, "swaps": [swaps] if isinstance(swaps, str) else list(swaps), **settings}
        return self._transport.read(Series, "POST", "/candidates/enumerate", repeatable=True, document=document)

    def campaigns(self) -> list[CampaignSummary]:
        """Return what there is, oldest first."""
        return self._transport.read(_Campaigns, "GET", "/campaigns", repeatable=True).campaigns

    def new_campaign(
        self,
        name: str,
        candidates: Material | Series | Iterable[Material],
        *,
        measured: Iterable[Mapping[str, Any]] = (),
        **goal: Any,
    ) -> NewCampaign:
        """Begin a campaign and return where it stands, with what was left out of it.

        A candidate is a material as `predict` takes it, a mapping may have an `id` and a `family`; a doping series will
        do. `measured` are mappings with a material, its `conductivity`, and `unit`, `temperature_C` and the like where
        wanted. `goal` are the fields of what is sought: temperature_C, acquisition, avoid, ...
        """
        document = {
            "name": name,
            "goal": goal,
            "candidates": list(_bodies(candidates)),
            "measured": [dict(one) for one in measured],
        }
        return self._transport.read(NewCampaign, "POST", "/campaigns", document=document)

    def campaign(self, campaign: Named) -> Campaign:
        """Return where a campaign stands."""
        return self._transport.read(Campaign, "GET", _path(campaign), repeatable=True)

    def candidates(self, campaign: Named) -> list[Candidate]:
        """Return what could be made, each with whether it is left, pending, measured or failed."""
        found: list[Candidate] = []
        while True:
            asked = {"offset": len(found), "limit": CANDIDATES_A_PAGE}
            path = _path(campaign, "candidates")
            part = self._transport.read(_Candidates, "GET", path, repeatable=True, params=asked)
            found += part.candidates
            if len(found) >= part.n or not part.candidates:
                return found

    def suggest(self, campaign: Named, number: int = 5, *, seed: int = 0) -> list[Suggestion]:
        """Suggest the next experiments, which are pending until they are observed or withdrawn.

        There are fewer than asked for where fewer are left that meet the conditions of the goal.
        """
        document = {"number": number, "seed": seed}
        path = _path(campaign, "suggestions")
        return self._transport.read(_Suggestions, "POST", path, document=document).suggestions

    def suggestions(
        self, campaign: Named, status: Literal["pending", "observed", "withdrawn"] | None = None
    ) -> list[Suggestion]:
        """Return what was suggested, all or those of a status, oldest first."""
        asked = {} if status is None else {"status": status}
        path = _path(campaign, "suggestions")
        return self._transport.read(_Suggestions, "GET", path, repeatable=True, params=asked).suggestions

    def observe(
        self,
        campaign: Named,
        candidate: Suggestion | Candidate | str,
        value: str | float | None = None,
        **what: Any,
    ) -> Observation:
        """Record what became of an experiment; `value` is a number in S/cm or text such as "1.2 mS/cm" or "<1e-10".

        `what` are the further fields of an observation: unit, temperature_C, activation_energy_eV, kind, source, note,
        failed, unasked, repeat.
        """
        return self.observe_all(campaign, [{"candidate": _candidate(candidate), "value": value, **what}])[0]

    def observe_all(self, campaign: Named, observations: Iterable[Mapping[str, Any]]) -> list[Observation]:
        """Record what became of several experiments, all of it or nothing."""
        document = {"observations": [dict(one) for one in observations]}
        path = _path(campaign, "observations")
        return self._transport.read(_Observations, "POST", path, document=document).observations

    def withdraw(
        self, campaign: Named, suggestions: Suggestion | int | Iterable[Suggestion | int], reason: str = ""
    ) -> Event:
        """Take suggestions back that are pending, so that they can be suggested again."""
        several = [suggestions] if isinstance(suggestions, Suggestion | int) else list(suggestions)
        numbers = [one.number if isinstance(one, Suggestion) else one for one in several]
        document = {"suggestions": numbers, "reason": reason}
        return self._transport.read(_Step, "POST", _path(campaign, "withdraw"), document=document).event

    def undo(self, campaign: Named, event: Event | int | None = None, reason: str = "") -> Event:
        """Undo a step, the latest that stands unless one is named; an undo that is named brings its step back."""
        document = {"event": event.number if isinstance(event, Event) else event, "reason": reason}
        return self._transport.read(_Step, "POST", _path(campaign, "undo"), document=document).event

    def events(self, campaign: Named) -> list[Event]:
        """Return every step of a campaign, oldest first."""
        return self._transport.read(_Events, "GET", _path(campaign, "events"), repeatable=True).events

    def report(self, campaign: Named, file: Path | None = None) -> str:
        """Return the report of a campaign as an HTML page that needs nothing beside it, and write it to a file."""
        page = self._transport.send("GET", _path(campaign, "report"), repeatable=True).text
        if file is not None:
            try:
                # With the line ends as they are: a browser holds the scripts of the page against hashes of them.
                file.write_text(page, encoding="utf-8", newline="\n")
            except OSError as error:
                raise InvalidValue(f"{file.name} cannot be written: {error}", field="file", value=file) from error
        return page

    def export(self, campaign: Named) -> str:
        """Return what was measured as CSV, which `superion train --data` learns from."""
        return self._transport.send("GET", _path(campaign, "export"), repeatable=True).text

    def retrain(self, campaign: Named, *, force: bool = False, **settings: Any) -> Job:
        """Start a job that fine-tunes the champion on what was measured, where that pays, and return it.

        `settings` are the further fields of `POST /campaigns/{name}/retrain`: seed, members, folds, epochs, promote.
        Raises RequestFailed with the code `does_not_pay` where it does not; `force` has it done all the same.
        """
        document = {"force": force, **settings}
        return self._transport.read(Job, "POST", _path(campaign, "retrain"), document=document)

    def simulate(self, datasets: Dataset | str | Iterable[Dataset | str], **settings: Any) -> Job:
        """Start a job that replays campaigns on uploaded data sets with every strategy, and return it.

        `settings` are the further fields of `POST /campaigns/simulate`: batch, rounds, start, seeds, top, hold_out,
        strategies, acquisition, kappa, most_of_a_family. The job's `result` is what the replay comes to.
        """
        several = [datasets] if isinstance(datasets, Dataset | str) else list(datasets)
        document = {"datasets": [one.id if isinstance(one, Dataset) else one for one in several], **settings}
        return self._transport.read(Job, "POST", "/campaigns/simulate", document=document)


def _bodies(candidates: Material | Series | Iterable[Material]) -> Iterator[Mapping[str, Any]]:
    if isinstance(candidates, Series):
        yield from ({"id": one.id, "formula": one.formula} for one in candidates.candidates)
        return
    for place, material in enumerate(listed(candidates)):
        yield material_body(material, f"candidates[{place}]")


def _path(campaign: Named, *rest: str) -> str:
    """Return the path of a campaign; raises InvalidValue for a name that is no segment of one."""
    name = campaign.status.name if isinstance(campaign, NewCampaign) else _name(campaign)
    if name in ("", ".", ".."):
        raise InvalidValue(f"{name!r} is no name of a campaign", field="name", value=name)
    return "/".join(["/campaigns", quote(name, safe=""), *rest])


def _name(campaign: Campaign | CampaignSummary | str) -> str:
    return campaign if isinstance(campaign, str) else campaign.name


def _candidate(candidate: Suggestion | Candidate | str) -> str:
    if isinstance(candidate, Suggestion):
        return candidate.candidate
    return candidate.id if isinstance(candidate, Candidate) else candidate
