"""Turn formulas and crystals into PyG graphs; `superion.featurizers.schema` names every array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch_geometric.data import Data

from superion.featurizers import schema
from superion.featurizers.context import CellContext, context_vector
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.featurizers.graph_arrays import crystal_arrays

__all__ = ["composition_graph", "crystal_graph", "graph_of_arrays"]


def composition_graph(formula: Formula, cell: CellContext | None = None) -> Data:
    """Turn a formula, and what is known of its cell, into a graph of elements.

    Nodes are the elements, edges all ordered pairs of them, itself included; the context of the whole material is a
    graph-level array with a flag beside each entry that says whether it is known.
    """
    values, known = context_vector(formula, CellContext() if cell is None else cell)
    n_elements = len(formula.symbols)
    element = torch.arange(n_elements)
    return Data(
        num_nodes=n_elements,
        **{
            schema.ATOMIC_NUMBER: torch.tensor([ATOMIC_NUMBER[symbol] for symbol in formula.symbols]),
            schema.FRACTION: torch.tensor(formula.fractions, dtype=torch.float32),
            schema.EDGE_INDEX: torch.stack([element.repeat(n_elements), element.repeat_interleave(n_elements)]),
            schema.CONTEXT: torch.from_numpy(values)[None, :],
            schema.CONTEXT_KNOWN: torch.from_numpy(known)[None, :],
        },
    )


def crystal_graph(crystal: Crystal, cutoff: float = 6.0, neighbors: int = 12, ion: str = "Li") -> Data:
    """Turn a crystal, disordered or not, into a graph of sites.

    A node is a site, which is a mixture of species with a share of vacancy; an edge leads to each of the `neighbors`
    nearest sites within `cutoff` [angstrom] (more where distances tie). `ion` is the mobile one.

    Raises InvalidValue for a cutoff or a count out of range and for an ion that is no element.
    """
    return graph_of_arrays(crystal_arrays(crystal, cutoff, neighbors, ion))


def graph_of_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Data:
    """Wrap what `crystal_arrays` returns, without a copy: the graph's tensors are these arrays."""
    data = Data(num_nodes=len(arrays[schema.SITE_OCCUPANCY]))
    # One by one through the constructor, the arrays would cost as much as the search for neighbours.
    data.stores[0].update({name: torch.from_numpy(array) for name, array in arrays.items()})
    return data
