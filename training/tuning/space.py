"""What a search may change, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from superion.errors import InvalidValue
from superion.training.settings import TrainingSettings
from superion.training.settings_file import values_of

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Dimension:
    """Hold the bounds of one setting."""

    name: str
    low: float
    high: float
    log: bool = False
    step: int | None = None
    """Of a whole number."""

    def suggest(self, trial: Trial) -> int | float:
        """Return the value of a trial."""
        if self.step is not None:
            return trial.suggest_int(self.name, int(self.low), int(self.high), step=self.step)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def moved(self, value: float, multiple: int = 1) -> Dimension:
        """Return the dimension with its bounds and steps moved to hold a value; whole numbers are of a `multiple`."""
        low, high, step = min(self.low, value), max(self.high, value), self.step
        if step is not None:
            if (value - low) % step or (high - low) % step or step % multiple:
                step = multiple
            low, high = value - (value - low) // step * step, value + (high - value) // step * step
        # The logarithm of nothing is none.
        return replace(self, low=low, high=high, step=step, log=self.log and low > 0.0)


SPACE = (
    Dimension("fit.epochs", 20, 240, step=20),
    Dimension("fit.learning_rate", 5e-5, 3e-3, log=True),
    Dimension("fit.weight_decay", 1e-4, 1e-1, log=True),
    Dimension("fit.energy_weight", 0.03, 1.0, log=True),
    Dimension("fit.hide_cell", 0.0, 0.6),
    Dimension("fit.hide_crystal", 0.0, 0.9),
    Dimension("fit.jitter", 0.0, 0.1),
    Dimension("fit.unlabelled_weight", 0.01, 0.5, log=True),
    Dimension("network.width", 32, 96, step=16),
    Dimension("network.layers", 1, 4, step=1),
    Dimension("network.dropout", 0.0, 0.3),
    Dimension("network.element_dropout", 0.0, 0.3),
    Dimension("trees.feature_share", 0.03, 0.5, log=True),
)


def space_of(names: Sequence[str], settings: TrainingSettings, kept: tuple[str, ...]) -> tuple[Dimension, ...]:
    """Return the dimensions that a search has: those that are named, else all whose names do not begin as one `kept`.

    Bounds are moved to hold the settings that a search begins with. Raises InvalidValue for a name that there is not,
    or that is kept.
    """
    values = values_of(settings)
    multiples = {"network.width": settings.network.heads}
    found = {
        one.name: one.moved(values[one.name], multiples.get(one.name, 1))
        for one in SPACE
        if not one.name.startswith(kept)
    }
    for name in names:
        if name not in found:
            known = name in {one.name for one in SPACE}
            raise InvalidValue(
                (f"{name} is given or makes no difference" if known else f"there is no setting {name!r} to search")
                + f"; those that do are {', '.join(found)}",
                field="search",
                value=name,
            )
    return tuple(found[name] for name in dict.fromkeys(names)) if names else tuple(found.values())


def where(settings: TrainingSettings, space: Sequence[Dimension]) -> Mapping[str, int | float]:
    """Return the values that settings have in a space."""
    values = values_of(settings)
    return {one.name: values[one.name] for one in space}
