"""What became of an experiment: the value as a person gives it, and what contradicts what was recorded before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from superion.discovery.campaigns.rows import plain_text
from superion.discovery.campaigns.state import Observation
from superion.errors import InvalidTable, InvalidValue
from superion.models.arrhenius import inverse_temperature_step
from superion.training.conductivity import (
    BELOW,
    CONDUCTIVITY_RANGE,
    POWERS,
    ConductivityColumn,
    ConductivityValue,
    conductivity_column,
    read_conductivity,
)
from superion.training.rows import ENERGY_RANGE, KINDS, SAME_VALUE

LOGARITHM = "log10(S/cm)"
"""The unit of a value that is a logarithm."""
SAME_TEMPERATURE = 2.0
"""Temperatures no further apart than this are compared as one [degrees Celsius]."""
REPEATABLE = 1.0
"""Most that measurements of one material differ by before somebody is asked [decades]."""
UNLIKELY = 1.0
"""A solid does not conduct better than this: the value was meant in another unit unless that is named [S/cm]."""


@dataclass(frozen=True)
class Report:
    """Hold what somebody reports of an experiment, as it was given; see `CampaignStore.observe`."""

    candidate: str
    """Its id, or a formula that only one candidate has."""
    value: str | float | None = None
    unit: str | None = None
    """One of `superion.training.conductivity.POWERS`, or log10(S/cm); S/cm where neither it nor the value tells."""
    temperature_C: float = 25.0  # noqa: N815 - the name that clients write
    """[degrees Celsius]."""
    activation_energy_eV: float | None = None  # noqa: N815
    kind: str | None = None
    """bulk or total."""
    source: str | None = None
    """DOI, or page of a notebook."""
    note: str | None = None
    failed: bool = False
    """Whether the synthesis failed, so that there is no value."""
    unasked: bool = False
    """Whether it may be a candidate that was never suggested."""
    repeat: bool = False
    """Whether it stands beside what was recorded of the candidate, whatever that says."""

    def checked(self) -> Observation:
        """Return the observation that is reported, without number, person and time.

        Raises InvalidValue for a value that cannot be read, is out of range or was probably meant in another unit, and
        for what does not go together.
        """
        given = "" if self.value is None else str(self.value).strip()
        if self.failed and given:
            raise InvalidValue(
                f"a failed synthesis has no value, and {given!r} was given; give one of them",
                field="value",
                value=given,
            )
        if not self.failed and not given:
            raise InvalidValue("give the value that was measured, or say that the synthesis failed", field="value")
        if self.failed and self.activation_energy_eV is not None:
            raise InvalidValue("a failed synthesis has no activation energy", field="activation_energy_eV")
        if isinstance(self.temperature_C, bool) or not isinstance(self.temperature_C, int | float):
            raise InvalidValue("the temperature is a number [degrees Celsius]", field="temperature_C")
        inverse_temperature_step(self.temperature_C)
        read = None if self.failed else read_value(self.value, self.unit)
        unit = "" if self.unit is None or self.failed else f" {self.unit.strip()}"
        return Observation(
            number=0,
            candidate=self.candidate,
            log10_conductivity=None if read is None else read.log10,
            censored=read is not None and read.censored,
            temperature_c=float(self.temperature_C),
            activation_energy=_energy(self.activation_energy_eV),
            kind=_kind(self.kind),
            source=_optional("source", self.source),
            given=given if given.endswith(unit) else given + unit,
            note=_optional("note", self.note),
        )


def read_value(value: str | float | None, unit: str | None) -> ConductivityValue:
    """Read a measured conductivity; text may be a limit such as `<1e-10` and may name its unit.

    Raises InvalidValue for what is no number or out of range, a unit that is not known, and, where no unit is named,
    for what was probably meant as a logarithm or in mS/cm.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidValue(f"the value is a number or text, not {type(value).__name__}", field="value", value=value)
    text = plain_text("value", value if isinstance(value, str) else repr(value), 200)
    if unit is not None and _folded(unit) == _folded(LOGARITHM):
        return _logarithm(text)
    named = None if unit is None else _known_unit(unit)
    number, own = _split(text)
    if number is not None and number < 0.0:
        raise InvalidValue(
            f"the value {text} is negative, and no conductivity is; if log10 of it in S/cm was meant, name the unit "
            f"{LOGARITHM}",
            field="value",
            value=text,
        )
    if number is not None and own is None and named is None and number > UNLIKELY:
        raise InvalidValue(
            f"the value {text} names no unit, and {number:g} S/cm is more than any solid reaches; was mS/cm meant? "
            "Name the unit, mS/cm or S/cm",
            field="value",
            value=text,
        )
    if own is not None and named is not None and own != named:
        raise InvalidValue(f"the value {text!r} is in {own}, and the unit {named}; give one", field="unit", value=unit)
    try:
        return read_conductivity(text, ConductivityColumn("the value", named or "S/cm"))
    except InvalidTable as error:
        comma = "; the decimal sign must be a point" if "," in text else ""
        raise InvalidValue(error.message + comma, field="value", value=text) from error


