"""Answer for a list of materials: means, calibrated intervals, domain and warnings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path

import numpy as np

from superion.errors import InvalidArtefact, InvalidCrystal, InvalidValue, SuperionError
from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.arrhenius import REFERENCE_TEMPERATURE_C, inverse_temperature_step
from superion.models.artefact import Artefact
from superion.models.calibration import Calibration, RowCalibration, check_confidence
from superion.models.caveats import caveats
from superion.models.distribution import FloatArray, Spread
from superion.models.ensemble import TargetOutput
from superion.models.forest import has_full_cell
from superion.models.inputs import ReadMaterial, read_input
from superion.models.material import Material
from superion.models.records import (
    Conductivity,
    Dendrites,
    DomainAnswer,
    Estimate,
    Failure,
    InterphaseAnswer,
    LithiumMetal,
    ModelName,
    Prediction,
    Report,
    estimates_of,
)
from superion.models.stability.answers import Learned, hull_answers, learned_answers, where_they_disagree
from superion.models.stability.coarse import COARSE_KEPT
from superion.models.stability.learned import LearnedStability
from superion.models.stability.lithium import LithiumStability
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, from_formula

RELEASE_FOLDER = Path(__file__).parent / "release"
"""The model that is shipped."""

MAX_TEMPERATURES = 100

CANNED = "Li6PS5Cl"
"""Material that a model must answer for before it answers for anyone's."""

DETAILS = ("landscape", "staircase")

AgainstLithium = tuple[tuple[LithiumStability | None, tuple[str, ...]], Learned]
"""What the hull says of a formula, with warnings, and what the networks say."""

_NOTHING: AgainstLithium = ((None, ()), Learned(None, None, ()))


