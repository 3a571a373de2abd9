"""The learned answers on lithium metal: an ensemble of stability networks, calibrated, as a folder of three files.

It answers where no table of phases is at hand and for compositions that no table holds. The answers of one formula
agree with one another: no reduction limit above the oxidation limit, and the class is `stable` exactly where the
reaction energy is near 0 (`interphase.STABLE_ENERGY`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from superion.errors import InvalidArtefact
from superion.featurizers.formula import Formula
from superion.models.calibration import Calibration, RowCalibration
from superion.models.distribution import FloatArray, Spread
from superion.models.records import Estimate, estimates_of
from superion.models.stability.inputs import StabilityInputs
from superion.models.stability.interphase import STABLE_ENERGY
from superion.models.stability.network import (
    BAND_GAP,
    CLASSES,
    FORMATION_ENERGY,
    LOG_SHEAR,
    OXIDATION_LIMIT,
    REACTION_ENERGY,
    REDUCTION_LIMIT,
    TARGETS,
    StabilityConfig,
    StabilityNetwork,
)
from superion.models.stability.stacked import StackedStability
from superion.models.stability.tables import end_member_table

RELEASE_FOLDER = Path(__file__).parent / "release"
CONFIG, WEIGHTS, CALIBRATION, CARD = "config.json", "weights.safetensors", "calibration.json", "MODEL_CARD.md"
FORMAT_VERSION = 1

WITHOUT_LITHIUM = "/without_lithium"
"""Ends the name of the calibration for formulas without lithium, which the last part of the training does not see."""
SPLIT = (REACTION_ENERGY, REDUCTION_LIMIT)
"""Targets with a calibration for either kind of formula."""
CALIBRATED = (*TARGETS, *(f"{name}{WITHOUT_LITHIUM}" for name in SPLIT))

BOUNDS = {
    REACTION_ENERGY: (-np.inf, 0.0),
    REDUCTION_LIMIT: (0.0, np.inf),
    OXIDATION_LIMIT: (0.0, np.inf),
    BAND_GAP: (0.0, np.inf),
}
"""What physics allows: lithium metal takes part at no cost, and no limit lies below its potential."""


@dataclass(frozen=True)
class EnsembleOutput:
    """Hold the predictions for n formulas before calibration."""

    mean: dict[str, FloatArray]
    """By target, shape (n,)."""
    spread: dict[str, Spread]
    probabilities: FloatArray
    """Shape (n, n_classes), in the order of `CLASSES`."""
    with_lithium: npt.NDArray[np.bool_]
    """Shape (n,)."""

    def only(self, chosen: npt.NDArray[np.bool_]) -> EnsembleOutput:
        """Return the rows of a mask."""
        return EnsembleOutput(
            {name: values[chosen] for name, values in self.mean.items()},
            {name: spread.only(chosen) for name, spread in self.spread.items()},
            self.probabilities[chosen],
            self.with_lithium[chosen],
        )


@dataclass(frozen=True)
class LearnedStability:
    """Hold what is predicted for one formula; intervals are at the confidence that was asked for."""

    formation_energy: Estimate
    """[eV/atom]"""
    band_gap: Estimate
    """[eV], of the PBE functional, which is low."""
    shear_modulus: Estimate
    """[GPa]"""
    reaction_energy: Estimate
    """[eV/atom of the electrolyte], with lithium metal."""
    reduction_limit: Estimate
    """[V against lithium metal]"""
    oxidation_limit: Estimate | None
    """[V against lithium metal]; None without lithium to extract."""
    interphase: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class StabilityModel:
    """Hold the ensemble and its calibrations, by the names of `CALIBRATED`."""

    networks: tuple[StabilityNetwork, ...]
    calibrations: Mapping[str, Calibration]
    card: str = ""
    training: Mapping[str, Any] = field(default_factory=lambda: {"elements": frozenset()})
    """What is known of the training; `elements` are those of the formulas."""

    def output(self, formulas: Sequence[Formula]) -> EnsembleOutput:
        """Return the predictions before calibration, made to agree with one another."""
        return output_of(self.networks, StabilityInputs.of(formulas), self.stacked)

    @property
    def stacked(self) -> StackedStability:
        """The networks as one, made when first asked for and kept until a weight of theirs changes."""
        # The dataclass is frozen, so it is put beside the fields.
        kept: StackedStability | None = self.__dict__.get("_stacked")
        if kept is None or not kept.weights.unchanged():
            kept = StackedStability.of(self.networks)
            object.__setattr__(self, "_stacked", kept)
        return kept

    def predict(self, formulas: Sequence[Formula], confidence: float) -> list[LearnedStability]:
        """Predict formulas; raises InvalidValue for a confidence out of range."""
        return self.answers(self.output(formulas), confidence) if formulas else []

    def answers(self, output: EnsembleOutput, confidence: float) -> list[LearnedStability]:
        """Return what is predicted with intervals; raises InvalidValue for a confidence out of range."""
        estimates = {name: self._estimates(output, name, confidence) for name in TARGETS}
        classes = classes_of(output)
        return [
            LearnedStability(
                formation_energy=estimates[FORMATION_ENERGY][row],
                band_gap=estimates[BAND_GAP][row],
                shear_modulus=_of_logarithm(estimates[LOG_SHEAR][row]),
                reaction_energy=estimates[REACTION_ENERGY][row],
                reduction_limit=estimates[REDUCTION_LIMIT][row],
                oxidation_limit=estimates[OXIDATION_LIMIT][row] if output.with_lithium[row] else None,
                interphase=CLASSES[classes[row]],
                probabilities=dict(zip(CLASSES, output.probabilities[row].tolist(), strict=True)),
            )
            for row in range(len(classes))
        ]

    def cautions(self, formula: Formula) -> tuple[str, ...]:
        """Return what a reader of the answers for a formula is to be warned of."""
        if len(formula.symbols) == 1:
            return ("the learned values against lithium metal are of compounds; no element was learned from",)
        known = self.training["elements"]
        new = sorted(set(formula.symbols) - known)
        if not new:
            return ()
        return (f"the learned values against lithium metal know no compound of {', '.join(new)}",)

    def _estimates(self, output: EnsembleOutput, name: str, confidence: float) -> list[Estimate]:
        mean, spread = output.mean[name], output.spread[name]
        calibration = calibration_of(self.calibrations, output, name)
        lower, upper = interval_of(calibration, name, mean, spread, confidence)
        factor = np.broadcast_to(calibration.std_factor, mean.shape)
        return estimates_of(mean, lower, upper, spread.aleatoric * factor, spread.epistemic * factor)

    def save(self, folder: Path) -> None:
        """Write the model into `folder`, which is made; the configuration is written last."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"{index}.{key}": tensor.contiguous()
            for index, network in enumerate(self.networks)
            for key, tensor in network.state_dict().items()
        }
        save_file(tensors, folder / WEIGHTS)
        # safetensors makes its file readable by the owner alone.
        (folder / WEIGHTS).chmod(0o644)
        calibrations = {name: calibration.as_dict() for name, calibration in self.calibrations.items()}
        (folder / CALIBRATION).write_text(json.dumps(calibrations, indent=1) + "\n", encoding="utf-8")
        (folder / CARD).write_text(self.card, encoding="utf-8")
        config = {
            "format_version": FORMAT_VERSION,
            "network": self.networks[0].config.as_dict(),
            "n_networks": len(self.networks),
            "end_members": end_member_table().digest,
            "sha256": {name: _digest(folder / name) for name in (WEIGHTS, CALIBRATION)},
            "training": {**self.training, "elements": sorted(self.training["elements"])},
        }
        (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> StabilityModel:
        """Read a model; raises InvalidArtefact for one that is damaged, of another format or of other end members."""
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            if config["format_version"] != FORMAT_VERSION:
                raise _fault(f"is of format {config['format_version']}, and this version reads {FORMAT_VERSION}")
            if config["end_members"] != end_member_table().digest:
                raise _fault("was trained beside other end members than this version ships")
            for name, digest in config["sha256"].items():
                if _digest(folder / name) != digest:
                    raise _fault(f"is damaged: {name} is not what was saved")
            tensors = load_file(folder / WEIGHTS)
            networks = []
            for index in range(int(config["n_networks"])):
                network = StabilityNetwork(StabilityConfig(**config["network"]))
                prefix = f"{index}."
                own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
                network.load_state_dict(own)
                networks.append(network.eval())
            saved = json.loads((folder / CALIBRATION).read_text(encoding="utf-8"))
            calibrations = {name: Calibration.from_dict(saved[name]) for name in CALIBRATED}
            card = (folder / CARD).read_text(encoding="utf-8")
            training = dict(config["training"])
            training["elements"] = frozenset(training["elements"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
            raise _fault(f"cannot be read: {type(error).__name__}") from error
        return cls(tuple(networks), calibrations, card, training)


@cache
def release_model() -> StabilityModel:
    """Return the model that is shipped; read once per process."""
    return StabilityModel.load(RELEASE_FOLDER)


def output_of(
    networks: Sequence[StabilityNetwork], inputs: StabilityInputs, stacked: StackedStability | None = None
) -> EnsembleOutput:
    """Average networks and make their answers agree with one another; `stacked` are the same networks, stacked."""
    found = stacked or StackedStability.of(networks)
    output = found.predict(inputs)
    means = output.mean.double().numpy()
    mean = dict(zip(TARGETS, means.mean(axis=0).T.copy(), strict=True))
    epistemic = means.std(axis=0).T
    aleatoric = output.deviation.double().numpy().mean(axis=0).T
    chance = output.logits.double().softmax(dim=2).numpy().mean(axis=0)
    for name, (low, high) in BOUNDS.items():
        mean[name] = np.clip(mean[name], low, high)
    with_lithium = inputs.with_lithium.numpy()
    _agree(mean, chance, with_lithium)
    spread = {name: Spread(aleatoric[column], epistemic[column]) for column, name in enumerate(TARGETS)}
    return EnsembleOutput(mean, spread, chance, with_lithium)


def classes_of(output: EnsembleOutput) -> npt.NDArray[np.int64]:
    """Return the class of each formula as a place in `CLASSES`, shape (n,)."""
    stable = output.mean[REACTION_ENERGY] > STABLE_ENERGY
    reacting: npt.NDArray[np.int64] = 1 + output.probabilities[:, 1:].argmax(axis=1)
    return np.where(stable, CLASSES.index("stable"), reacting)


def calibration_of(
    calibrations: Mapping[str, Calibration], output: EnsembleOutput, name: str
) -> Calibration | RowCalibration:
    """Return the calibration of a target for the formulas of an output."""
    if name not in SPLIT:
        return calibrations[name]
    return RowCalibration(calibrations[name], calibrations[f"{name}{WITHOUT_LITHIUM}"], ~output.with_lithium)


def interval_of(
    calibration: Calibration | RowCalibration, name: str, mean: FloatArray, spread: Spread, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the intervals, within what physics allows, each of shape (n,)."""
    lower, upper = calibration.interval(mean, spread, confidence)
    low, high = BOUNDS.get(name, (-np.inf, np.inf))
    return np.clip(lower, low, high), np.clip(upper, low, high)


def _agree(mean: dict[str, FloatArray], chance: FloatArray, with_lithium: npt.NDArray[np.bool_]) -> None:
    """Bring the limits into order, and the reaction energy to the side of the class that is most probable."""
    reduction, oxidation = mean[REDUCTION_LIMIT], mean[OXIDATION_LIMIT]
    # Without lithium there is no oxidation limit, and what stands for it was not learned.
    crossed = (reduction > oxidation) & with_lithium
    middle = (reduction[crossed] + oxidation[crossed]) / 2.0
    reduction[crossed] = oxidation[crossed] = middle
    energy, stable = mean[REACTION_ENERGY], chance.argmax(axis=1) == CLASSES.index("stable")
    # A hair on either side of the limit, which itself counts as reacting.
    energy[stable] = np.maximum(energy[stable], STABLE_ENERGY + 1e-6)
    energy[~stable] = np.minimum(energy[~stable], STABLE_ENERGY)


def _of_logarithm(estimate: Estimate) -> Estimate:
    """Return an estimate of log10 as one of the quantity; the deviations are carried over to first order."""
    mean, lower, upper = (10.0**value for value in (estimate.mean, estimate.lower, estimate.upper))
    slope = np.log(10.0) * mean
    return Estimate(mean, lower, upper, slope * estimate.std_aleatoric, slope * estimate.std_epistemic)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fault(what: str) -> InvalidArtefact:
    return InvalidArtefact(f"the model of stability against lithium {what}", field="model", value=RELEASE_FOLDER.name)
