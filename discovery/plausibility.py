"""How likely an ion is to take the place of another: its oxidation state, and its size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from superion.featurizers.formula import Formula
from superion.featurizers.shannon import ion_radii, radii_of_both

WIDTH = 0.15
"""Misfit of the bond length at which exp(-1/2) is left: fifteen per cent, as in the rule of Hume-Rothery (W.
Hume-Rothery, The Structure of Metals and Alloys, 1936)."""

UNKNOWN = 0.5
"""What an ion of unknown size is given: neither likely nor unlikely."""


@dataclass(frozen=True)
class Fit:
    """Hold how an ion fits in the place of another."""

    misfit: float | None
    """Change of the bond length to the nearest counter-ions, over the bond length; None where a radius is unknown."""
    share: float
    """Share of the substituent's state among its states of that sign in the ICSD."""

    @property
    def plausibility(self) -> float:
        """Return the share times a normal curve of the misfit, 0 to 1."""
        size = UNKNOWN if self.misfit is None else math.exp(-0.5 * (self.misfit / WIDTH) ** 2)
        return self.share * size


def fit_of(host: tuple[str, float], dopant: tuple[str, float], share: float, counter_radius: float | None) -> Fit:
    """Compare an ion (symbol, charge) with the one whose place it takes; ions of broken charge have no known size."""
    if counter_radius is None or not (host[1].is_integer() and dopant[1].is_integer()):
        return Fit(None, share)
    radii = radii_of_both((host[0], int(host[1])), (dopant[0], int(dopant[1])))
    if radii is None:
        return Fit(None, share)
    return Fit((radii[1] - radii[0]) / (radii[0] + counter_radius), share)


def counter_radius(parent: Formula, charges: Mapping[str, float], host: str) -> float | None:
    """Return the radius of the ions that a host is bonded to [angstrom]: of the commonest ion of the other sign.

    Lithium does not count beside other cations: the framework holds the anions in place. None where it is unknown.
    """
    sign = math.copysign(1.0, charges[host])
    others = [s for s in parent.symbols if charges[s] * sign < 0.0]
    others = [s for s in others if s != "Li"] or others
    if not others:
        return None
    symbol = max(others, key=parent.amount)
    if not charges[symbol].is_integer():
        return None
    radii = ion_radii(symbol, int(charges[symbol]))
    return math.fsum(radii.values()) / len(radii) if radii else None
