"""The forests of an ensemble, for bare formulas and for full cells, answering beside the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from superion.models.distribution import FloatArray
from superion.models.forest import Forest, cell_features, formula_features, has_full_cell
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
        on_cell = self.forests.get((target, "cell"))
        full = np.array([on_cell is not None and has_full_cell(material) for material in materials])
        answers = np.empty((len(on_formula.roots), len(materials)))
        bare = [material for material, known in zip(materials, full, strict=True) if not known]
        if bare:
            answers[:, ~full] = on_formula.predict(np.stack([formula_features(material) for material in bare]))
        if on_cell is not None and full.any():
            features = np.stack([cell_features(m) for m, known in zip(materials, full, strict=True) if known])
            answers[:, full] = on_cell.predict(features)
        return answers
