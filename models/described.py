"""Materials with what was found out about them together, so that no member of an ensemble works it out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from superion.models.material import Material

T = TypeVar("T")


class Described(Sequence[Material]):
    """Hold materials, and keep what is computed of all of them for as long as they are asked about."""

    def __init__(self, materials: Sequence[Material]) -> None:
        self._materials = tuple(materials)
        self._kept: dict[Callable[..., Any], Any] = {}

    @classmethod
    def of(cls, materials: Sequence[Material]) -> Described:
        """Return the materials as they are where they keep something already."""
        return materials if isinstance(materials, Described) else cls(materials)

    def once(self, make: Callable[[Described], T]) -> T:
        """Return what `make` makes of the materials, made at the first call."""
        if make not in self._kept:
            self._kept[make] = make(self)
        found: T = self._kept[make]
        return found

    def parted(self) -> tuple[npt.NDArray[np.bool_], Described, Described]:
        """Return which materials have a full cell, shape (n,), those that have none and those that have one."""
        return self.once(_parted)

    def __len__(self) -> int:
        return len(self._materials)

    @overload
    def __getitem__(self, place: int) -> Material: ...
    @overload
    def __getitem__(self, place: slice) -> Described: ...
    def __getitem__(self, place: int | slice) -> Material | Described:
        """Return one material, or some of them, of which nothing is kept yet unless they are all."""
        if not isinstance(place, slice):
            return self._materials[place]
        found = self._materials[place]
        return self if len(found) == len(self) and place.step in (None, 1) else Described(found)


def _parted(materials: Described) -> tuple[npt.NDArray[np.bool_], Described, Described]:
    full = np.array([material.cell.is_full for material in materials], dtype=bool)
    if not full.any():
        return full, materials, Described(())
    if full.all():
        return full, Described(()), materials
    bare = Described([material for material, known in zip(materials, full, strict=True) if not known])
    return full, bare, Described([material for material, known in zip(materials, full, strict=True) if known])
