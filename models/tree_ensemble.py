"""The forests of an ensemble, for bare formulas and for full cells, answering as members beside the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from superion.models.calibration import FloatArray
from superion.models.forest import Forest, cell_features, formula_features, has_full_cell
from superion.models.material import Material

Kind = Literal["formula", "cell"]
KINDS: tuple[Kind, ...] = ("formula", "cell")


@dataclass(frozen=True)
class TreeEnsemble:
    """Hold a forest for each target and kind of input that has one."""

    forests: Mapping[tuple[str, Kind], Forest]

    def members(self, target: str, materials: Sequence[Material], n_members: int) -> FloatArray | None:
        """Return `n_members` answers, shape (n_members, n), each the mean of an equal part of the trees.

        A material with a full cell is answered by the forest on cells, any other by the forest on formulas. None when
        there is no forest for the target.
        """
        on_formula = self.forests.get((target, "formula"))
        if on_formula is None:
            return None
        on_cell = self.forests.get((target, "cell"))
        full = np.array([on_cell is not None and has_full_cell(material) for material in materials])
        answers = np.empty((n_members, len(materials)))
        bare = [material for material, known in zip(materials, full, strict=True) if not known]
        if bare:
            features = np.stack([formula_features(material) for material in bare])
            answers[:, ~full] = _parts(on_formula.predict(features), n_members)
        if on_cell is not None and full.any():
            features = np.stack([cell_features(m) for m, known in zip(materials, full, strict=True) if known])
            answers[:, full] = _parts(on_cell.predict(features), n_members)
        return answers


def _parts(by_tree: FloatArray, n_parts: int) -> FloatArray:
    return np.stack([by_tree[part::n_parts].mean(axis=0) for part in range(n_parts)])
