"""The choices of a training run; every one is tracked with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from superion.errors import InvalidValue
from superion.models.network import NetworkConfig

MAX_MEMBERS = 50
"""Each member is a network and a share of the forests' trees, of which there must be at least two."""


@dataclass(frozen=True)
class FitSettings:
    """Hold how one network is fitted."""

    epochs: int = 120
    """Passes over the rows; the most of them where there is a patience."""
    patience: int | None = None
    """Passes that a network may get no better on held-out papers before it stops and goes back to its best
    (`superion.training.stopping`); None makes all passes, on all rows, which was measured to be better."""
    batch_size: int = 32
    learning_rate: float = 5e-4
    """Peak of the one-cycle schedule."""
    weight_decay: float = 1e-2
    censored_at: float = -15.0
    """log10(S/cm) that a row reported as below a limit is learned as; the convention of the published baselines."""
    energy_weight: float = 0.3
    """Weight of the activation energies in the loss, each target being in units of its scale."""
    hide_cell: float = 0.3
    """How often a row is shown without its cell, space group and crystal, so that a bare formula is answered too."""
    hide_atoms: float = 0.05
    """How often a row is shown without the number of atoms in its cell, which many tables lack."""
    hide_crystal: float = 0.6
    """How often a row that has a crystal is shown without it."""
    jitter: float = 0.03
    """Standard deviation of the noise on the scaled context."""
    unlabelled_per_step: int = 16
    """Compounds without a label that are drawn for each step, where any are given."""
    unlabelled_weight: float = 0.1
    """Weight of such a compound in the loss; that of a measured row is 1."""
    unlabelled_at: float = -11.0
    """log10(S/cm) that such a compound is taken to have; nearly all lithium compounds conduct poorly."""


@dataclass(frozen=True)
class TreeSettings:
    """Hold how the forests are grown."""

    n_trees: int = 120
    feature_share: float = 0.1
    """Share of the features that a split chooses among; a tenth was measured best, all of them worst."""


@dataclass(frozen=True)
class TrainingSettings:
    """Hold how an ensemble is trained, cross-validated and calibrated."""

    n_folds: int = 5
    n_members: int = 4
    seed: int = 0
    fit: FitSettings = field(default_factory=FitSettings)
    trees: TreeSettings = field(default_factory=TreeSettings)
    network: NetworkConfig = field(default_factory=NetworkConfig)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("folds", self.n_folds, 2, 100),
            ("members", self.n_members, 2, MAX_MEMBERS),
            ("epochs", self.fit.epochs, 1, 100_000),
            ("patience", 1 if self.fit.patience is None else self.fit.patience, 1, 100_000),
        ):
            if not low <= value <= high:
                raise InvalidValue(f"{name} must lie between {low} and {high}, not {value}", field=name, value=value)