@dataclass(frozen=True)
class Predictor:
    """Predict with one artefact; holds no state that a call changes, so threads may share it."""

    artefact: Artefact
    model: ModelName

    @classmethod
    def from_folder(cls, folder: Path, *, version: str | None = None, alias: str | None = None) -> Predictor:
        """Load the artefact in `folder`; `version` and `alias` say what the registry calls it."""
        artefact = Artefact.load(folder)
        return cls(artefact, ModelName(artefact.name, version or str(artefact.training.get("version", "0")), alias))

    def named(self, version: str, alias: str | None) -> Predictor:
        """Return the same predictor under the name that a registry gives it."""
        return replace(self, model=ModelName(self.model.name, version, alias))

    def check(self) -> Predictor:
        """Return the predictor once it has answered for a well-known electrolyte with finite numbers in order.

        Raises InvalidArtefact when it does not: such a model must answer for nothing else.
        """
        (answer,) = self.predict([CANNED]).predictions
        if isinstance(answer, Failure):
            raise InvalidArtefact(f"the model refuses {CANNED}: {answer.message}", field="model")
        estimate = answer.conductivity[0].log10
        if not -math.inf < estimate.lower <= estimate.mean <= estimate.upper < math.inf:
            raise InvalidArtefact(f"the model answers {CANNED} with {estimate}", field="model")
        return self

    def predict(
        self,
        materials: Iterable[object],
        temperature_C: float | Sequence[float] = REFERENCE_TEMPERATURE_C,  # noqa: N803 - the name that clients write
        confidence: float = 0.9,
        detail: Sequence[str] = (),
        *,
        readable: frozenset[str] | None = None,
    ) -> Report:
        """Predict a list of materials; see `superion.models.inputs.read_input` for what one may be.

        A fault of one material is its own answer and no other's. Raises InvalidValue for a temperature, confidence or
        detail that is out of range, and for a single material in place of a list.
        """
        _checked(temperature_C, confidence, detail)  # before anything is read
        return self.answer(self.read(materials), temperature_C, confidence, detail, readable=readable)

    def read(self, items: Iterable[object]) -> list[ReadMaterial | Failure]:
        """Read a list of materials and build their graphs, ready to be answered with those of other requests.

        A fault of one material is its own. Raises InvalidValue for a single material in place of a list.
        """
        if isinstance(items, str | Mapping):
            raise InvalidValue("materials are a list; put a single one into a list", field="materials", value=items)
        return [self._with_graphs(read_input(item)) for item in items]

    def answer(
        self,
        read: Sequence[ReadMaterial | Failure],
        temperature_C: float | Sequence[float] = REFERENCE_TEMPERATURE_C,  # noqa: N803 - the name that clients write
        confidence: float = 0.9,
        detail: Sequence[str] = (),
        *,
        readable: frozenset[str] | None = None,
        stability: bool = True,
    ) -> Report:
        """Predict materials that were read, by this predictor or another, each with an answer of its own.

        `readable` are the uploaded data sets whose rows may be shown as nearest known materials, None for all. Without
        `stability` nothing is said of lithium metal, nor of what is learned with it, which takes half of the time.
        Raises InvalidValue for a temperature, confidence or detail that is out of range.
        """
        temperatures = _checked(temperature_C, confidence, detail)
        # Another predictor may have read them with a graph of another size; what is there already costs nothing.
        ready = [self._with_graphs(item) for item in read]
        found = [item for item in ready if isinstance(item, ReadMaterial)]
        answers = iter(self._answers(found, temperatures, confidence, detail, readable, stability))
        predictions = tuple(item if isinstance(item, Failure) else next(answers) for item in ready)
        return Report(self.model, temperatures, isinstance(temperature_C, Sequence), confidence, predictions)

    def log10_conductivity(
        self, materials: Sequence[Material], temperatures_c: FloatArray
    ) -> tuple[FloatArray, Spread]:
        """Return mean (n,) and uncalibrated spread of log10(S/cm), each material at its own temperature.

        `calibration_of` has what makes intervals of them.
        """
        return self.log10_conductivity_and_novelty(materials, temperatures_c)[:2]

    def log10_conductivity_and_novelty(
        self, materials: Sequence[Material], temperatures_c: FloatArray
    ) -> tuple[FloatArray, Spread, list[float | None]]:
        """Return what `log10_conductivity` does, and the novelty of each material by which `Domain.holds` decides."""
        steps = np.array([inverse_temperature_step(float(t)) for t in temperatures_c])
        output = self.artefact.ensemble.predict(materials)
        return *self._at(output, steps), self._novelty(output)

    def inside(self, materials: Sequence[Material]) -> list[bool]:
        """Tell which materials lie inside the domain."""
        domain, ensemble = self.artefact.domain, self.artefact.ensemble
        novelty = None if domain.novelty_threshold is None else ensemble.novelty(CONDUCTIVITY, materials)
        listed = [None] * len(materials) if novelty is None else novelty.tolist()
        return domain.inside([material.formula for material in materials], listed)

    def calibration_of(self, target: str, materials: Sequence[Material]) -> RowCalibration | None:
        """Return the calibration of a target for materials, None for a target that was not learned."""
        described = self.artefact.calibrations.get(target)
        if described is None:
            return None
        bare = self.artefact.calibrations.get(from_formula(target), described)
        return RowCalibration(described, bare, np.array([not has_full_cell(material) for material in materials]))

    def _at(self, output: dict[str, TargetOutput], step: FloatArray) -> tuple[FloatArray, Spread]:
        return conductivity_at(output, step, self.artefact.calibrations.get(ACTIVATION_ENERGY))

    def _with_graphs(self, read: ReadMaterial | Failure) -> ReadMaterial | Failure:
        """Build the crystal graph of one material, which may fail, before it is put together with others."""
        if isinstance(read, ReadMaterial):
            config = self.artefact.ensemble.config
            try:
                read.material.crystal_arrays(config.cutoff, config.neighbors)
            except SuperionError as error:
                return Failure(InvalidCrystal.code, error.message, read.input, read.id)
        return read

    def _answers(
        self,
        items: Sequence[ReadMaterial],
        temperatures: Sequence[float],
        confidence: float,
        detail: Sequence[str],
        readable: frozenset[str] | None,
        stability: bool,
    ) -> list[Prediction]:
        if not items:
            return []
        materials = [item.material for item in items]
        output = self.artefact.ensemble.predict(materials)
        n = len(items)
        calibration = self.calibration_of(CONDUCTIVITY, materials)
        assert calibration is not None, "an artefact is only read with this calibration"
        conductivities = []
        for temperature in temperatures:
            mean, spread = self._at(output, np.full(n, inverse_temperature_step(temperature)))
            estimates = _estimates(mean, spread, calibration, confidence)
            conductivities.append([Conductivity(temperature, estimate) for estimate in estimates])
        energy = output[ACTIVATION_ENERGY]
        energies: Sequence[Estimate | None] = [None] * n
        energy_calibration = self.calibration_of(ACTIVATION_ENERGY, materials)
        if energy_calibration is not None:
            # No barrier is below zero; the measured value, which is above it, is covered as before.
            energies = _estimates(energy.mean, energy.spread, energy_calibration, confidence, least=0.0)
        domains = self._domains([material.formula for material in materials], self._novelty(output), readable)
        staircase = "staircase" in detail
        against_lithium: Iterable[AgainstLithium] = itertools.repeat(_NOTHING, n)
        if stability:
            against_lithium = _against_lithium([material.formula for material in materials], confidence, staircase)
        unavailable = [f"{name} is not computed by this version of superion" for name in detail if name != "staircase"]
        return [
            Prediction(
                formula=str(item.material.formula),
                input=item.input,
                conductivity=tuple(column[index] for column in conductivities),
                activation_energy=energies[index],
                domain=domains[index],
                warnings=(
                    *item.notes,
                    *self._warnings(item.material, domains[index], temperatures),
                    *cautions,
                    *learned.warnings,
                    *where_they_disagree(learned.usual, hull),
                    *unavailable,
                ),
                id=item.id,
                lithium_metal=_lithium_metal(learned.values, hull, staircase),
                formation_energy=None if learned.values is None else learned.values.formation_energy,
                shear_modulus=None if learned.values is None else learned.values.shear_modulus,
                band_gap=None if learned.values is None else learned.values.band_gap,
            )
            for index, (item, ((hull, cautions), learned)) in enumerate(zip(items, against_lithium, strict=True))
        ]

    def _novelty(self, output: Mapping[str, TargetOutput]) -> list[float | None]:
        conductivity = output[CONDUCTIVITY]
        if conductivity.novelty is None or self.artefact.domain.novelty_threshold is None:
            return [None] * len(conductivity.mean)
        return [float(value) for value in conductivity.novelty]

    def _domains(
        self, formulas: Sequence[Formula], novelties: Sequence[float | None], readable: frozenset[str] | None
    ) -> list[DomainAnswer]:
        domain = self.artefact.domain
        near = domain.nearest_of(formulas, readable)
        found = zip(formulas, domain.distances(formulas), novelties, near, strict=True)
        return [
            DomainAnswer(domain.holds(formula, novelty, distance), distance, nearest, novelty)
            for formula, distance, novelty, nearest in found
        ]

    def _warnings(self, material: Material, found_domain: DomainAnswer, temperatures: Sequence[float]) -> list[str]:
        found = caveats(material.formula, temperatures)
        domain = self.artefact.domain
        unseen = domain.unseen_elements(material.formula)
        if unseen:
            # In an order of its own, so that one material has one answer however its formula is written.
            what_of_it = (
                "the answer rests on elements that replace it"
                if found_domain.in_domain
                else "the interval may be too narrow"
            )
            found.append(f"no training material holds {', '.join(sorted(unseen))}: {what_of_it}")
        elif not found_domain.in_domain:
            found.append("outside the compositions the model was trained on: expect an error of decades")
        if material.crystal is not None and material.cell == CellContext():
            found.append("no space group above P 1 is declared: lattice and symmetry were treated as unknown")
        if any(t != REFERENCE_TEMPERATURE_C for t in temperatures) and (
            ACTIVATION_ENERGY not in self.artefact.calibrations
        ):
            found.append("this model learned no activation energy: conductivity away from 25 degrees is not reliable")
        return found


