"""The arrays of a crystal graph, without torch; `superion.featurizers.schema` names every one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue
from superion.featurizers import schema
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.neighbors import nearest_neighbors

__all__ = ["crystal_arrays"]


def crystal_arrays(
    crystal: Crystal, cutoff: float = 6.0, neighbors: int = 12, ion: str = "Li"
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `superion.featurizers.crystal_graph`, contiguous and by name, for the same arguments.

    Raises InvalidValue for a cutoff or a count out of range and for an ion that is no element.
    """
    if ion not in ATOMIC_NUMBER:
        raise InvalidValue(f"the ion {ion!r} is no element; give a symbol such as 'Li'", field="ion", value=ion)
    centre, neighbor, shift, distance = nearest_neighbors(crystal, cutoff, neighbors)
    species_site = crystal.species_sites
    numbers = crystal.species_atomic_numbers
    occupancies = crystal.species_occupancies
    site_occupancy = np.bincount(species_site, occupancies, minlength=crystal.n_sites)
    mobile = np.bincount(species_site, occupancies * (numbers == ATOMIC_NUMBER[ion]), minlength=crystal.n_sites)
    return {
        schema.SPECIES_INDEX: species_site.copy(),  # the crystal's own are read-only
        schema.SPECIES_ATOMIC_NUMBER: numbers.astype(np.int64),
        schema.SPECIES_OCCUPANCY: occupancies.astype(np.float32),
        schema.SITE_OCCUPANCY: site_occupancy.astype(np.float32),
        schema.MOBILE_OCCUPANCY: mobile.astype(np.float32),
        schema.EDGE_INDEX: np.array((neighbor, centre)),
        schema.EDGE_DISTANCE: distance.astype(np.float32),
        schema.EDGE_SHIFT: shift.astype(np.float32),
        schema.EDGE_OCCUPANCY: (site_occupancy[centre] * site_occupancy[neighbor]).astype(np.float32),
    }
