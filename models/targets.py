"""What the networks learn: names, units and scales."""

from __future__ import annotations

from dataclasses import dataclass

CONDUCTIVITY = "log10_conductivity"
ACTIVATION_ENERGY = "activation_energy"


def from_formula(target: str) -> str:
    """Name the calibration of a target for bare formulas, whose errors are larger than those of described cells."""
    return f"{target}/formula"


@dataclass(frozen=True)
class Target:
    """Describe one learned quantity."""

    name: str
    unit: str
    centre: float
    """Typical value, in the unit: what an untrained network answers."""
    scale: float
    """Typical spread, in the unit."""


TARGETS = (
    Target(CONDUCTIVITY, "log10(S/cm) at 25 degrees Celsius", -6.0, 3.0),
    Target(ACTIVATION_ENERGY, "eV", 0.45, 0.2),
)
