"""The names, shapes and meanings of every graph array, in one place.

A composition graph has the elements of a formula as its nodes; a crystal graph has the sites of a crystal. Both are PyG
`Data` objects holding the arrays named here. PyG stacks arrays whose name contains `index` by adding the number of
nodes of the graphs before, so that `SPECIES_INDEX` points at the right site of a batch.
"""

from __future__ import annotations

FEATURISER_VERSION = 1
"""Raise when the meaning of any array below changes; a saved model refuses a featuriser of another version."""

ATOMIC_NUMBER = "atomic_number"
"""Composition graph: shape (n_elements,), int64, 1 to 118."""

FRACTION = "fraction"
"""Composition graph: shape (n_elements,), float32, share of the atoms; sums to 1."""

EDGE_INDEX = "edge_index"
"""Shape (2, n_edges), int64. Composition graph: all ordered pairs of elements, itself included. Crystal graph: row 0 is
the neighbour, row 1 the site that hears from it."""

CONTEXT = "context"
"""Composition graph: shape (1, n_context), float32; what is known of the material as a whole, in the order of
`CONTEXT_NAMES`, scaled to order one, 0 where unknown."""

CONTEXT_KNOWN = "context_known"
"""Composition graph: shape (1, n_context), float32; 1 where the entry of `CONTEXT` is known, 0 where it is not."""

SPECIES_INDEX = "species_index"
"""Crystal graph: shape (n_species,), int64, the site that each (element, occupancy) pair sits on."""

SPECIES_ATOMIC_NUMBER = "species_atomic_number"
"""Crystal graph: shape (n_species,), int64, 1 to 118."""

SPECIES_OCCUPANCY = "species_occupancy"
"""Crystal graph: shape (n_species,), float32, in (0, 1]."""

SITE_OCCUPANCY = "site_occupancy"
"""Crystal graph: shape (n_sites,), float32, sum over the site's species; what is missing to 1 is vacancy."""

MOBILE_OCCUPANCY = "mobile_occupancy"
"""Crystal graph: shape (n_sites,), float32, occupancy of the mobile ion on the site."""

EDGE_DISTANCE = "edge_distance"
"""Crystal graph: shape (n_edges,), float32 [angstrom]."""

EDGE_SHIFT = "edge_shift"
"""Crystal graph: shape (n_edges, 3), float32, lattice vectors from the site's cell to the neighbour's."""

EDGE_OCCUPANCY = "edge_occupancy"
"""Crystal graph: shape (n_edges,), float32, product of the two sites' occupancies: how often both ends are there."""

CRYSTAL_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
"""In the order of the space-group numbers; `LAST_GROUP` has the last number of each."""

LAST_GROUP = (2, 15, 74, 142, 167, 194, 230)

CONTEXT_NAMES = (
    "log_formula_atoms",
    "n_elements",
    "log_atoms_per_cell",
    "log_volume_per_atom",
    "log_a",
    "log_b",
    "log_c",
    "alpha",
    "beta",
    "gamma",
    "space_group",
    *CRYSTAL_SYSTEMS,
)
"""Entries of `CONTEXT`. `log_formula_atoms` is the logarithm of the number of atoms in the smallest whole-number
formula: small for a stoichiometric compound, large for a doped one."""
