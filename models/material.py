"""A material as the models take it: a formula always, a crystal and a cell where they are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from torch_geometric.data import Data

from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.featurizers.graphs import composition_graph, crystal_graph


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
    def composition_graph(self) -> Data:
        """The graph of its elements."""
        return composition_graph(self.formula, self.cell)

    def crystal_graph(self, cutoff: float, neighbors: int) -> Data | None:
        """Return the graph of its sites, None without a crystal."""
        if self.crystal is None:
            return None
        kept: dict[tuple[float, int], Data] = self.__dict__.setdefault("_crystal_graphs", {})
        key = (cutoff, neighbors)
        if key not in kept:
            kept[key] = crystal_graph(self.crystal, cutoff, neighbors)
        return kept[key]
