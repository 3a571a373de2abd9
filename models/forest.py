"""Regression trees as arrays: what the ensemble's forests are once they are grown, without the library that did it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidArtefact
from superion.featurizers._forest import walk_forest
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.schema import CONTEXT_NAMES
from superion.models.distribution import FloatArray
from superion.models.material import Material

_FORMULA_SIZE = CONTEXT_NAMES.index("log_formula_atoms")

LEAF = -1
"""Feature number of a leaf."""


@dataclass(frozen=True)
class Forest:
    """Hold binary trees, one after the other; the left child of a node is the node after it."""

    feature: npt.NDArray[np.int16]
    """Shape (n_nodes,): which feature a node asks for, `LEAF` for none."""
    threshold: npt.NDArray[np.float32]
    """Shape (n_nodes,): a material goes left when its feature is at or below this."""
    right: npt.NDArray[np.int32]
    """Shape (n_nodes,): the right child."""
    value: npt.NDArray[np.float32]
    """Shape (n_nodes,): what a leaf answers."""
    roots: npt.NDArray[np.int32]
    """Shape (n_trees,): first node of each tree."""

    def __post_init__(self) -> None:
        arrays = (self.feature, self.threshold, self.right, self.value, self.roots)
        typed = [array.dtype for array in arrays] == [np.int16, np.float32, np.int32, np.float32, np.int32]
        n = len(self.feature)
        same = len(self.threshold) == len(self.right) == len(self.value) == n
        asks = self.feature != LEAF
        # Children lie after their parents, so that a walk from any root ends at a leaf.
        forward = same and (self.right[asks] > np.flatnonzero(asks)).all()
        if not (typed and n and forward and self.right.max() < n and not asks[-1] and self._rooted(n)):
            raise InvalidArtefact("the arrays of a forest do not describe trees", field="weights.safetensors")

    def _rooted(self, n: int) -> bool:
        return len(self.roots) > 0 and bool((self.roots >= 0).all() and (self.roots < n).all())

    def predict(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """Return what each tree answers, shape (n_trees, n), for features of shape (n, n_features)."""
        answers: FloatArray = walk_forest(self.feature, self.threshold, self.right, self.value, self.roots, features)
        return answers


def has_full_cell(material: Material) -> bool:
    """Tell whether space group, lattice and content of the cell are all known, as the forest on cells needs."""
    return material.cell.is_full


def formula_features(material: Material) -> npt.NDArray[np.float32]:
    """Return the element fractions, shape (118,)."""
    features = np.zeros(len(SYMBOLS), dtype=np.float32)
    formula = material.formula
    features[[ATOMIC_NUMBER[symbol] - 1 for symbol in formula.symbols]] = formula.fractions
    return features


def cell_features(material: Material) -> npt.NDArray[np.float32]:
    """Return amounts in the cell, element fractions, space group, lattice and size of the formula, shape (244,).

    The amounts are what makes the difference: they tell structure types apart. The size is the logarithm of the number
    of atoms in the smallest whole-number formula, as in the graph: it tells stoichiometric compounds, among which the
    insulators are, from doped ones. Needs `has_full_cell`.
    """
    cell = material.cell
    assert cell.atoms_per_cell is not None and cell.cell_parameters is not None
    fractions = formula_features(material)
    amounts = fractions * np.float32(cell.atoms_per_cell)
    # Taken from the material, which keeps it: finding the smallest whole formula takes as long as all of the rest.
    size = float(material.context[0][_FORMULA_SIZE])
    rest = np.array([cell.space_group_number, *cell.cell_parameters, size], dtype=np.float32)
    return np.concatenate([amounts, fractions, rest])
