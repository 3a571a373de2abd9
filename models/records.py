"""The answer for one material, as typed objects that turn into the JSON of the HTTP interface and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from superion.models.domain import NearMaterial
from superion.models.stability.documents import step_document
from superion.models.stability.lithium import LithiumStability

if TYPE_CHECKING:
    from superion.models.distribution import FloatArray

DENDRITE_THRESHOLD_GPA = 8.5
"""Twice the shear modulus of lithium, 4.25 GPa (average over directions), above which an interface with a separator of
like Poisson ratio is stable against roughening: C. Monroe, J. Newman, J. Electrochem. Soc. 152, A396 (2005)."""
DENDRITE_NOTE = (
    "Monroe and Newman 2005, for soft separators: garnets pass it and still short, along grain boundaries and cracks"
)


@dataclass(frozen=True)
class Estimate:
    """Hold a predicted value with its interval, in the unit of its target."""

    mean: float
    lower: float
    upper: float
    std_aleatoric: float
    std_epistemic: float

    def as_dict(self, *, parts: bool) -> dict[str, float]:
        """Return plain values; `parts` adds the two standard deviations."""
        answer = {"mean": self.mean, "lower": self.lower, "upper": self.upper}
        if parts:
            answer |= {"std_aleatoric": self.std_aleatoric, "std_epistemic": self.std_epistemic}
        return answer


def estimates_of(
    mean: FloatArray, lower: FloatArray, upper: FloatArray, std_aleatoric: FloatArray, std_epistemic: FloatArray
) -> list[Estimate]:
    """Return the n estimates of arrays of shape (n,)."""
    columns = [values.tolist() for values in (mean, lower, upper, std_aleatoric, std_epistemic)]
    return list(map(Estimate, *columns))


@dataclass(frozen=True)
class Conductivity:
    """Hold the conductivity at one temperature."""

    temperature_c: float
    log10: Estimate
    """log10 of the conductivity in S/cm."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; S/cm and mS/cm are those of the mean of the logarithm."""
        siemens = 10.0**self.log10.mean
        return {
            "log10_S_per_cm": self.log10.as_dict(parts=True),
            "S_per_cm": siemens,
            "mS_per_cm": 1e3 * siemens,
        }


@dataclass(frozen=True)
class DomainAnswer:
    """Hold where a material lies against what the model was trained on."""

    in_domain: bool
    distance: float
    nearest: tuple[NearMaterial, ...]
    novelty: float | None = None
    """How unlike all that was learned from the formula is to the model, 0 to 1; None where the distance decides."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "in_domain": self.in_domain,
            "distance": self.distance,
            "novelty": self.novelty,
            "nearest": [
                {
                    "formula": near.known.formula,
                    "distance": near.distance,
                    "measured_S_per_cm": near.known.measured,
                    "source": near.known.source,
                }
                for near in self.nearest
            ],
        }


@dataclass(frozen=True)
class InterphaseAnswer:
    """Hold which kind of interphase is probable."""

    name: str
    """"stable", "mixed-conducting" or "passivating": the most probable one."""
    probabilities: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"class": self.name, "probabilities": dict(self.probabilities)}


@dataclass(frozen=True)
class Dendrites:
    """Hold how the shear modulus compares with the criterion against lithium dendrites."""

    met: Literal["yes", "no", "uncertain"]
    """Whether the whole interval lies above the threshold, below, or on both sides."""

    @classmethod
    def of(cls, shear_modulus: Estimate) -> Dendrites:
        """Compare a shear modulus [GPa]."""
        if shear_modulus.lower >= DENDRITE_THRESHOLD_GPA:
            return cls("yes")
        return cls("no" if shear_modulus.upper < DENDRITE_THRESHOLD_GPA else "uncertain")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"threshold_GPa": DENDRITE_THRESHOLD_GPA, "met": self.met, "note": DENDRITE_NOTE}


@dataclass(frozen=True)
class LithiumMetal:
    """Hold what happens in contact with lithium metal: as learned, and as the hull of a table of phases says."""

    reaction_energy: Estimate | None = None
    """[eV/atom]"""
    reduction_limit: Estimate | None = None
    """[V]"""
    oxidation_limit: Estimate | None = None
    """[V]"""
    interphase: InterphaseAnswer | None = None
    dendrites: Dendrites | None = None
    hull: LithiumStability | None = None
    staircase: bool = False
    """Whether the hull's staircase is part of the answer."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "reaction_energy_eV_per_atom": _plain(self.reaction_energy),
            "reduction_limit_V": _plain(self.reduction_limit),
            "oxidation_limit_V": _plain(self.oxidation_limit),
            "interphase": None if self.interphase is None else self.interphase.as_dict(),
            "dendrites": None if self.dendrites is None else self.dendrites.as_dict(),
            "hull": None if self.hull is None else self._hull(self.hull),
        }

    def _hull(self, hull: LithiumStability) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "table": hull.table,
            "reaction_energy_eV_per_atom": hull.reaction_energy_eV_per_atom,
            "reduction_limit_V": hull.reduction_limit_V,
            "oxidation_limit_V": hull.oxidation_limit_V,
            "energy_above_hull_eV_per_atom": hull.energy_above_hull_eV_per_atom,
            "class": hull.interphase,
            "products": [product.formula for product in hull.products],
        }
        if self.staircase:
            answer["staircase"] = [step_document(step) for step in hull.staircase]
        return answer


