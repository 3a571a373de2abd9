"""Reaction energies of candidates with lithium metal, each asked for once and kept for the next batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from superion.discovery.choice.belief import Places
from superion.discovery.choice.conditions import AgainstLithium, against_lithium
from superion.discovery.choice.forecasts import Kept
from superion.featurizers.formula import Formula
from superion.models.stability.learned import CONFIG, RELEASE_FOLDER

_NAME = "reaction_energy"


class Stabilities:
    """Answer for candidates by their places among n formulas, from what is kept where it is."""

    def __init__(self, formulas: Sequence[Formula], confidence: float, kept: Kept) -> None:
        """Read what is kept; arrays that are damaged or of other candidates count as none."""
        self._formulas = formulas
        self._confidence = confidence
        self._kept = kept
        self._key = _key(formulas, confidence)
        found = kept.get(self._key)
        shape = (4, len(formulas))
        array = None if found is None else found.get(_NAME)
        usable = array is not None and array.shape == shape and array.dtype == np.float64
        self._known = np.array(array) if usable else np.full(shape, np.nan)
        self._changed = False

    def of(self, some: Places) -> AgainstLithium:
        """Return the reaction energies of candidates; raises Unavailable where the networks cannot be had."""
        places = np.asarray(some, dtype=np.intp)
        missing = places[np.isnan(self._known[:, places]).any(axis=0)]
        if len(missing):
            found = against_lithium([self._formulas[place] for place in missing], self._confidence)
            self._known[:, missing] = np.stack([found.mean, found.lower, found.upper, found.deviation])
            self._changed = True
        return AgainstLithium(*self._known[:, places])

    def keep(self) -> None:
        """Keep what was asked for since, for the next batch."""
        if self._changed:
            self._kept.put(self._key, {_NAME: self._known})
            self._changed = False


def _key(formulas: Sequence[Formula], confidence: float) -> str:
    """Name the reaction energies by all that they follow from."""
    digest = hashlib.sha256((RELEASE_FOLDER / CONFIG).read_bytes())
    digest.update(repr(confidence).encode())
    for formula in formulas:
        digest.update(f"{formula}\n".encode())
    return f"stability-{digest.hexdigest()[:32]}"
