"""The room that the framework leaves: free volume, cavities and the bottlenecks on the way of the mobile ion.

The framework is what is left without the mobile ion, drawn as hard spheres of `data/ionic_radii.csv`;
`ionic_radii.anions` says which of the two radii an atom has, and a mixed position has the mean of its atoms. A position
is drawn when framework atoms are there at least half of the time, counted over the position and those that exclude it
(`split_share`), so that the parts of a split anion are all drawn and a dopant on a few per cent of its sites is not.
Where the mobile ion shares the position it is evidently not barred from it, so there 0.9 is asked for.

`csrc/clearance.h` defines the clearance of a point, which is the radius of the largest sphere that fits around it, and
its peaks, on which the bottlenecks are found: points some 0.13 angstrom apart, so a radius may be up to 0.1 angstrom
too small. With the origin of the grid it changes by 0.01 angstrom (median of 32 measured crystals; 0.07 at most).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.featurizers._clearance import clearance_grid, plan_grid
from superion.featurizers.crystal import Crystal
from superion.featurizers.ionic_radii import anions, ionic_radii
from superion.featurizers.occupancies import Floats, Occupancies, check_ion

__all__ = ["FreeVolume", "free_volume"]

STEP = 0.4
"""Longest step of the grid [angstrom]; peaks are found on thirds of it."""
MAX_POINTS = 250_000
"""Number of grid points that a large cell is given; it gets longer steps instead of more."""
CEILING = 10.0
"""Largest radius that is measured [angstrom]; a cavity beyond it is no part of a dense crystal."""
PROBE = 0.5
"""Radius of the probe of `accessible_fraction` [angstrom]: about what a bottleneck of a good conductor lets pass."""
BARRED, BARRED_WITH_IONS = 0.5, 0.9
"""Occupancy by framework atoms from which a position is drawn, without and with the mobile ion on it."""


@dataclass(frozen=True)
class FreeVolume:
    """Hold the descriptors of the room between the atoms of the framework.

    All are NaN when no framework is left or an element of it has no known ionic radius.
    """

    free_fraction: float
    """Share of the cell volume outside all ionic spheres [1]; 1 minus the packing fraction of the framework."""
    free_volume_per_ion: float
    """Volume outside all ionic spheres per mobile ion [angstrom^3]; NaN without ions."""
    accessible_fraction: float
    """Share of the cell volume where a sphere of radius 0.5 angstrom can have its centre [1]."""
    cavity_radius: float
    """Radius of the largest sphere that fits anywhere [angstrom], at most 10."""
    bottleneck_1d: float
    """Radius of the largest sphere that can travel through the crystal in at least one dimension [angstrom].

    At most 10; negative where even a point would have to cross ionic spheres, then by how much.
    """
    bottleneck_2d: float
    """The same in at least two dimensions [angstrom]."""
    bottleneck_3d: float
    """The same in all three dimensions [angstrom]."""


def free_volume(crystal: Crystal, ion: str = "Li") -> FreeVolume:
    """Describe the room that the framework leaves for `ion`. Raises InvalidValue for an ion that is no element."""
    contents = Occupancies.of(crystal)
    return describe_voids(contents, anions(contents), check_ion(ion))


def describe_voids(contents: Occupancies, is_anion: npt.NDArray[np.bool_], ion: str) -> FreeVolume:
    """Do what `free_volume` does for contents that are at hand, with their anions marked as `anions` does."""
    from superion.featurizers.percolation import percolation_levels

    centres, radii = framework_spheres(contents, is_anion, ion)
    if len(radii) == 0 or np.isnan(radii).any():
        return FreeVolume(*[math.nan] * 7)
    step = max(STEP, (contents.volume / MAX_POINTS) ** (1.0 / 3.0))
    cell, shape = plan_grid(contents.lattice, step)
    fractional = np.ascontiguousarray(centres @ contents.lattice @ np.linalg.inv(cell))
    # Peaks below 0 would make exact what no ion passes anyway.
    clearance, peaks = clearance_grid(cell, fractional, radii, shape, CEILING, 0.0, True)
    one, two, three = percolation_levels(-peaks)
    width = (contents.volume / clearance.size) ** (1.0 / 3.0)
    free = _share_above(clearance, 0.0, width)
    n_ions = float(contents.of_element(ion).sum())
    return FreeVolume(
        free,
        free * contents.volume / n_ions if n_ions > 0.0 else math.nan,
        _share_above(clearance, PROBE, width),
        float(peaks.max()),
        -one,
        -two,
        -three,
    )


def framework_spheres(contents: Occupancies, is_anion: npt.NDArray[np.bool_], ion: str) -> tuple[Floats, Floats]:
    """Return the fractional centres (n_spheres, 3) and radii (n_spheres,) [angstrom] of the framework's spheres.

    A radius is NaN where an element has none.
    """
    framework = contents.amounts * [symbol != ion for symbol in contents.symbols]
    held, ions = framework.sum(axis=1), contents.of_element(ion)
    i, j, share = contents.split_pairs
    often = held + np.bincount(i, share * held[j], len(held))
    with_ions = np.maximum(ions > 0.0, np.bincount(i, share * (ions[j] > 0.0), len(held)) >= 0.5)
    drawn = (held > 0.0) & (often >= np.where(with_ions, BARRED_WITH_IONS, BARRED) - 1e-6)
    as_cation, as_anion = ionic_radii(contents.symbols)
    radius_of = np.where(is_anion, as_anion, as_cation)
    parts = np.where(framework > 0.0, framework * radius_of, 0.0)
    return contents.fractional_coordinates[drawn], parts.sum(axis=1)[drawn] / held[drawn]


def _share_above(clearance: Floats, radius: float, width: float) -> float:
    """Return the share of the volume with more clearance than `radius`, voxels on the boundary counted in part."""
    return float(np.clip((clearance - radius) / width + 0.5, 0.0, 1.0).mean())
