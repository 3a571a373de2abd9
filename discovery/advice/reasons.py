"""Why an experiment is suggested: the numbers it was chosen by, and a sentence for the person who is to do it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from superion.discovery.advice.flags import Flag
from superion.discovery.advice.units_text import chance_text, conductivity_range, conductivity_text, price_text
from superion.errors import InvalidValue

__all__ = [
    "AcquisitionValue",
    "BestSoFar",
    "ModelBelief",
    "NearestMaterial",
    "Predicted",
    "ReactionEnergy",
    "Reasons",
]

SHIFTED_BY = 0.3
"""Decades by which the campaign has to move the model's prediction for the text to say so: a factor of two."""
LIKELY_SYNTHESIS = 0.75
"""Chance of a synthesis below which the text says it."""
TEACHES_MUCH = 0.05
"""Share of the remaining variance from which on the text says that an experiment teaches."""
DEAR_FROM = 100.0
"""Price of the elements from which on the text says it [US dollars per kg]."""


@dataclass(frozen=True)
class Predicted:
    """Hold what is believed of a candidate now: the model, updated by what the campaign has measured."""

    log10_S_per_cm: float  # noqa: N815 - the names of the contract
    lower: float
    """[log10(S/cm)], as `upper`."""
    upper: float
    confidence: float
    """Of the interval."""
    temperature_C: float  # noqa: N815


@dataclass(frozen=True)
class ModelBelief:
    """Hold what the model said before the campaign measured anything [log10(S/cm)]."""

    log10_S_per_cm: float  # noqa: N815
    lower: float
    upper: float


@dataclass(frozen=True)
class BestSoFar:
    """Hold the best that the campaign has measured."""

    candidate: str
    """Its id."""
    formula: str
    log10_S_per_cm: float  # noqa: N815


@dataclass(frozen=True)
class ReactionEnergy:
    """Hold the reaction energy with lithium metal [eV per atom of the electrolyte]."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class NearestMaterial:
    """Hold a known material that is near."""

    formula: str
    distance: float
    """As the domain of the model measures it."""
    measured_S_per_cm: float | None  # noqa: N815
    source: str


@dataclass(frozen=True)
class AcquisitionValue:
    """Hold what the candidate was chosen by."""

    name: str
    value: float


@dataclass(frozen=True)
class Reasons:
    """Hold why a candidate is suggested.

    Raises InvalidValue for a number that is not finite, a chance outside 0 to 1, or an interval without its mean.
    """

    predicted: Predicted
    model: ModelBelief
    chance_best: float | None
    """Chance to beat the best so far; None where nothing is measured yet."""
    best_so_far: BestSoFar | None
    chance_stable: float | None
    """Chance to be stable against lithium metal, as the goal has it; None where it is not asked for."""
    reaction_energy_eV_per_atom: ReactionEnergy | None  # noqa: N815
    chance_synthesis: float
    chance_feasible: float
    """Chance to be made and to meet the conditions of the goal."""
    teaches: float
    """Share of the remaining variance over the candidates that measuring it would remove."""
    price_USD_per_kg: float | None  # noqa: N815
    """Of the elements; None where one of them has no price."""
    nearest: tuple[NearestMaterial, ...]
    family: str
    in_domain: bool
    flags: tuple[Flag, ...]
    acquisition: AcquisitionValue

    def __post_init__(self) -> None:
        for field, value in _numbers(asdict(self)):
            if not math.isfinite(value):
                raise InvalidValue(f"{field} is a finite number, not {value}", field=field, value=value)
        for field in ("chance_best", "chance_stable", "chance_synthesis", "chance_feasible", "teaches"):
            chance = getattr(self, field)
            if chance is not None and not 0.0 <= chance <= 1.0:
                raise InvalidValue(f"{field} lies from 0 to 1, not at {chance}", field=field, value=chance)
        for field, mean, belief in (
            ("predicted", self.predicted.log10_S_per_cm, self.predicted),
            ("model", self.model.log10_S_per_cm, self.model),
        ):
            if not belief.lower <= mean <= belief.upper:
                raise InvalidValue(
                    f"{field}: {mean} lies outside its interval from {belief.lower} to {belief.upper}",
                    field=field,
                    value=mean,
                )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, as JSON has them, and the text."""
        plain = asdict(self)
        return {**plain, "nearest": list(plain["nearest"]), "flags": list(plain["flags"]), "text": self.text}

    @property
    def text(self) -> str:
        """Say in a few short sentences what to expect and what to mind."""
        return " ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield self._expectation()
        if abs(self.predicted.log10_S_per_cm - self.model.log10_S_per_cm) >= SHIFTED_BY:
            yield f"The model alone said {conductivity_text(self.model.log10_S_per_cm)}."
        if self.chance_stable is not None:
            yield f"{_first_upper(chance_text(self.chance_stable))} to be stable against lithium."
        if self.chance_synthesis < LIKELY_SYNTHESIS:
            yield f"{_first_upper(chance_text(self.chance_synthesis))} for the synthesis to work."
        if self.teaches >= TEACHES_MUCH:
            yield f"Measuring it settles {chance_text(self.teaches)} of what is uncertain about the other candidates."
        measured = next((near for near in self.nearest if near.measured_S_per_cm), None)
        if measured is not None and measured.measured_S_per_cm:
            value = conductivity_text(math.log10(measured.measured_S_per_cm))
            yield f"Nearest measured: {measured.formula}, {value}."
        if not self.in_domain:
            yield "Unlike what the model learned from: expect surprises."
        if self.price_USD_per_kg is not None and self.price_USD_per_kg >= DEAR_FROM:
            yield f"Its elements cost about {price_text(self.price_USD_per_kg)}."
        yield from _cautions(self.flags)

    def _expectation(self) -> str:
        belief = self.predicted
        text = (
            f"Predicted {conductivity_text(belief.log10_S_per_cm)} at {belief.temperature_C:g} °C "
            f"({100.0 * belief.confidence:.3g} %: {conductivity_range(belief.lower, belief.upper)})"
        )
        if self.best_so_far is None or self.chance_best is None:
            return f"{text}."
        best = self.best_so_far
        value = conductivity_text(best.log10_S_per_cm)
        return f"{text}; {chance_text(self.chance_best)} to beat the best so far, {best.formula} at {value}."


def _cautions(flags: tuple[Flag, ...]) -> Iterator[str]:
    """Say each kind of flag once, with the elements or classes that bring it."""
    by_name: dict[str, list[str]] = {}
    for flag in flags:
        by_name.setdefault(flag.name, []).append(flag.subject)
    for name in ("toxic", "radioactive", "rare"):
        if name in by_name:
            yield f"{name.capitalize()}: {', '.join(by_name.pop(name))}."
    if "air-sensitive" in by_name:
        yield f"{_first_upper(' and '.join(by_name['air-sensitive']))}: handle dry."


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _numbers(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, float):
        yield name, value
