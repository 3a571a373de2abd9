"""The forests of an ensemble, for bare formulas and for full cells, answering beside the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from superion.models.described import Described
from superion.models.distribution import FloatArray
from superion.models.domain import fraction_vectors
from superion.models.forest import Forest, cell_features
from superion.models.material import Material

Kind = Literal["formula", "cell"]
KINDS: tuple[Kind, ...] = ("formula", "cell")


@dataclass(frozen=True)
class TreeEnsemble:
    """Hold a forest for each target and kind of input that has one."""

    forests: Mapping[tuple[str, Kind], Forest]

    def by_tree(self, target: str, materials: Sequence[Material]) -> FloatArray | None:
        """Return what each tree answers, shape (n_trees, n).

        A material with a full cell is answered by the forest on cells, any other by the forest on formulas; the two
        have as many trees. None when there is no forest for the target.
        """
        on_formula = self.forests.get((target, "formula"))
        if on_formula is None:
            return None
        described, on_cell = Described.of(materials), self.forests.get((target, "cell"))
        if on_cell is None:
            return on_formula.predict(described.once(fractions_of))
        full, bare, cells = described.parted()
        if not cells:
            return on_formula.predict(bare.once(fractions_of))
        answers = np.empty((len(on_formula.roots), len(materials)))
        if bare:
            answers[:, ~full] = on_formula.predict(bare.once(fractions_of))
        answers[:, full] = on_cell.predict(cells.once(_of_cells))
        return answers


def fractions_of(materials: Sequence[Material]) -> npt.NDArray[np.float32]:
    """Return the element fractions of materials, shape (n, n_elements)."""
    return fraction_vectors([material.formula for material in materials])


def _of_cells(materials: Sequence[Material]) -> npt.NDArray[np.float32]:
    return np.stack([cell_features(material) for material in materials])
