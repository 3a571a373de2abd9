"""Blocks of features whose distances are chemically meaningful: what the Gaussian processes compare materials by."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS, magpie_table
from superion.featurizers.magpie_statistics import MAGPIE_LABELS, magpie
from superion.featurizers.schema import CONTEXT_NAMES, CRYSTAL_SYSTEMS, LAST_GROUP
from superion.featurizers.substitution import replacements
from superion.models.described import Described
from superion.models.distribution import FloatArray
from superion.models.material import Material, contexts_of
from superion.models.tree_ensemble import fractions_of

Block = npt.NDArray[np.float32]

WIDTHS: Mapping[str, int] = {
    "composition": len(SYMBOLS),
    "substituted": len(SYMBOLS),
    "substituted_host": len(SYMBOLS),
    "magpie": len(MAGPIE_LABELS),
    "formula_size": 1,
    "host": len(SYMBOLS),
    "lithium": 1,
    "amounts": len(SYMBOLS),
    "lattice": 6,
    "crystal_system": len(CRYSTAL_SYSTEMS) + 1,
}
"""Columns of each block.

- `composition`: square roots of the element fractions, so that the distance is Hellinger's.
- `substituted`: as `composition`, once every element has lent `LENT` of its share to the elements that take its place
  in known compounds, so that LiZr2(PO4)3 and LiHf2(PO4)3 are near one another.
- `substituted_host`: the same of what is left without lithium.
- `magpie`: the Magpie features in units of their spread, divided so that a squared distance is a mean over them.
- `formula_size`: the entry `log_formula_atoms` of the context: how doped the formula is.
- `host`: as `composition`, of what is left without lithium; zeros when nothing is.
- `lithium`: twice the fraction of lithium.
- `amounts`: logarithm of one plus the amounts of the elements in the cell, in units of the square root of ten.
- `lattice`: logarithms of a, b and c [angstrom] and the angles in units of 30 degrees; zeros for an unknown cell, which
  is some 6 from any: what that means, the length of the kernel says.
- `crystal_system`: a place for each, scaled so that two different ones are at distance 1, and one for an unknown cell,
  `UNKNOWN_APART` from all of them.