@dataclass(frozen=True)
class Prediction:
    """Hold everything predicted for one material."""

    formula: str
    input: str
    """"formula", "cif" or "structure"."""
    conductivity: tuple[Conductivity, ...]
    """One for each temperature asked for."""
    activation_energy: Estimate | None
    """[eV]; None from a model that was trained without activation energies."""
    domain: DomainAnswer
    warnings: tuple[str, ...]
    id: str | None = None
    lithium_metal: LithiumMetal = LithiumMetal()
    formation_energy: Estimate | None = None
    """[eV/atom]"""
    shear_modulus: Estimate | None = None
    """[GPa]"""
    band_gap: Estimate | None = None
    """[eV], of the PBE functional."""

    def as_dict(self, *, several_temperatures: bool = False) -> dict[str, Any]:
        """Return plain values in the order of the HTTP answer; targets without a model are None."""
        conductivity: Any = [{"temperature_C": c.temperature_c, **c.as_dict()} for c in self.conductivity]
        answer: dict[str, Any] = {} if self.id is None else {"id": self.id}
        return answer | {
            "formula": self.formula,
            "input": self.input,
            "conductivity": conductivity if several_temperatures else self.conductivity[0].as_dict(),
            "activation_energy_eV": _plain(self.activation_energy),
            "li_metal": self.lithium_metal.as_dict(),
            "formation_energy_eV_per_atom": _plain(self.formation_energy),
            "shear_modulus_GPa": _plain(self.shear_modulus),
            "band_gap_eV": None if self.band_gap is None else {**_plain(self.band_gap), "functional": "PBE"},
            "domain": self.domain.as_dict(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Failure:
    """Hold why one material could not be predicted."""

    code: str
    message: str
    field: str | None = None
    id: str | None = None

    def as_dict(self, *, several_temperatures: bool = False) -> dict[str, Any]:
        """Return plain values; an error has the same shape at any number of temperatures."""
        error = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        answer: dict[str, Any] = {} if self.id is None else {"id": self.id}
        return answer | {"error": error}


@dataclass(frozen=True)
class ModelName:
    """Say which model answered."""

    name: str
    version: str
    alias: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return plain values."""
        return {"name": self.name, "version": self.version, "alias": self.alias}


@dataclass(frozen=True)
class Report:
    """Hold the answers for a list of materials, in its order."""

    model: ModelName
    temperature_c: tuple[float, ...]
    several_temperatures: bool
    """Whether a list was asked for, be it of one."""
    confidence: float
    predictions: tuple[Prediction | Failure, ...]

    @property
    def n_failed(self) -> int:
        """Number of materials without a prediction."""
        return sum(isinstance(answer, Failure) for answer in self.predictions)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON document of `POST /predict` and of `superion predict --json`."""
        several = self.several_temperatures
        return {
            "model": self.model.as_dict(),
            "temperature_C": list(self.temperature_c) if several else self.temperature_c[0],
            "confidence": self.confidence,
            "predictions": [answer.as_dict(several_temperatures=several) for answer in self.predictions],
        }


@overload
def _plain(estimate: Estimate) -> dict[str, float]: ...
@overload
def _plain(estimate: None) -> None: ...
def _plain(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else estimate.as_dict(parts=False)
