"""Parts of a campaign as plain values, as JSON has them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from superion.discovery.campaigns.state import Event, Observation, Suggestion

if TYPE_CHECKING:
    from superion.discovery.campaigns.summaries import CampaignSummary


def observation_dict(observation: Observation) -> dict[str, Any]:
    """Return an observation with the names that clients write."""
    value = observation.log10_conductivity
    return {
        "number": observation.number,
        "candidate": observation.candidate,
        "failed": observation.failed,
        "log10_S_per_cm": value,
        "S_per_cm": None if value is None else 10.0**value,
        "censored": observation.censored,
        "temperature_C": observation.temperature_c,
        "activation_energy_eV": observation.activation_energy,
        "kind": observation.kind,
        "source": observation.source,
        "given": observation.given,
        "note": observation.note,
        "by": observation.by,
        "at": _moment(observation.at),
    }


def suggestion_dict(suggestion: Suggestion) -> dict[str, Any]:
    """Return a suggestion."""
    return {
        "number": suggestion.number,
        "batch": suggestion.batch,
        "candidate": suggestion.candidate,
        "status": suggestion.status,
        "model_version": suggestion.model_version,
        "reasons": dict(suggestion.reasons),
        "by": suggestion.by,
        "at": _moment(suggestion.at),
    }


def event_dict(event: Event) -> dict[str, Any]:
    """Return a step of the audit."""
    return {
        "number": event.number,
        "action": event.action,
        "by": event.by,
        "at": event.at.isoformat(),
        "detail": dict(event.detail),
        "undone_by": event.undone_by,
    }


def summary_dict(summary: CampaignSummary) -> dict[str, Any]:
    """Return what a list of campaigns says of one."""
    return {**asdict(summary), "created_at": summary.created_at.isoformat()}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
