"""How refused inputs are written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from superion.errors import SuperionError


def refusal(error: SuperionError) -> str:
    """Return what kind of error it is and what it says."""
    return f"{type(error).__name__} of {error.field}: {error.message}"


def by_kind(refused: Mapping[str, str]) -> dict[str, int]:
    """Count refusals by the part before the colon, the most frequent first."""
    return dict(Counter(reason.partition(":")[0] for reason in refused.values()).most_common())
