"""What a campaign seeks: which conductor, at which temperature, under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from superion.errors import InvalidValue
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.models.arrhenius import inverse_temperature_step
from superion.models.calibration import check_confidence

Acquisition = Literal["ucb", "log_ei", "noisy_ei", "thompson", "variance"]
Part = Literal["ignore", "constraint", "objective"]

MAX_ELEMENTS = 30
"""Most elements that one campaign avoids."""


@dataclass(frozen=True)
class Goal:
    """Hold what a campaign seeks.

    Raises InvalidValue for a field that is out of range, which it names.
    """

    temperature_C: float = 25.0  # noqa: N815 - the name that clients write
    """Where the conductivity is to be high [degrees Celsius]."""
    confidence: float = 0.9
    """Of the intervals that are shown."""
    acquisition: Acquisition = "ucb"
    """`ucb` upper confidence bound, `log_ei` and `noisy_ei` expected improvement, `thompson` a draw of the belief for
    each place in a batch, `variance` what the model would learn most from."""
    kappa: float = 0.3
    """Standard deviations that the upper confidence bound adds to the mean."""
    stability: Part = "ignore"
    """Whether stability against lithium metal is a condition, or sought beside the conductivity (a Pareto front)."""
    reaction_energy_above: float = -0.1
    """Reaction energies with lithium metal above this count as stable [eV per atom of the electrolyte]."""
    cost: Part = "ignore"
    """Whether the price of the elements is a condition, or sought to be low beside the conductivity."""
    cost_below: float | None = None
    """Largest price of the elements where it is a condition [US dollars per kg]."""
    avoid: tuple[str, ...] = ()
    """Elements that no suggestion may hold."""
    least_chance: float = 0.25
    """Candidates less likely than this to meet the conditions are not suggested."""
    most_of_a_family: int | None = None
    """Most suggestions of a batch from one family, None for any number."""

    def __post_init__(self) -> None:
        inverse_temperature_step(self.temperature_C)
        check_confidence(self.confidence)
        _check_word("acquisition", self.acquisition, get_args(Acquisition))
        _check_word("stability", self.stability, get_args(Part))
        _check_word("cost", self.cost, get_args(Part))
        _check_number("kappa", self.kappa, 0.0, 100.0)
        _check_number("reaction_energy_above", self.reaction_energy_above, -10.0, 0.0)
        _check_number("least_chance", self.least_chance, 0.0, 1.0)
        if self.cost_below is not None:
            _check_number("cost_below", self.cost_below, 0.0, 1e9)
        if self.cost == "constraint" and self.cost_below is None:
            raise InvalidValue("cost is a condition: cost_below says up to which price [USD/kg]", field="cost_below")
        if self.most_of_a_family is not None and self.most_of_a_family < 1:
            raise InvalidValue(
                f"most_of_a_family is a number of suggestions, 1 or more, not {self.most_of_a_family}",
                field="most_of_a_family",
                value=self.most_of_a_family,
            )
        if len(self.avoid) > MAX_ELEMENTS or len(set(self.avoid)) < len(self.avoid):
            raise InvalidValue(
                f"avoid names each element once, {MAX_ELEMENTS} at most", field="avoid", value=",".join(self.avoid)
            )
        for symbol in self.avoid:
            if symbol not in ATOMIC_NUMBER:
                raise InvalidValue(f"avoid names {symbol!r}, which is no element", field="avoid", value=symbol)

    @property
    def pareto(self) -> bool:
        """Whether there is more than one thing to be sought."""
        return "objective" in (self.stability, self.cost)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, as JSON has them."""
        return {**asdict(self), "avoid": list(self.avoid)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Goal:
        """Make a goal of fields by name; raises InvalidValue for a field that a goal does not have."""
        known = {field.name for field in fields(cls)}
        for name in given:
            if name not in known:
                raise InvalidValue(f"a goal has no {name!r}; it has {', '.join(sorted(known))}", field=name)
        values = dict(given)
        if "avoid" in values:
            values["avoid"] = tuple(values["avoid"])
        return cls(**values)


def _check_word(field: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise InvalidValue(f"{field} is one of {', '.join(words)}, not {value!r}", field=field, value=value)


def _check_number(field: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(f"{field} is a number, not {value!r}", field=field, value=value)
    if not least <= value <= most:
        raise InvalidValue(f"{field} lies from {least:g} to {most:g}, not at {value}", field=field, value=value)
