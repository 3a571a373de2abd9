"""A material as the models take it: a formula always, a crystal and a cell where they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superion.featurizers.context import CellContext, context_vector, smallest_formulas_atoms
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.featurizers.graph_arrays import crystal_arrays
from superion.models.caveats import is_adduct

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True)
class Material:
    """Hold one material; graphs are built when first asked for and kept."""

    formula: Formula
    crystal: Crystal | None = None
    cell: CellContext = field(default_factory=CellContext)
    """Known of the cell; taken from the crystal when there is one and nothing is given."""

    def __post_init__(self) -> None:
        if self.crystal is not None and self.cell == CellContext():
            object.__setattr__(self, "cell", CellContext.from_crystal(self.crystal))

    @classmethod
    def from_crystal(cls, crystal: Crystal) -> Material:
        """Make a material of a crystal, with the formula of its cell reduced."""
        return cls(formula=crystal.formula.reduced, crystal=crystal)

    @cached_property
    def key(self) -> bytes:
        """Tell the same material from any other, whatever the order of the elements in its formula: a SHA-256.

        Amounts count as written: a staircase is told per formula unit. Labels of sites do not count.
        """
        formula, crystal = self.formula, self.crystal
        amounts = sorted(zip(formula.symbols, map(float, formula.amounts), strict=True))
        digest = hashlib.sha256(repr((amounts, is_adduct(formula), self.cell)).encode())
        if crystal is not None:
            digest.update(repr((crystal.species, crystal.space_group_number)).encode())
            digest.update(crystal.lattice.tobytes())
            digest.update(crystal.fractional_coordinates.tobytes())
        return digest.digest()

    @cached_property
    def context(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What is known of it as a whole, and which of it; see `superion.featurizers.context.context_vector`."""
        return context_vector(self.formula, self.cell)

    @cached_property
    def composition_graph(self) -> Data:
        """The graph of its elements."""
        # Imported where a graph is made: it takes two seconds, and a service starts without.
        from superion.featurizers.graphs import composition_graph

        return composition_graph(self.formula, self.cell)

    def forget_graphs(self) -> None:
        """Let go of its graphs, which are made again when they are asked for; many materials would fill the memory."""
        for name in ("composition_graph", "_crystal_arrays", "_crystal_graphs"):
            self.__dict__.pop(name, None)

    def crystal_arrays(self, cutoff: float, neighbors: int) -> dict[str, npt.NDArray[Any]] | None:
        """Return the arrays of the graph of its sites, None without a crystal."""
        if self.crystal is None:
            return None
        kept: dict[tuple[float, int], dict[str, npt.NDArray[Any]]] = self.__dict__.setdefault("_crystal_arrays", {})
        key = (cutoff, neighbors)
        if key not in kept:
            kept[key] = crystal_arrays(self.crystal, cutoff, neighbors)
        return kept[key]

    def crystal_graph(self, cutoff: float, neighbors: int) -> Data | None:
        """Return the graph of its sites, None without a crystal."""
        arrays = self.crystal_arrays(cutoff, neighbors)
        if arrays is None:
            return None
        from superion.featurizers.graphs import graph_of_arrays

        kept: dict[tuple[float, int], Data] = self.__dict__.setdefault("_crystal_graphs", {})
        key = (cutoff, neighbors)
        if key not in kept:
            kept[key] = graph_of_arrays(arrays)
        return kept[key]


def contexts_of(materials: Sequence[Material]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return `Material.context` of several, each of shape (n, n_context); what is not known yet is found together."""
    new = [material for material in materials if "context" not in material.__dict__]
    sizes = smallest_formulas_atoms([material.formula.fractions for material in new])
    for material, size in zip(new, sizes, strict=True):
        # Where the cached property keeps it.
        material.__dict__["context"] = context_vector(material.formula, material.cell, size)
    values, known = zip(*(material.context for material in materials), strict=True)
    return np.stack(values), np.stack(known)
