"""Whose rows a caller may see beside a prediction; asked for every request, so it is remembered for a moment."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from superion.errors import Unavailable
from superion.serving import datasets
from superion.serving.callers import ADMIN, Caller

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

MEMORY_SECONDS = 2.0
MAX_REMEMBERED = 10_000

_remembered: dict[str | None, tuple[float, frozenset[str]]] = {}


async def readable(caller: Caller, predictor: Predictor) -> frozenset[str] | None:
    """Return the uploaded data sets whose rows a model may show to a caller, None for all.

    Only those that the model learned from: whoever may see the same of them shares batches and remembered answers. When
    the records cannot be read it is what was remembered, else none: nothing private is shown by mistake.
    """
    learned = predictor.artefact.domain.datasets
    if caller.may(ADMIN) or not learned:
        return None
    known = _remembered.get(caller.key)
    if known is None or time.monotonic() - known[0] >= MEMORY_SECONDS:
        known = await asyncio.to_thread(_look, caller, known)
    return learned & known[1]


def _look(caller: Caller, known: tuple[float, frozenset[str]] | None) -> tuple[float, frozenset[str]]:
    now = time.monotonic()
    try:
        found = now, datasets.readable(caller) or frozenset()
    except Unavailable:
        return (now, frozenset()) if known is None else known
    if len(_remembered) >= MAX_REMEMBERED:
        _remembered.clear()
    _remembered[caller.key] = found
    return found