"""

UNKNOWN_APART = 1e3
"""So far that a row without a full cell says nothing of one with a cell in the terms that compare cells. In the others
it does: leaving such rows out of the process on cells was measured to cost 0.05 decades."""

LENT = 0.7
"""Share that an element lends to those that take its place: of 0.3, 0.5, 0.7, 0.85 and 0.95 the best for formulas, and
of those tried for cells."""

_LITHIUM = ATOMIC_NUMBER["Li"] - 1
_FORMULA_SIZE = CONTEXT_NAMES.index("log_formula_atoms")


@dataclass(frozen=True)
class MagpieScale:
    """Hold how Magpie features are brought to one scale, each array of shape (132,)."""

    mean: FloatArray
    factor: FloatArray
    """What a difference from the mean is multiplied by; 0 for a feature that was the same in every training row."""

    @classmethod
    def of(cls, features: FloatArray) -> MagpieScale:
        """Take mean and spread of features, shape (n, 132), over the rows that have them."""
        known = np.isfinite(features)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / n
        spread = np.sqrt(np.square(np.where(known, features - mean, 0.0)).sum(axis=0) / n)
        varies = spread > 1e-9 * (1.0 + np.abs(mean))
        factor = np.divide(1.0, spread * math.sqrt(len(mean)), out=np.zeros_like(mean), where=varies)
        return cls(mean, factor)

    def scaled(self, features: FloatArray) -> FloatArray:
        """Return features, shape (n, 132), on this scale; what is unknown is taken as the mean."""
        return np.nan_to_num((features - self.mean) * self.factor, nan=0.0)


@cache
def _in_magpie() -> frozenset[str]:
    """Return the elements that Magpie knows anything of."""
    in_table = ~np.isnan(magpie_table().values).all(axis=1)
    return frozenset(SYMBOLS[row] for row in np.flatnonzero(in_table))


def magpie_features(materials: Sequence[Material]) -> FloatArray:
    """Return the Magpie features, shape (n, 132); NaN where Magpie lacks a value or knows nothing of an element."""
    in_table = _in_magpie()
    known = [in_table.issuperset(material.formula.symbols) for material in materials]
    features = np.full((len(materials), len(MAGPIE_LABELS)), np.nan)
    if any(known):
        formulas = [material.formula for material, in_full in zip(materials, known, strict=True) if in_full]
        features[np.array(known)] = magpie(formulas)
    return features


def feature_blocks(
    names: Sequence[str], materials: Sequence[Material], scale: MagpieScale | None = None
) -> dict[str, Block]:
    """Return the blocks of these names, each of shape (n, columns); without `has_full_cell` a cell is unknown.

    The block `magpie` needs the scale of its features.
    """
    described = Described.of(materials)
    blocks: dict[str, FloatArray] = {}
    for makes in (_formula_blocks, _substituted_blocks, _cell_blocks):
        if not BLOCKS_OF[makes].isdisjoint(names):
            blocks |= described.once(makes)
    if scale is not None:
        blocks["magpie"] = scale.scaled(described.once(magpie_features))
    return {name: blocks[name].astype(np.float32) for name in names}


def _formula_blocks(materials: Sequence[Material]) -> dict[str, FloatArray]:
    fractions = _fractions(materials)
    lithium = fractions[:, [_LITHIUM]]
    rest = fractions.copy()
    rest[:, _LITHIUM] = 0.0
    total = rest.sum(axis=1, keepdims=True)
    # Taken from the materials, which keep it: finding the smallest whole formula takes as long as all of the rest.
    size = contexts_of(materials)[0][:, _FORMULA_SIZE].astype(np.float64)
    return {
        "composition": np.sqrt(fractions),
        "formula_size": size[:, None],
        "host": np.sqrt(np.divide(rest, total, out=np.zeros_like(rest), where=total > 0.0)),
        "lithium": 2.0 * lithium,
    }


def _substituted_blocks(materials: Sequence[Material]) -> dict[str, FloatArray]:
    shares = Described.of(materials).once(_formula_blocks)
    return {
        "substituted": np.sqrt(np.square(shares["composition"]) @ _lending()),
        "substituted_host": np.sqrt(np.square(shares["host"]) @ _lending()),
    }


@cache
def _lending() -> FloatArray:
    return (1.0 - LENT) * np.eye(len(SYMBOLS)) + LENT * replacements()


def _fractions(materials: Sequence[Material]) -> FloatArray:
    return Described.of(materials).once(fractions_of).astype(np.float64)


def _cell_blocks(materials: Sequence[Material]) -> dict[str, FloatArray]:
    atoms, lattice, system = [], [], np.zeros((len(materials), WIDTHS["crystal_system"]))
    for row, material in enumerate(materials):
        cell = material.cell
        if cell.atoms_per_cell is None or cell.cell_parameters is None or cell.space_group_number is None:
            atoms.append(0.0)
            lattice.append([0.0] * WIDTHS["lattice"])
            system[row, -1] = UNKNOWN_APART
            continue
        a, b, c, *angles = cell.cell_parameters
        atoms.append(cell.atoms_per_cell)
        lattice.append([math.log(a), math.log(b), math.log(c), *(angle / 30.0 for angle in angles)])
        system[row, bisect_left(LAST_GROUP, cell.space_group_number)] = math.sqrt(0.5)
    amounts = np.log1p(_fractions(materials) * np.array(atoms)[:, None]) / math.sqrt(10.0)
    return {"amounts": amounts, "lattice": np.array(lattice), "crystal_system": system}


BLOCKS_OF: Mapping[Callable[[Sequence[Material]], dict[str, FloatArray]], frozenset[str]] = {
    _formula_blocks: frozenset({"composition", "formula_size", "host", "lithium"}),
    _substituted_blocks: frozenset({"substituted", "substituted_host"}),
    _cell_blocks: frozenset({"amounts", "lattice", "crystal_system"}),
}
"""Which blocks are made together."""


@dataclass(frozen=True)
class Rows:
    """Hold the rows of a block that others are compared with again and again."""

    columns: FloatArray
    """Shape (columns, n)."""
    squares: FloatArray
    """Shape (n,): summed over the columns."""

    @classmethod
    def of(cls, block: Block) -> Rows:
        """Prepare rows, shape (n, columns)."""
        columns = np.ascontiguousarray(block.T, dtype=np.float64)
        return cls(columns, np.square(columns).sum(axis=0))


def distances(one: Block, other: Block | Rows) -> FloatArray:
    """Return the euclidean distances of rows, shape (n_one, n_other), never quite 0.

    The small number under the root keeps the gradient finite where two rows are alike.
    """
    left, right = one.astype(np.float64), other if isinstance(other, Rows) else Rows.of(other)
    present = np.flatnonzero(left.any(axis=0))
    # A composition holds few of the elements; only their columns count, and only they are read.
    few = 2 * len(present) < len(right.columns)
    squared = left[:, present] @ right.columns[present] if few else left @ right.columns
    squared *= -2.0
    squared += np.square(left).sum(axis=1)[:, None]
    squared += right.squares
    np.maximum(squared, 0.0, out=squared)
    squared += 1e-10
    return np.sqrt(squared, out=squared)
