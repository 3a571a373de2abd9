"""How far a material lies from what the model was trained on, and which known materials are nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula
from superion.featurizers.substitution import replacements

N_NEAREST = 3
"""Known materials shown with a prediction."""

_NUMBERS_AT_ONCE = 1 << 18
"""Differences of fractions that are computed together: bounds the memory."""

_ROUGH = 1e-4
"""More than distances differ by for the order in which single-precision fractions are summed."""

INSIDE_QUANTILE = 0.95
"""Share of the training papers' own materials whose distance counts as inside when the paper is left out."""

NOVELTY_QUANTILE = 0.92
"""Share of the rows held out in cross-validation whose novelty counts as inside."""


@dataclass(frozen=True)
class KnownMaterial:
    """Hold one material to show beside a prediction."""

    formula: str
    measured: float | None
    """Conductivity [S/cm], None where it may not be shown."""
    source: str
    dataset: str | None = None
    """Identifier of the uploaded data set that it is from; None for what everybody may see."""


@dataclass(frozen=True)
class NearMaterial:
    """Hold a known material and its distance."""

    known: KnownMaterial
    distance: float


@dataclass(frozen=True)
class Domain:
    """Hold the compositions a model was trained on.

    The distance between two compositions is the share of their atoms that would have to be exchanged for other
    elements, half the sum of the absolute differences of their fractions: 0 the same, 1 nothing in common. Where the
    model can say how novel a formula is to it, that decides what is inside, else the distance does.
    """

    fractions: npt.NDArray[np.float32]
    """Shape (n_training, n_elements): element fractions of the distinct compositions trained on."""
    threshold: float
    """Largest distance that counts as inside."""
    known: tuple[KnownMaterial, ...] = ()
    """Materials to show as nearest."""
    novelty_threshold: float | None = None
    """Largest novelty (`TargetOutput.novelty`) that counts as inside; None for a model that is judged by distance."""

    @classmethod
    def fit(cls, formulas: Sequence[Formula], groups: Sequence[str], known: Sequence[KnownMaterial]) -> Domain:
        """Learn the domain of training formulas; `groups` says which came from one paper.

        The threshold is the distance within which `INSIDE_QUANTILE` of the materials lie from those of other papers.
        """
        vectors = fraction_vectors(formulas)
        paper: npt.NDArray[np.intp] = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)[1]
        nearest = []
        for index, vector in enumerate(vectors):
            others = vectors[paper != paper[index]]
            if len(others):
                nearest.append(_distances(vector, others).min())
        threshold = float(np.quantile(nearest, INSIDE_QUANTILE)) if nearest else 0.0
        return cls(np.unique(vectors, axis=0), threshold, tuple(known))

    def joined(self, other: Domain | None) -> Domain:
        """Return the domain that holds what either does, with the known materials of this one.

        Where both are judged by novelty it is by that of the other, the parent of this one: what is new to the parent
        and was learned since is no longer novel, and a table of what is strange to the parent must not raise the bar.
        """
        if other is None:
            return self
        fractions = np.unique(np.concatenate([self.fractions, other.fractions]), axis=0)
        novelty = None if self.novelty_threshold is None else other.novelty_threshold
        return Domain(fractions, max(self.threshold, other.threshold), self.known, novelty)

    @property
    def inside_share(self) -> float:
        """Share of materials of papers that were left out which counts as inside."""
        return INSIDE_QUANTILE if self.novelty_threshold is None else NOVELTY_QUANTILE

    def distance(self, formula: Formula) -> float:
        """Return the distance of a formula to the nearest training composition, 0 to 1."""
        return self.distances([formula])[0]

    def distances(self, formulas: Sequence[Formula]) -> list[float]:
        """Return the distance of each of several formulas to the nearest training composition, 0 to 1."""
        return [self._distance(vector) for vector in fraction_vectors(formulas)]

    def _distance(self, vector: npt.NDArray[np.float32]) -> float:
        own = np.flatnonzero(vector)
        by_element, totals = self._by_element
        held = by_element[own]
        # All but rounding, from the few elements of the formula alone; only what may be nearest is computed in full.
        roughly = 0.5 * (np.abs(held - vector[own, None]).sum(axis=0) + totals - held.sum(axis=0))
        near = np.flatnonzero(roughly <= roughly.min() + _ROUGH)
        return float(_distances(vector, self.fractions[near]).min())

    @cached_property
    def _by_element(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the fractions of each element (n_elements, n_training), and their sums (n_training,)."""
        return np.ascontiguousarray(self.fractions.T), self.fractions.sum(axis=1)

    def holds(self, formula: Formula, novelty: float | None = None, distance: float | None = None) -> bool:
        """Tell whether a formula is inside; its distance is found where it is needed and not given.

        It is when it is not too novel, and a training material holds every element of it or one that replaces that
        element in known compounds (such rows were covered out of fold as often as others). Where no novelty decides, it
        is when it is near enough to a training composition and holds no new element.
        """
        if novelty is not None and self.novelty_threshold is not None:
            return novelty <= self.novelty_threshold and self._replaced.issuperset(formula.symbols)
        distance = self.distance(formula) if distance is None else distance
        return distance <= self.threshold and not self.unseen_elements(formula)

    def inside(self, formulas: Sequence[Formula], novelties: Sequence[float | None]) -> list[bool]:
        """Tell which formulas are inside."""
        return [self.holds(formula, novelty) for formula, novelty in zip(formulas, novelties, strict=True)]

    def unseen_elements(self, formula: Formula) -> tuple[str, ...]:
        """Return the elements of a formula that no training composition holds."""
        return tuple(symbol for symbol in formula.symbols if symbol not in self._seen)

    @cached_property
    def _seen(self) -> frozenset[str]:
        """Elements of the training compositions."""
        return frozenset(SYMBOLS[column] for column in np.flatnonzero(self.fractions.max(axis=0)))

    @cached_property
    def _replaced(self) -> frozenset[str]:
        """Elements of the training compositions, and those that they replace in known compounds."""
        seen = self.fractions.max(axis=0) > 0
        return self._seen | {SYMBOLS[row] for row in np.flatnonzero(replacements()[:, seen].sum(axis=1) > 0.0)}

    @cached_property
    def datasets(self) -> frozenset[str]:
        """Identifiers of the uploaded data sets that known materials are from."""
        return frozenset(known.dataset for known in self.known if known.dataset is not None)

    def nearest(self, formula: Formula, readable: frozenset[str] | None = None) -> tuple[NearMaterial, ...]:
        """Return the known materials nearest to a formula, nearest first, each composition once.

        `readable` are the uploaded data sets whose materials may be shown, None for all; the others count for nothing.
        """
        return self.nearest_of([formula], readable)[0]

    def nearest_of(
        self, formulas: Sequence[Formula], readable: frozenset[str] | None = None
    ) -> list[tuple[NearMaterial, ...]]:
        """Return what `nearest` does of each of several formulas."""
        if not self.known:
            return [()] * len(formulas)
        vectors, compositions = self._read_known()
        at_once = max(1, _NUMBERS_AT_ONCE // vectors.size)
        found = []
        for first in range(0, len(formulas), at_once):
            asked = fraction_vectors(formulas[first : first + at_once])
            distances = _distances(asked[:, None, :], vectors)
            orders = np.argsort(distances, axis=1, kind="stable")
            for order, row in zip(orders.tolist(), distances.tolist(), strict=True):
                found.append(self._first_of(order, row, compositions, readable))
        return found

    def _first_of(
        self, order: list[int], distances: list[float], compositions: tuple[str, ...], readable: frozenset[str] | None
    ) -> tuple[NearMaterial, ...]:
        """Return the first known materials of an order, each composition once."""
        found: dict[str, NearMaterial] = {}
        for index in order:
            known = self.known[index]
            if compositions[index] in found:
                continue
            if readable is not None and known.dataset is not None and known.dataset not in readable:
                continue
            found[compositions[index]] = NearMaterial(known, distances[index])
            if len(found) == N_NEAREST:
                break
        return tuple(found.values())

    def _read_known(self) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
        # Parsed once per domain; the dataclass is frozen, so the result is put beside its fields.
        if "_known" not in self.__dict__:
            formulas = [Formula.parse(known.formula) for known in self.known]
            read = fraction_vectors(formulas), tuple(formula.canonical for formula in formulas)
            object.__setattr__(self, "_known", read)
        stored: tuple[npt.NDArray[np.float32], tuple[str, ...]] = self.__dict__["_known"]
        return stored


def fraction_vectors(formulas: Sequence[Formula]) -> npt.NDArray[np.float32]:
    """Return element fractions, shape (n_formulas, n_elements)."""
    vectors = np.zeros((len(formulas), len(SYMBOLS)), dtype=np.float32)
    if formulas:
        rows = np.repeat(np.arange(len(formulas)), [len(formula.symbols) for formula in formulas])
        columns = [ATOMIC_NUMBER[symbol] - 1 for formula in formulas for symbol in formula.symbols]
        vectors[rows, columns] = np.concatenate([formula.fractions for formula in formulas])
    return vectors


def _distances(vectors: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the distances (..., n) of vectors (n_elements,) or (..., 1, n_elements) to others (n, n_elements)."""
    distances: npt.NDArray[np.float32] = 0.5 * np.abs(others - vectors).sum(axis=-1)
    return distances
