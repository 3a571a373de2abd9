"""The steps of a campaign's audit in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from superion.discovery.campaigns.state import Event

__all__ = ["event_text"]

DETAIL_SHOWN = 300
"""Longest text of a step [characters]."""
NAMED = 12
"""Most candidates that a step names."""


def event_text(event: Event) -> str:
    """Say what a step did; of a step that is not known here, what was written down of it."""
    detail = event.detail
    candidates, values = _texts(detail.get("candidates")), _texts(detail.get("values"))
    match event.action:
        case "new" if "n_candidates" in detail:
            text = f"began with {detail['n_candidates']} candidates"
            if detail.get("n_observed"):
                text += f" and {detail['n_observed']} measurements"
            if detail.get("source"):
                text += f", from {detail['source']}"
        case "suggest" if candidates:
            text = f"suggested {_named(candidates)}"
        case "observe" if candidates and len(values) == len(candidates):
            pairs = [f"{candidate}: {value}" for candidate, value in zip(candidates, values, strict=True)]
            text = f"observed {_named(pairs)}"
        case "withdraw" if candidates:
            text = f"withdrew {_named(candidates)}{_reason(detail)}"
        case "retrain" if "version" in detail:
            text = f"trained version {detail['version']} ({detail.get('alias')}) on {detail.get('rows')} measurements"
        case "undo" if "event" in detail:
            text = f"undid step {detail['event']}{_reason(detail)}"
        case _:
            told = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in detail.items() if value]
            text = f"{event.action}: {'; '.join(told)}" if told else event.action
    if len(text) > DETAIL_SHOWN:
        text = text[:DETAIL_SHOWN] + "..."
    return text if event.undone_by is None else f"{text} (undone by step {event.undone_by})"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def _reason(detail: Mapping[str, Any]) -> str:
    return f": {detail['reason']}" if detail.get("reason") else ""


def _texts(value: object) -> list[str]:
    return list(map(str, value)) if isinstance(value, list | tuple) else []


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
