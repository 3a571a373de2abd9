"""Symmetry operations read from text such as `-y,x+1/2,z`, checked to form a group, and what they do to a cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCif

MAX_OPERATIONS = 1000
"""Largest number of symmetry operations read; a face-centred cubic group has 192."""

_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""The entries of a metric tensor: the squared lengths, then the products of two vectors."""
_MAX_ENTRY = 2
"""Largest entry of a rotation; products of two then hold at most 12."""
_DIGITS = 25.0 ** np.arange(9).reshape(3, 3)
"""Weights that turn any such product into a number of its own, exact in double precision."""


@dataclass(frozen=True)
class Operations:
    """Hold a closed group of operations, in the setting of the file: `x -> rotations @ x + translations`."""

    rotations: NDArray[np.float64]
    """Shape (n_operations, 3, 3); the identity comes first."""
    translations: NDArray[np.float64]
    """Shape (n_operations, 3), in units of the lattice vectors."""
    group: gemmi.SpaceGroup | None
    """The space group in this setting, None when that is not tabulated."""
    strains: NDArray[np.float64]
    """Shape (6, n_strains, 9): what operations add to the six entries of the metric tensor `(9,)` of a cell."""

    @property
    def number(self) -> int | None:
        """Return the number of the space group, None when the setting is not tabulated."""
        return None if self.group is None else int(self.group.number)

    def distortion(self, lattice: NDArray[np.float64]) -> float:
        """Return how far the lattice `(3, 3)` is from what the operations leave as it is.

        That is the largest change of a product of two lattice vectors over twice the product of their lengths: to
        first order the relative change of a length, or the deviation of an angle from its mean [radian].
        """
        if not self.strains.size:
            return 0.0
        metric = lattice @ lattice.T
        changes = np.abs(self.strains @ metric.reshape(9)).max(axis=1).tolist()
        lengths = [math.sqrt(squared) for squared in metric.diagonal().tolist()]
        return max(change / (2 * lengths[i] * lengths[j]) for change, (i, j) in zip(changes, _PAIRS, strict=True))


def read_operation(triplet: str) -> gemmi.Op:
    """Read one operation; raises InvalidCif."""
    try:
        return gemmi.Op(triplet.strip())
    except (ValueError, RuntimeError) as fault:
        raise InvalidCif(
            f"the symmetry operation {triplet[:60]!r} cannot be read; '-y,x+1/2,z' is the form ({fault})",
            field="cif",
            value=triplet,
        ) from fault


@lru_cache(maxsize=256)
def read_operations(triplets: tuple[str, ...]) -> Operations:
    """Read a group of operations; raises InvalidCif for one that cannot be read or no closed group."""
    if len(triplets) > MAX_OPERATIONS:
        raise InvalidCif(
            f"{len(triplets)} symmetry operations are listed; at most {MAX_OPERATIONS} are read", field="cif"
        )
    parsed = {}
    for triplet in triplets:
        op = read_operation(triplet)
        op.wrap()
        parsed[op.triplet()] = op
    identity = gemmi.Op("x,y,z")
    ops = [identity, *(op for name, op in parsed.items() if name != identity.triplet())]
    rotations = np.array([op.rot for op in ops], dtype=np.float64) / 24.0
    translations = np.array([op.tran for op in ops], dtype=np.float64)
    if not _is_group(rotations, translations):
        raise InvalidCif(
            f"the {len(triplets)} symmetry operations do not form a group; an operation is missing or mistyped",
            field="cif",
        )
    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(ops))
    return Operations(rotations, translations / 24.0, group, _strains(rotations))


def _is_group(rotations: NDArray[np.float64], translations: NDArray[np.float64]) -> bool:
    """Tell whether every product of two operations is an operation; translations in gemmi's units of 1/24."""
    whole = (rotations == np.rint(rotations)).all() and (np.abs(rotations) <= _MAX_ENTRY).all()
    if not whole or (np.abs(np.linalg.det(rotations).round()) != 1).any():
        return False
    listed = np.sort(_numbers(rotations[:1], translations[:1], rotations, translations), axis=1)
    for k in range(0, len(rotations), 64):  # a thousand operations at a time would take 100 MB
        products = _numbers(rotations[k : k + 64], translations[k : k + 64], rotations, translations)
        # No two products of one operation with others are the same, so all are listed when they are the list.
        if not (np.sort(products, axis=1) == listed).all():
            return False
    return True


def _numbers(
    left: NDArray[np.float64],
    left_shifts: NDArray[np.float64],
    right: NDArray[np.float64],
    right_shifts: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return a number of its own for each product of operations, `(n_left, n_right)`."""
    # The weighted sum over the entries of left @ right, by right first: it is the same sum.
    weighted = np.einsum("ik,bjk->ijb", _DIGITS, right)
    turned = left.reshape(-1, 9) @ weighted.reshape(9, -1)
    shifts = (left.reshape(-1, 3) @ right_shifts.T).reshape(len(left), 3, -1) + left_shifts[:, :, None]
    moved = np.einsum("x,axb->ab", np.array([576.0, 24.0, 1.0]), shifts % 24.0)
    return turned.astype(np.int64) * 24**3 + moved.astype(np.int64)


def _strains(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each distinct rotation adds to a metric tensor, `(6, n_strains, 9)`; see `Operations.strains`."""
    _, first = np.unique(rotations.reshape(-1, 9) @ _DIGITS.reshape(9), return_index=True)
    units = np.eye(9).reshape(9, 3, 3)  # the metric tensors that have one entry
    distinct = rotations[first][:, None]
    added = distinct.swapaxes(-1, -2) @ units @ distinct - units  # (n_distinct, 9, 3, 3)
    strains = np.stack([added[:, :, i, j] for i, j in _PAIRS])
    return strains[:, strains.any(axis=(0, 2))]
