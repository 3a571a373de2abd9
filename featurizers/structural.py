"""The structural descriptors of a crystal, disordered or not, as one vector of numbers.

Each is a field of one of the classes in `GROUPS`, where its meaning and its unit are written and when it is NaN; its
label is `group.field`. They do not depend on how the crystal is described (cell, orientation, origin, order and
splitting of the sites), but for some 0.01 angstrom in the radii (0.07 at most on 32 measured crystals) and 0.001 in the
volume shares, which are measured on a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from superion.featurizers.crystal import Crystal
from superion.featurizers.environment import IonEnvironment, describe_environment
from superion.featurizers.framework import Framework, describe_framework
from superion.featurizers.ionic_radii import anions
from superion.featurizers.occupancies import Occupancies, check_ion
from superion.featurizers.schema import CRYSTAL_SYSTEMS
from superion.featurizers.spacegroup import FoundSymmetry, symmetry_of
from superion.featurizers.sublattice import MobileSublattice, describe_sublattice
from superion.featurizers.voids import FreeVolume, describe_voids

__all__ = ["STRUCTURAL_LABELS", "SymmetryDescriptors", "structural_descriptors"]


@dataclass(frozen=True)
class SymmetryDescriptors:
    """Hold the descriptors of the symmetry found, not of the one declared; those of the ions are NaN without ions."""

    triclinic: float
    """1 in this crystal system, else 0 [1]; and so the next six."""
    monoclinic: float
    orthorhombic: float
    tetragonal: float
    trigonal: float
    hexagonal: float
    cubic: float
    space_group: float
    """Number of the space group, 1 to 230 [1]."""
    point_operations: float
    """Order of the point group, 1 to 48 [1]."""
    centrosymmetric: float
    """1 with inversion, else 0 [1]."""
    polar: float
    """1 where the group leaves a direction as it is, else 0 [1]."""
    distinct_positions: float
    """Sets of equivalent positions over positions in the primitive cell [1]: 1 where no two are equivalent."""
    ion_sets: float
    """Number of distinct sets of equivalent positions, that is of environments, that hold ions [1]; 0 without ions."""
    effective_ion_sets: float
    """The number of equally filled sets over which ions would be as evenly spread: the exponential of the entropy of
    the shares of ions per set [1]."""
    ion_site_symmetry: float
    """Order of the site symmetry, 1 to 48, mean over the ions [1]."""


GROUPS = {
    "sublattice": MobileSublattice,
    "environment": IonEnvironment,
    "framework": Framework,
    "voids": FreeVolume,
    "symmetry": SymmetryDescriptors,
}
"""The classes whose fields make up the vector, by the first part of the labels."""

STRUCTURAL_LABELS: tuple[str, ...] = tuple(
    f"{group}.{field.name}" for group, described in GROUPS.items() for field in fields(described)
)
"""Names of the descriptors, in order."""


def structural_descriptors(crystal: Crystal, ion: str = "Li") -> npt.NDArray[np.float64]:
    """Compute the descriptors `(n_descriptors,)` named by `STRUCTURAL_LABELS`, for one mobile ion.

    NaN stands where a descriptor has no meaning, as the length of bonds of an ion that is not there.

    Raises InvalidValue for an ion that is no element, InvalidCrystal where no space group fits (see `find_symmetry`),
    and MissingDependency without spglib.
    """
    check_ion(ion)
    contents = Occupancies.of(crystal)
    is_anion = anions(contents)
    described = (
        describe_sublattice(contents, ion),
        describe_environment(contents, is_anion, ion),
        describe_framework(contents, is_anion, ion),
        describe_voids(contents, is_anion, ion),
        describe_symmetry(symmetry_of(contents, crystal.space_group_number), contents.of_element(ion)),
    )
    values = [getattr(group, field.name) for group in described for field in fields(group)]
    return np.array(values, dtype=np.float64)


def describe_symmetry(found: FoundSymmetry, ions: npt.NDArray[np.float64]) -> SymmetryDescriptors:
    """Summarise the symmetry found; `ions` (n_positions,) is the occupancy of each position by the mobile ion."""
    n_ions = float(ions.sum())
    per_set = np.bincount(found.orbits, ions)
    shares = per_set[per_set > 0.0] / max(n_ions, 1e-300)
    return SymmetryDescriptors(
        **{system: float(system == found.crystal_system) for system in CRYSTAL_SYSTEMS},
        space_group=float(found.number),
        point_operations=float(found.point_operations),
        centrosymmetric=float(found.is_centrosymmetric),
        polar=float(found.is_polar),
        distinct_positions=(int(found.orbits.max()) + 1) * found.cells / len(ions),
        ion_sets=float(len(shares)),
        effective_ion_sets=math.exp(-float(shares @ np.log(shares))) if n_ions > 0.0 else math.nan,
        ion_site_symmetry=float(found.site_symmetry @ ions) / n_ions if n_ions > 0.0 else math.nan,
    )
