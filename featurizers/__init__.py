"""Formulas and crystals in, arrays and graphs out.

Names are imported when they are first used: only the graphs need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from superion.lazy import lazy_names

if TYPE_CHECKING:
    from superion.featurizers.batch import Featuriser
    from superion.featurizers.bond_valence import bond_valence_parameters
    from superion.featurizers.context import CellContext
    from superion.featurizers.crystal import Crystal
    from superion.featurizers.fingerprint import structure_fingerprint
    from superion.featurizers.formula import Formula
    from superion.featurizers.graph_arrays import crystal_arrays
    from superion.featurizers.graphs import composition_graph, crystal_graph
    from superion.featurizers.landscape import BondValenceLandscape, bond_valence_landscape
    from superion.featurizers.magpie_statistics import MAGPIE_LABELS, magpie
    from superion.featurizers.neighbors import nearest_neighbors, neighbor_list
    from superion.featurizers.oxidation import oxidation_states
    from superion.featurizers.percolation import percolating_points, percolation_levels
    from superion.featurizers.spacegroup import find_symmetry
    from superion.featurizers.structural import STRUCTURAL_LABELS, structural_descriptors

__all__ = [
    "MAGPIE_LABELS",
    "STRUCTURAL_LABELS",
    "BondValenceLandscape",
    "CellContext",
    "Crystal",
    "Featuriser",
    "Formula",
    "bond_valence_landscape",
    "bond_valence_parameters",
    "composition_graph",
    "crystal_arrays",
    "crystal_graph",
    "find_symmetry",
    "magpie",
    "nearest_neighbors",
    "neighbor_list",
    "oxidation_states",
    "percolating_points",
    "percolation_levels",
    "structural_descriptors",
    "structure_fingerprint",
]

_HOME = {
    "MAGPIE_LABELS": "magpie_statistics",
    "STRUCTURAL_LABELS": "structural",
    "BondValenceLandscape": "landscape",
    "CellContext": "context",
    "Crystal": "crystal",
    "Featuriser": "batch",
    "Formula": "formula",
    "bond_valence_landscape": "landscape",
    "bond_valence_parameters": "bond_valence",
    "composition_graph": "graphs",
    "crystal_arrays": "graph_arrays",
    "crystal_graph": "graphs",
    "find_symmetry": "spacegroup",
    "magpie": "magpie_statistics",
    "nearest_neighbors": "neighbors",
    "neighbor_list": "neighbors",
    "oxidation_states": "oxidation",
    "percolating_points": "percolation",
    "percolation_levels": "percolation",
    "structural_descriptors": "structural",
    "structure_fingerprint": "fingerprint",
}


__getattr__ = lazy_names(__name__, _HOME)
