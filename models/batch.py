"""Many materials as one batch of composition graphs and one of the crystal graphs that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data


@dataclass(frozen=True)
class MaterialBatch:
    """Hold a batch; `owner` (n_crystals,) says which material each crystal belongs to."""

    composition: Batch
    crystal: Batch | None
    owner: Tensor

    @property
    def size(self) -> int:
        """Number of materials."""
        return int(self.composition.num_graphs)

    @classmethod
    def from_graphs(cls, compositions: Sequence[Data], crystals: Sequence[Data | None]) -> MaterialBatch:
        """Stack composition graphs and, where a material has one, crystal graphs of equal count."""
        # Here, as in `layers`: its import takes seconds, and a model that only answers needs none of it.
        from torch_geometric.data import Batch

        present = [(index, graph) for index, graph in enumerate(crystals) if graph is not None]
        return cls(
            composition=Batch.from_data_list(list(compositions)),
            crystal=Batch.from_data_list([graph for _, graph in present]) if present else None,
            owner=torch.tensor([index for index, _ in present], dtype=torch.long),
        )

    def to(self, device: torch.device | str) -> MaterialBatch:
        """Return the batch on another device."""
        crystal = None if self.crystal is None else self.crystal.to(device)
        return MaterialBatch(self.composition.to(device), crystal, self.owner.to(device))