def contradiction(new: Observation, standing: Iterable[Observation]) -> str | None:
    """Say why an observation does not fit those of its candidate that stand; None where it fits."""
    for old in standing:
        if _identical(new, old):
            return f"{shown(new)} is already recorded as observation {old.number}, by {old.by}"
        if new.failed != old.failed:
            return (
                f"observation {old.number} of {old.candidate} says {shown(old)}, and this one {shown(new)}: "
                "undo the one that is wrong"
            )
        apart = _decades_apart(new, old)
        if apart is not None:
            return (
                f"observation {old.number} of {old.candidate} says {shown(old)}, and this one {shown(new)}: "
                f"{apart}. Check the unit, or undo the one that is wrong"
            )
    return None


def shown(observation: Observation) -> str:
    """Return an observation in a few words, in the unit of everything else [S/cm]."""
    if observation.log10_conductivity is None:
        return "a failed synthesis"
    below = "<" if observation.censored else ""
    kind = "" if observation.kind is None else f", {observation.kind}"
    return f"{below}{10.0**observation.log10_conductivity:.3g} S/cm at {observation.temperature_c:g} °C{kind}"


def shortest_conductivity(log10: float) -> str:
    """Return the conductivity with the fewest digits of which `log10` is the logarithm [S/cm]."""
    value = 10.0**log10
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if math.log10(float(text)) == log10:
            return text
    return repr(value)


def _identical(new: Observation, old: Observation) -> bool:
    if new.failed or old.failed:
        return new.failed and old.failed and new.source == old.source
    assert new.log10_conductivity is not None and old.log10_conductivity is not None
    return (
        abs(new.log10_conductivity - old.log10_conductivity) < SAME_VALUE
        and new.censored == old.censored
        and abs(new.temperature_c - old.temperature_c) < SAME_VALUE
        and new.source == old.source
        and not _other_kind(new, old)
    )


def _decades_apart(new: Observation, old: Observation) -> str | None:
    """Say how far apart two measurements are where that is too far, None where they agree or cannot be compared."""
    if new.log10_conductivity is None or old.log10_conductivity is None:
        return None
    if abs(new.temperature_c - old.temperature_c) > SAME_TEMPERATURE or _other_kind(new, old):
        return None
    difference = new.log10_conductivity - old.log10_conductivity
    if new.censored and old.censored:
        return None
    if new.censored or old.censored:
        above = -difference if new.censored else difference
        return f"the value lies {above:.1f} decades above the limit" if above > SAME_VALUE else None
    return f"they lie {abs(difference):.1f} decades apart" if abs(difference) > REPEATABLE + SAME_VALUE else None


def _other_kind(new: Observation, old: Observation) -> bool:
    return new.kind is not None and old.kind is not None and new.kind != old.kind


def _logarithm(text: str) -> ConductivityValue:
    sign = next((sign for sign in BELOW if text.startswith(sign)), "")
    number = _plain_number(text)
    low, high = (math.log10(end) for end in CONDUCTIVITY_RANGE)
    if number is None or not low <= number <= high:
        raise InvalidValue(
            f"the value {text!r} is no log10 of a conductivity in S/cm, which is a number from {low:g} to {high:g}, "
            "such as -3.2 or <-10",
            field="value",
            value=text,
        )
    return ConductivityValue(number, bool(sign))


def _split(text: str) -> tuple[float | None, str | None]:
    """Return the number of a value, without the sign of a limit, and the unit that it names; None for what is not."""
    for start in range(len(text)):
        column = conductivity_column(f"conductivity ({text[start:]})")
        if column is not None:
            return _plain_number(text[:start].strip()), column.unit
    return _plain_number(text), None


def _plain_number(text: str) -> float | None:
    """Return the number of a text that is a number alone, or a limit; None for another."""
    sign = next((sign for sign in BELOW if text.startswith(sign)), "")
    try:
        number = float(text.removeprefix(sign))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _known_unit(text: str) -> str:
    column = conductivity_column(f"conductivity ({plain_text('unit', text, 40)})")
    if column is None or column.unit not in POWERS:
        raise InvalidValue(
            f"the unit {text!r} is not known; {', '.join(POWERS)} or {LOGARITHM} is right", field="unit", value=text
        )
    return column.unit


def _folded(unit: str) -> str:
    return "".join(unit.split()).casefold()


def _energy(value: float | None) -> float | None:
    if value is None:
        return None
    low, high = ENERGY_RANGE
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidValue(
            f"the activation energy lies between {low:g} and {high:g} eV, not at {value}",
            field="activation_energy_eV",
            value=value,
        )
    return float(value)


def _kind(value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value.strip().lower() not in KINDS:
        raise InvalidValue(f"the kind is bulk or total, not {value!r}", field="kind", value=value)
    return value.strip().lower()


def _optional(field: str, value: str | None) -> str | None:
    return None if value is None else plain_text(field, value, empty=True) or None
