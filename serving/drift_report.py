"""Compare what was asked for with what the model was trained on.

By the population stability index, sum of (p - q) ln(p/q) over the bins of a feature, for which below 0.1 is customarily
taken as stable and 0.25 as drifted, and by the Jensen-Shannon distance (base 2, from 0 the same to 1 nothing in
common). Half an occurrence is added to each bin, so that an empty one has no infinite weight. Of few materials the
index is large by chance alone: (1/n + 1/m) times a chi-square variable of one degree of freedom less than there are
bins, where n and m are the occurrences on either side. What does not reach the 95th percentile of that is stable.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from superion.serving import drift

if TYPE_CHECKING:
    from superion.models.artefact import Artefact
    from superion.models.predictor import Predictor

Verdict = Literal["stable", "watch", "drifted", "too few", "no reference"]

FEWEST_MATERIALS = 100
"""Materials below which nothing is said."""
WATCH, DRIFTED = 0.1, 0.25
CHANCE = 0.95
RARE = 0.01
"""Share of all occurrences below which, on both sides, elements are counted together."""
OTHERS = "others"
LEAST_EXCESS, LEAST_RATIO, LEAST_OCCURRENCES = 0.05, 2.0, 10
"""From when on an element is named as over-represented: by how much its share of the materials is above that in the
training set, how many times as large it is, and in how many materials it occurred."""
CHUNK = 16
"""Compositions of the training set that are predicted at a time, so that requests get their turn."""


@dataclass(frozen=True)
class Reference:
    """Hold what the training set of a model is like."""

    n: int
    """Distinct compositions."""
    features: Mapping[str, Mapping[str, float]]
    """By feature, how many compositions are in each bin."""
    elements: Mapping[str, int]
    """Compositions that hold an element."""

    @classmethod
    def of(cls, predictor: Predictor) -> Reference:
        """Describe the training set of a model; takes a second, in which its compositions are predicted."""
        from superion.featurizers.element_data import SYMBOLS

        artefact = predictor.artefact
        present = artefact.domain.fractions > 0
        n, inside = len(present), artefact.domain.inside_share
        elements = {SYMBOLS[index]: int(count) for index, count in enumerate(present.sum(axis=0)) if count}
        features: dict[str, Mapping[str, float]] = {
            drift.ELEMENT: elements,
            drift.N_ELEMENTS: Counter(drift.count_bin(int(count)) for count in present.sum(axis=1)),
            # What the threshold is a quantile of is not kept.
            drift.DOMAIN: {"inside": inside * n, "outside": (1.0 - inside) * n},
            drift.SIGMA: Counter(drift.sigma_bin(value) for value in _predicted(predictor)),
        }
        rows, described = artefact.training.get("n_rows"), artefact.training.get("n_with_structure")
        if isinstance(rows, int) and isinstance(described, int):
            features[drift.STRUCTURE] = {"yes": described, "no": rows - described}
        return cls(n, features, elements)


def _predicted(predictor: Predictor) -> list[float]:
    """Return the conductivities [log10(S/cm)] at 25 degrees that a model predicts for its training compositions."""
    from superion.featurizers.element_data import SYMBOLS
    from superion.featurizers.formula import Formula
    from superion.models.arrhenius import REFERENCE_TEMPERATURE_C
    from superion.models.material import Material

    materials = [
        Material(Formula.from_amounts({SYMBOLS[index]: float(row[index]) for index in np.flatnonzero(row)}))
        for row in predictor.artefact.domain.fractions
    ]
    found: list[float] = []
    for start in range(0, len(materials), CHUNK):
        chunk = materials[start : start + CHUNK]
        mean, _ = predictor.log10_conductivity(chunk, np.full(len(chunk), REFERENCE_TEMPERATURE_C))
        found += mean.tolist()
    return found


_known: tuple[Artefact, Reference] | None = None
_known_lock = threading.Lock()


def reference_of(predictor: Predictor) -> Reference:
    """Return the reference of a model, which is worked out once."""
    global _known
    with _known_lock:
        if _known is None or _known[0] is not predictor.artefact:
            _known = (predictor.artefact, Reference.of(predictor))
        return _known[1]


@dataclass(frozen=True)
class Bin:
    """Hold the share of one bin, of all occurrences; None where there is nothing to compare with."""

    bin: str
    inputs: float
    training: float | None


@dataclass(frozen=True)
class Feature:
    """Hold how one feature of the inputs compares with the training set."""

    name: str
    n: int
    """Occurrences in the inputs."""
    verdict: Verdict
    psi: float | None
    by_chance: float | None
    """What the index does not exceed in 95 of 100 cases when there is no difference."""
    jensen_shannon: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Element:
    """Hold an element of the inputs, with the share of materials that hold it."""

    element: str
    n: int
    share: float
    share_in_training: float


@dataclass(frozen=True)
class Period:
    """Hold the comparison over some days."""

    days: int
    since: str
    n_materials: int
    """That were predicted, by any version of the model."""
    failures: Mapping[str, int]
    """Materials that were not predicted, by the code of the answer."""
    verdict: Verdict
    """The gravest of the features but for whether there is a structure."""
    features: tuple[Feature, ...]
    new_elements: tuple[Element, ...] = field(default=())
    over_represented_elements: tuple[Element, ...] = field(default=())


def compare(days: int, version: str, reference: Reference) -> Period:
    """Compare what was asked over the last days with the training set of a version of the model.

    Distances and conductivities are compared as that version has answered, the rest as asked of any. Raises Unavailable
    when the records cannot be read.
    """
    by_version = drift.read(days)
    asked: drift.Counts = {}
    for counts in by_version.values():
        drift.merge(asked, counts)
    answered = by_version.get(version, {})
    n_materials, n_answered = (counts.get(drift.MATERIALS, Counter())["predicted"] for counts in (asked, answered))
    features = (
        *(_feature(name, asked, n_materials, reference) for name in (drift.ELEMENT, drift.N_ELEMENTS, drift.STRUCTURE)),
        *(_feature(name, answered, n_answered, reference) for name in (drift.DOMAIN, drift.DISTANCE, drift.SIGMA)),
    )
    new, more = _elements(asked.get(drift.ELEMENT, Counter()), n_materials, reference)
    return Period(
        days=days,
        since=(drift.today() - timedelta(days - 1)).isoformat(),
        n_materials=n_materials,
        failures=dict(asked.get(drift.FAILURE, Counter())),
        # Formulas alone are a use that the model is made for, however rare they were in the training set.
        verdict=_gravest([feature.verdict for feature in features if feature.name != drift.STRUCTURE]),
        features=features,
        new_elements=new,
        over_represented_elements=more,
    )


def _feature(name: str, counts: drift.Counts, n_materials: int, reference: Reference) -> Feature:
    inputs: Mapping[str, float] = counts.get(name, Counter())
    training = reference.features.get(name)
    if name == drift.ELEMENT and training is not None:
        inputs, training = _pooled(inputs, training)
    names = [one for one in _order(name, inputs, training) if inputs.get(one) or (training or {}).get(one)]
    p, n = _shares(names, inputs)
    q, m = (None, 0.0) if training is None else _shares(names, training)
    bins = tuple(Bin(one, p[i], None if q is None else q[i]) for i, one in enumerate(names))
    if training is None or n_materials < FEWEST_MATERIALS or not n:
        verdict: Verdict = "no reference" if training is None else "too few"
        return Feature(name, int(n), verdict, None, None, None, bins)
    psi, distance = _distances(names, inputs, training)
    by_chance = _by_chance(len(names), n, m)
    verdict = _verdict(psi, by_chance)
    if name == drift.DOMAIN and inputs.get("outside", 0) / n <= training["outside"] / m:
        verdict = "stable"  # nobody need be told that the inputs lie better than the training set does
    return Feature(name, int(n), verdict, psi, by_chance, distance, bins)


def _order(name: str, inputs: Mapping[str, float], training: Mapping[str, float] | None) -> Sequence[str]:
    ordered = {drift.N_ELEMENTS: drift.COUNT_BINS, drift.DISTANCE: drift.DISTANCE_BINS, drift.SIGMA: drift.SIGMA_BINS}
    return ordered.get(name) or sorted({*inputs, *(training or {})})


def _shares(names: Sequence[str], counts: Mapping[str, float]) -> tuple[list[float], float]:
    total = float(sum(counts.get(name, 0) for name in names))
    return [counts.get(name, 0) / total if total else 0.0 for name in names], total


def _distances(names: Sequence[str], a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float]:
    """Return the population stability index and the Jensen-Shannon distance of two sets of counts."""
    from scipy.spatial.distance import jensenshannon

    p, q = (np.array([counts.get(name, 0) + 0.5 for name in names]) for counts in (a, b))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum()), float(jensenshannon(p, q, base=2))


def _by_chance(n_bins: int, n: float, m: float) -> float:
    from scipy.stats import chi2

    return float(chi2.ppf(CHANCE, n_bins - 1)) * (1.0 / n + 1.0 / m) if n_bins > 1 else 0.0


def _verdict(psi: float, by_chance: float) -> Verdict:
    if psi < WATCH or psi <= by_chance:
        return "stable"
    return "watch" if psi < DRIFTED else "drifted"


def _gravest(verdicts: Sequence[Verdict]) -> Verdict:
    order: tuple[Verdict, ...] = ("drifted", "watch", "stable")
    return next((verdict for verdict in order if verdict in verdicts), "too few")


def _pooled(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return counts of elements with those that are rare on both sides counted together."""
    totals = [sum(counts.values()) for counts in (a, b)]
    common = {
        name
        for counts, total in zip((a, b), totals, strict=True)
        for name, n in counts.items()
        if n >= RARE * max(total, 1)
    }

    def pool(counts: Mapping[str, float]) -> Mapping[str, float]:
        pooled = {name: n for name, n in counts.items() if name in common}
        rest = sum(counts.values()) - sum(pooled.values())
        return pooled | ({OTHERS: rest} if rest else {})

    return pool(a), pool(b)


def _elements(counts: Counter[str], n: int, reference: Reference) -> tuple[tuple[Element, ...], tuple[Element, ...]]:
    """Return the elements that no training composition holds, and those that are far more frequent than in it."""
    found = [
        Element(name, count, count / n, reference.elements.get(name, 0) / reference.n)
        for name, count in counts.most_common()
    ]
    new = tuple(element for element in found if element.element not in reference.elements)
    more = tuple(
        element
        for element in found
        if n >= FEWEST_MATERIALS
        and element not in new
        and element.n >= LEAST_OCCURRENCES
        and element.share - element.share_in_training >= LEAST_EXCESS
        and element.share >= LEAST_RATIO * element.share_in_training
    )
    return new, more