def conductivity_at(
    output: dict[str, TargetOutput], step: FloatArray, energy_calibration: Calibration | None
) -> tuple[FloatArray, Spread]:
    """Return mean (n,) and spread of log10(S/cm) at the temperatures of `step` (n,) [1/eV].

    Away from 25 degrees the uncertainty of the activation energy is added to both parts: the members' own lines spread
    apart, and the data scatter by the calibrated standard deviation of the energy.
    """
    conductivity, energy = output[CONDUCTIVITY], output[ACTIVATION_ENERGY]
    members = conductivity.members - step * energy.members
    factor = 1.0 if energy_calibration is None else energy_calibration.std_factor
    scatter = np.abs(step) * energy.spread.aleatoric * factor
    aleatoric = np.sqrt(conductivity.spread.aleatoric**2 + scatter**2)
    return members.mean(axis=0), conductivity.spread.widened(aleatoric, members.std(axis=0))


def _against_lithium(formulas: Sequence[Formula], confidence: float, staircase: bool) -> Iterator[AgainstLithium]:
    """Return what hull and networks say of each formula.

    By so many at once that the networks, which want to know what the coarse hull says, find it still kept.
    """
    for first in range(0, len(formulas), COARSE_KEPT):
        some = formulas[first : first + COARSE_KEPT]
        yield from zip(hull_answers(some, whole=staircase), learned_answers(some, confidence), strict=True)


