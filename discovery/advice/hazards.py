"""Elements whose compounds are toxic, and from which oxidation state on.

An element is listed where its compounds as a group, or the oxides and salts that it is brought in with, are classified
as acutely toxic of category 1 to 3, or as carcinogenic, mutagenic or toxic for reproduction of category 1, by Annex VI
of Regulation (EC) No 1272/2008 (which puts GHS into European law) as amended up to Regulation (EU) 2021/849. What is
only harmful (category 4), such as the compounds of barium and antimony, is not listed, nor is what only some compounds
of an element are, such as boric acid. A list is no safety data sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TOXIC", "Hazard"]


@dataclass(frozen=True)
class Hazard:
    """Hold what the compounds of an element do."""

    why: str
    """With the hazard statements of GHS."""
    from_charge: float | None = None
    """Oxidation state from which on they do it; None for any."""


TOXIC: Mapping[str, Hazard] = {
    "Be": Hazard("compounds are fatal if inhaled (H330) and may cause cancer (H350i)"),
    "V": Hazard("vanadium pentoxide is toxic if swallowed (H301) and may cause cancer (H350)", from_charge=4.5),
    "Cr": Hazard("chromium(VI) compounds may cause cancer (H350i)", from_charge=5.5),
    "Co": Hazard("salts may cause cancer when inhaled (H350i) and damage fertility (H360F)"),
    "Ni": Hazard("oxides, sulfides and salts may cause cancer when inhaled (H350i)"),
    "As": Hazard("compounds are toxic if swallowed or inhaled (H301, H331); oxides and arsenates cause cancer (H350)"),
    "Se": Hazard("compounds are toxic if swallowed or inhaled (H301, H331)"),
    "Cd": Hazard("oxide, sulfide and halides may cause cancer (H350) and damage organs (H372)"),
    "Te": Hazard("tellurium and its dioxide may damage the unborn child (H360Df)"),
    "Hg": Hazard("compounds are fatal if swallowed, inhaled or on the skin (H300, H330, H310)"),
    "Tl": Hazard("compounds are fatal if swallowed or inhaled (H300, H330)"),
    "Pb": Hazard("compounds may damage the unborn child (H360Df) and damage organs (H373)"),
    "U": Hazard("compounds are fatal if swallowed or inhaled (H300, H330)"),
}