def _lithium_metal(learned: LearnedStability | None, hull: LithiumStability | None, staircase: bool) -> LithiumMetal:
    if learned is None:
        return LithiumMetal(hull=hull, staircase=staircase)
    return LithiumMetal(
        reaction_energy=learned.reaction_energy,
        reduction_limit=learned.reduction_limit,
        oxidation_limit=learned.oxidation_limit,
        interphase=InterphaseAnswer(learned.interphase, learned.probabilities),
        dendrites=Dendrites.of(learned.shear_modulus),
        hull=hull,
        staircase=staircase,
    )


def _estimates(
    mean: FloatArray, spread: Spread, calibration: RowCalibration, confidence: float, least: float = -math.inf
) -> list[Estimate]:
    """Return calibrated estimates, of which no interval begins below `least`."""
    lower, upper = calibration.interval(mean, spread, confidence)
    factor = calibration.std_factor
    return estimates_of(mean, np.maximum(lower, least), upper, spread.aleatoric * factor, spread.epistemic * factor)


def _checked_temperatures(given: float | Sequence[float]) -> tuple[float, ...]:
    listed = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not 1 <= len(listed) <= MAX_TEMPERATURES:
        raise InvalidValue(
            f"1 to {MAX_TEMPERATURES} temperatures can be asked for, not {len(listed)}",
            field="temperature_C",
            value=len(listed),
        )
    temperatures: list[float] = []
    for temperature in listed:
        if isinstance(temperature, bool) or not isinstance(temperature, Real):
            raise InvalidValue(
                f"a temperature is a number in degrees Celsius, and several of them a list, not {temperature!r}",
                field="temperature_C",
                value=temperature,
            )
        inverse_temperature_step(float(temperature))
        temperatures.append(float(temperature))
    return tuple(temperatures)


def _checked(given: float | Sequence[float], confidence: float, detail: Sequence[str]) -> tuple[float, ...]:
    """Return the temperatures that are asked for, once all that is asked for is in range."""
    temperatures = _checked_temperatures(given)
    check_confidence(confidence)
    _check_detail(detail)
    return temperatures


def _check_detail(detail: Sequence[str]) -> None:
    for name in detail:
        if name not in DETAILS:
            raise InvalidValue(f"detail knows {' and '.join(DETAILS)}, not {name!r}", field="detail", value=name)
